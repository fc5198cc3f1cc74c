import { badRequest, notFound, tooLargeResourceVersion } from '@locktender/kube'
import { groupResourceOf } from '../served-resource.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'

/** GET of one object. */
export async function handleGet(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query } = context
  const { store } = cluster.database
  const wanted = parseResourceVersion(query.get('resourceVersion'))
  const stored = store.get(keyOf(context))
  await store.settled()
  if (wanted > store.revision) throw tooLargeResourceVersion(wanted, store.revision)
  if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
  return { kind: 'object', code: 200, view: cluster.view(served, stored) }
}

/**
 * A resource version of a query; 0 when it is absent or empty.
 * @throws ApiError BadRequest
 */
export function parseResourceVersion(text: string | null): number {
  if (text === null || text === '') return 0
  if (!/^\d+$/.test(text))
    throw badRequest(
      `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  return Number(text)
}
