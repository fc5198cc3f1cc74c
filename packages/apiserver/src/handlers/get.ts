import { notFound } from '@locktender/kube'
import { groupResourceOf } from '../served-resource.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { isFuture, parseResourceVersion, reachVersion } from './resource-version.ts'

/** GET of one object. */
export async function handleGet(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query } = context
  const { database } = cluster
  const { store } = database
  const wanted = parseResourceVersion(query.get('resourceVersion'))
  if (isFuture(database, wanted)) await reachVersion(database, wanted)
  const stored = store.get(keyOf(context))
  await store.settled()
  if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
  return { kind: 'object', code: 200, view: cluster.view(served, stored) }
}
