import type { ServedResource } from './served-resource.ts'
import { holdsStatus } from './subresources.ts'

const NONE: readonly (readonly string[])[] = []
const STATUS: readonly (readonly string[])[] = [['status']]
const ALL_BUT_STATUS: readonly (readonly string[])[] = [['metadata'], ['spec']]

/** The fields an endpoint does not write, so that nobody can own them through it. */
export function resetFieldsOf(served: ServedResource, subresource: string | undefined): readonly (readonly string[])[] {
  if (holdsStatus(subresource)) return ALL_BUT_STATUS
  return served.status ? STATUS : NONE
}
