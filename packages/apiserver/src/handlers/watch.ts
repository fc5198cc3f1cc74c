import { ApiError, expired, fieldForbidden, fieldNotSupported, invalid } from '@locktender/kube'
import type { FieldError, WatchEventType } from '@locktender/kube'
import { ByteStream } from '../present/byte-stream.ts'
import type { Stored } from '../database.ts'
import { isTrue } from '../request-info.ts'
import type { Presentation } from '../present/represent.ts'
import { CompactedError } from '../store/store-types.ts'
import type { StoreEvent } from '../store/store-types.ts'
import { WatchEncoder } from '../present/watch-encoder.ts'
import type { Answer } from './answer.ts'
import type { RequestContext } from './context.ts'
import { convertingListener } from './conversions.ts'
import { beforeAnyList, isFuture, parseResourceVersion, reachVersion } from './resource-version.ts'
import { parseInteger } from './list.ts'
import { selectionOf } from './selection.ts'
import type { Selection } from './selection.ts'

/** A watch without a timeout of its own ends after this long to twice as long, as with apiserver's defaults. */
const MIN_TIMEOUT_MS = 30 * 60_000
/** The last bookmark comes this long before the end, so that the next watch starts where this one was. */
const LAST_BOOKMARK_MS = 2000

interface WatchOptions {
  readonly version: number
  /** Tell the present state first. */
  readonly initial: boolean
  /** Say with a bookmark that the present state is complete. */
  readonly announceEnd: boolean
  readonly bookmarks: boolean
  readonly timeoutMs: number
}

/** GET of a collection with `watch`: one line for each change, until the timeout or until the client leaves. */
export async function handleWatch(context: RequestContext, presentation: Presentation): Promise<Answer> {
  const { cluster } = context
  const { database } = cluster
  const { store, clock } = database
  const options = parseOptions(context)
  const selection = selectionOf(context)
  const encoder = new WatchEncoder(database, presentation)
  if (options.timeoutMs < 0) return ended()
  if (!options.initial && options.version === beforeAnyList) {
    return ended(encoder.error(expired(`too old resource version: ${options.version} (${store.revision})`).status))
  }
  if (options.initial && isFuture(database, options.version)) {
    try {
      await reachVersion(database, options.version)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return ended(encoder.error(error.status))
    }
  }

  // From a version that is still to come, what is up to it is not told.
  const skipTo = options.initial ? 0 : options.version
  const newest = options.initial ? store.writtenRevision : store.revision
  const after = skipTo > 0 ? Math.min(skipTo, newest) : newest
  const initial = options.initial ? readInitial(context, selection) : []
  await store.settled()
  const frames = initialFrames(encoder, initial, options.announceEnd ? after : undefined)
  // What a webhook has converted stays at hand for as long as the request lasts.
  const eager = context.served.webhookConversion !== undefined
  const stream = new ByteStream(eager ? [...frames] : firstMade(frames))
  const deliver = (events: readonly StoreEvent[]): void => {
    for (const event of events) {
      if (event.revision <= skipTo) continue
      const piece = frameOf(context, selection, encoder, event)
      if (piece !== undefined) stream.push(piece)
    }
  }
  const fail = (error: ApiError): void => {
    stream.push(encoder.error(error.status))
    stream.end()
  }
  const listener =
    context.served.webhookConversion === undefined
      ? deliver
      : convertingListener(context, (event) => encoder.statesOf(event), deliver, fail)
  let endWatch: () => void
  try {
    const { only, prefix } = selection
    endWatch = only === undefined ? store.watch(prefix, after, listener) : store.watchKey(only, after, listener)
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error
    return ended(encoder.error(expired(error.message).status))
  }
  // Everything up to the store's revision has been dispatched, and what of it belongs here has been pushed before.
  const sendBookmark = (): void => {
    const revision = Math.max(after, store.revision)
    if (revision >= skipTo) stream.push(encoder.bookmark(revision, false))
  }
  const endBookmarks = options.bookmarks ? cluster.bookmarks.add(sendBookmark) : () => {}
  const lastBookmark = options.timeoutMs - LAST_BOOKMARK_MS
  const cancelLastBookmark = options.bookmarks && lastBookmark > 0 ? clock.after(lastBookmark, sendBookmark) : () => {}
  const cancelTimeout = clock.after(options.timeoutMs, () => stream.end())
  const stop = (): void => stream.end()
  context.signal?.addEventListener('abort', stop, { once: true })
  const endOpen = cluster.streams.add(stream)
  stream.onClose(() => {
    endWatch()
    endBookmarks()
    cancelLastBookmark()
    cancelTimeout()
    endOpen()
    context.signal?.removeEventListener('abort', stop)
  })
  if (context.signal?.aborted === true) stop()
  return { kind: 'watch', stream }
}

