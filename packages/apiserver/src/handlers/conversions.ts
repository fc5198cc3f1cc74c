import { ApiError, holding, internalError } from '@locktender/kube'
import { prepareConversions } from '../crd/prepare-conversions.ts'
import { NotConverted } from '../database.ts'
import type { Stored } from '../database.ts'
import { CompactedError } from '../store/store-types.ts'
import type { StoreEvent } from '../store/store-types.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { decodeContinue } from './continue-token.ts'
import { selectionOf } from './selection.ts'

/** How often a request starts again because it came upon an object nobody could know it would need. */
const MAX_ATTEMPTS = 8

/**
 * Answers a request whose objects only a webhook can convert. What it will read is converted beforehand, since the
 * handlers themselves do not wait.
 */
export async function withConversions<T>(context: RequestContext, respond: () => Promise<T>): Promise<T> {
  const { cluster, served } = context
  const releases = [await prepareConversions(cluster, served, readBy(context))]
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await respond()
      } catch (error) {
        if (!(error instanceof NotConverted) || attempt === MAX_ATTEMPTS) throw error
        releases.push(await prepareConversions(cluster, served, [error.stored]))
      }
    }
  } finally {
    for (const release of releases) release()
  }
}

/** The stored objects a request reads, as far as it says so. */
function readBy(context: RequestContext): readonly Stored[] {
  const { cluster, request, query } = context
  const { store } = cluster.database
  if (request.verb === 'create') return []
  if (request.name !== undefined) {
    const stored = store.get(keyOf(context))
    return stored === undefined ? [] : [stored]
  }
  const { prefix, matches } = selectionOf(context)
  const token = query.get('continue') ?? ''
  const start = token === '' ? undefined : decodeContinue(token, prefix)
  const exact = query.get('resourceVersionMatch') === 'Exact' ? Number(query.get('resourceVersion')) : 0
  const at = start?.revision ?? exact
  const limit = matches === undefined ? Number(query.get('limit') ?? 0) : 0
  try {
    return store.range(prefix, {
      ...(start === undefined ? {} : { startAfter: start.key }),
      ...(at > 0 && at < store.writtenRevision ? { at } : {}),
      ...(limit > 0 ? { limit } : {}),
    }).items
  } catch (error) {
    // The handler says so in better words.
    if (error instanceof CompactedError) return []
    throw error
  }
}

/**
 * Hands on the events of a watch in their order, each batch as soon as a webhook has converted what it shows.
 * `statesOf` tells the states of an object an event may show.
 */
export function convertingListener(
  { cluster, served }: RequestContext,
  statesOf: (event: StoreEvent) => readonly Stored[],
  deliver: (events: readonly StoreEvent[]) => void,
  fail: (error: ApiError) => void,
): (events: readonly StoreEvent[]) => void {
  let before = Promise.resolve()
  let failed = false
  return (events) => {
    const turn = before
    // Time must not pass while an event waits for the webhook.
    before = holding(cluster.database.clock, async () => {
      await turn
      if (failed) return
      try {
        const release = await prepareConversions(cluster, served, events.flatMap(statesOf))
        deliver(events)
        release()
      } catch (error) {
        failed = true
        fail(error instanceof ApiError ? error : internalError(String(error)))
      }
    })
  }
}
