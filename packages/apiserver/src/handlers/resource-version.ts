import { tooLargeResourceVersion, unknownError } from '@locktender/kube'
import type { Database } from '../database.ts'

/** How long a read of a future version waits for it, as in kube-apiserver's watch cache. */
const REACH_TIMEOUT_MS = 3000

/**
 * A version that no client can have seen: every cluster begins with objects of its own. Clients ask for it to be told
 * that it is too old.
 */
export const beforeAnyList = 1

/**
 * A resource version of a query; 0 when it is absent or empty.
 * @throws ApiError without a reason, or what `refuse` makes of the problem
 */
export function parseResourceVersion(text: string | null, refuse: (why: string) => Error = unknownError): number {
  if (text === null || text === '') return 0
  const why = !/^\d+$/.test(text) ? 'invalid syntax' : isUint64(text) ? undefined : 'value out of range'
  if (why === undefined) return Number(text)
  const quoted = JSON.stringify(text)
  throw refuse(`resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`)
}

function isUint64(text: string): boolean {
  return BigInt.asUintN(64, BigInt(text)) === BigInt(text)
}

/** Whether a read has to wait with {@link reachVersion} before it may show a state "not older than" `wanted`. */
export function isFuture({ store }: Database, wanted: number): boolean {
  return wanted > store.writtenRevision
}

/**
 * Waits for a version that nothing has been written at yet: the client may have heard of it from another server.
 * @throws ApiError Timeout when it does not come
 */
export async function reachVersion({ store, clock }: Database, wanted: number): Promise<void> {
  const reached = await new Promise<boolean>((resolve) => {
    const finish = (result: boolean): void => {
      cancel()
      end()
      resolve(result)
    }
    const cancel = clock.after(REACH_TIMEOUT_MS, () => finish(false))
    const end = store.watch('', store.revision, (events) => {
      if (events.at(-1)!.revision >= wanted) finish(true)
    })
  })
  if (!reached) throw tooLargeResourceVersion(wanted, store.revision)
}
