import type { ServedResource } from '../served-resource.ts'
import { holdsStatus } from '../subresources.ts'

type Paths = readonly (readonly string[])[]

const NONE: Paths = []
const STATUS: Paths = [['status']]
const SPEC: Paths = [['spec']]
const UNUSUAL_WITH_STATUS: Readonly<Record<string, Paths>> = {
  CustomResourceDefinition: [['metadata'], ['spec']],
  Deployment: [['spec'], ['metadata', 'labels']],
}

/**
 * The fields nobody can own through an endpoint. Metadata is mostly not among them, though a write of the status of a
 * defined kind leaves it as it is: Kubernetes notes owners of what was meant to be written there.
 */
export function resetFieldsOf(served: ServedResource, subresource: string | undefined): Paths {
  if (!holdsStatus(subresource)) return served.status ? STATUS : NONE
  return (served.custom ? undefined : UNUSUAL_WITH_STATUS[served.resource.kind]) ?? SPEC
}