function ended(...pieces: readonly Uint8Array[]): Answer {
  const stream = new ByteStream(pieces)
  stream.end()
  return { kind: 'watch', stream }
}

function readInitial({ cluster, served }: RequestContext, { prefix, only, matches }: Selection): Stored[] {
  const { store } = cluster.database
  const items = only === undefined ? store.range(prefix).items : [store.get(only)].filter((item) => item !== undefined)
  return matches === undefined ? items : items.filter((item) => matches(cluster.view(served, item).object))
}

function* initialFrames(
  encoder: WatchEncoder,
  items: readonly Stored[],
  completeAt: number | undefined,
): Generator<Uint8Array> {
  for (const stored of items) yield encoder.state('ADDED', stored)
  if (completeAt !== undefined) yield encoder.bookmark(completeAt, true)
}

function* rest(first: Uint8Array, others: Iterator<Uint8Array>): Generator<Uint8Array> {
  yield first
  for (let next = others.next(); next.done !== true; next = others.next()) yield next.value
}

/** Frames of which the first is made at once: its table has the columns, before any of an event. */
function firstMade(frames: Iterator<Uint8Array>): Iterable<Uint8Array> {
  const first = frames.next()
  return first.done === true ? [] : rest(first.value, frames)
}

function frameOf(
  { cluster, served }: RequestContext,
  { matches }: Selection,
  encoder: WatchEncoder,
  event: StoreEvent,
): Uint8Array | undefined {
  const { previous } = event
  const existed = previous !== undefined
  const exists = event.value !== undefined
  if (matches === undefined) {
    return encoder.event(exists ? (existed ? 'MODIFIED' : 'ADDED') : 'DELETED', event)
  }
  const matched = existed && matches(cluster.view(served, previous).object)
  const isMatch = exists && matches(cluster.view(served, encoder.stateOf(event)).object)
  const type: WatchEventType | undefined = isMatch ? (matched ? 'MODIFIED' : 'ADDED') : matched ? 'DELETED' : undefined
  return type === undefined ? undefined : encoder.event(type, event)
}

function parseOptions({ query, cluster }: RequestContext): WatchOptions {
  const errors: FieldError[] = []
  const send = query.get('sendInitialEvents')
  const match = query.get('resourceVersionMatch') ?? ''
  const bookmarks = isTrue(query.get('allowWatchBookmarks'))
  const field = 'resourceVersionMatch'
  if (send !== null && match !== 'NotOlderThan') {
    errors.push(fieldForbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  }
  if (match !== '') {
    if (send === null) {
      const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
      errors.push(fieldForbidden(field, why))
    }
    if (match !== 'NotOlderThan') errors.push(fieldNotSupported(field, match, ['NotOlderThan']))
  }
  if ((query.get('continue') ?? '') !== '') {
    errors.push(fieldForbidden(field, 'resourceVersionMatch is forbidden when continue is provided'))
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  const version = parseResourceVersion(query.get('resourceVersion'))
  const seconds = parseInteger(query.get('timeoutSeconds') ?? '0')
  parseInteger(query.get('limit') ?? '0')
  const { random } = cluster.database
  // A watch from anywhere is one of the whole state first, with or without the words for it.
  const initial = send === null ? version === 0 : isTrue(send)
  return {
    version,
    initial,
    announceEnd: initial && bookmarks,
    bookmarks,
    timeoutMs: seconds !== 0 ? seconds * 1000 : MIN_TIMEOUT_MS * (1 + random.next()),
  }
}
