import { badRequest, expired, fieldForbidden, fieldNotSupported, invalid } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { breathe } from '../edge/breathe.ts'
import { CompactedError } from '../store/store-types.ts'
import type { StoredValue } from '../store/store-types.ts'
import type { View } from '../present/view.ts'
import type { Answer } from './answer.ts'
import type { RequestContext } from './context.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'
import { beforeAnyList, isFuture, parseResourceVersion, reachVersion } from './resource-version.ts'
import { selectionOf } from './selection.ts'
import type { Selection } from './selection.ts'

/** Objects a selector is asked about at a time; others have their turn in between. */
const CHUNK = 1000

interface Found {
  readonly stored: StoredValue
  readonly view: View
}

/** GET of a collection. */
export async function handleList(context: RequestContext): Promise<Answer> {
  const { cluster, query } = context
  const { database } = cluster
  const { store } = database
  checkOptions(query)
  const selection = selectionOf(context)
  const limit = parseLimit(query.get('limit'))
  parseInteger(query.get('timeoutSeconds') ?? '0')
  const token = query.get('continue') ?? ''
  const start = token === '' ? undefined : decodeContinue(token, selection.prefix)
  const wanted = parseResourceVersion(query.get('resourceVersion'), (why) =>
    badRequest(`invalid resource version: ${why}`),
  )
  if (token !== '' && wanted > 0) throw badRequest('specifying resource version is not allowed when using continue')
  // A page of a certain version was always taken for one of exactly that version.
  const match = query.get('resourceVersionMatch') ?? ''
  const exact = match === 'Exact' || (match === '' && limit !== undefined && wanted > 0)
  const asked = Math.max(wanted, start?.revision ?? 0)
  if (isFuture(database, asked)) await reachVersion(database, asked)
  if (exact && wanted === beforeAnyList) throw tooOld(undefined, selection.prefix)

  const current = store.writtenRevision
  // A token without a revision continues at the newest state: the one it started with is gone.
  const revision = start === undefined ? (exact ? wanted : current) : start.revision > 0 ? start.revision : current
  // resourceVersion=0 accepts any state, so the whole list comes at once, as from a watch cache.
  const unlimited = query.get('resourceVersion') === '0' && start === undefined
  let page: Page
  try {
    page = await readPage(context, selection, {
      limit: unlimited ? undefined : limit,
      startAfter: start?.key,
      at: revision === current ? undefined : revision,
    })
  } catch (error) {
    if (error instanceof CompactedError) throw tooOld(start?.key, selection.prefix)
    throw error
  }
  await store.settled()
  return {
    kind: 'list',
    list: {
      items: page.found.map(({ view }) => view),
      resourceVersion: String(revision),
      continueToken:
        page.last === undefined ? undefined : encodeContinue(revision, page.last.slice(selection.prefix.length)),
      remaining: page.last === undefined || selection.matches !== undefined ? undefined : page.remaining,
    },
  }
}

/** Everything the request selects, newest state. */
export async function readAll(context: RequestContext): Promise<readonly Found[]> {
  return (await readPage(context, selectionOf(context), {})).found
}

interface PageOptions {
  readonly limit?: number | undefined
  readonly startAfter?: string | undefined
  readonly at?: number | undefined
}

interface Page {
  readonly found: readonly Found[]
  /** Key of the last item when more may follow. */
  readonly last: string | undefined
  readonly remaining: number
}

async function readPage(context: RequestContext, selection: Selection, options: PageOptions): Promise<Page> {
  const { cluster, served } = context
  const { store, clock } = cluster.database
  const { matches, only, prefix } = selection
  const found: Found[] = []
  if (only !== undefined && options.at === undefined) {
    const stored = store.get(only)
    if (stored !== undefined) {
      const view = cluster.view(served, stored)
      if (matches === undefined || matches(view.object)) found.push({ stored, view })
    }
    return { found, last: undefined, remaining: 0 }
  }
  let { startAfter, at } = options
  for (;;) {
    const missing = options.limit === undefined ? undefined : options.limit - found.length
    const size = matches === undefined ? missing : Math.max(missing ?? 0, CHUNK)
    const { items, more, remaining } = store.range(prefix, {
      ...(at === undefined ? {} : { at }),
      ...(startAfter === undefined ? {} : { startAfter }),
      ...(size === undefined ? {} : { limit: size }),
    })
    for (const [index, stored] of items.entries()) {
      const view = cluster.view(served, stored)
      if (matches !== undefined && !matches(view.object)) continue
      found.push({ stored, view })
      if (found.length === options.limit) {
        const rest = remaining + items.length - index - 1
        return { found, last: rest > 0 ? stored.key : undefined, remaining: rest }
      }
    }
    if (!more) return { found, last: undefined, remaining: 0 }
    startAfter = items.at(-1)!.key
    // What is written from here on does not show.
    at ??= store.writtenRevision
    await breathe(clock)
  }
}

/**
 * A whole number of a query.
 * @throws ApiError BadRequest
 */
export function parseInteger(text: string): number {
  const why = !/^[-+]?\d+$/.test(text) ? 'invalid syntax' : isInt64(text) ? undefined : 'value out of range'
  if (why === undefined) return Number(text)
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`)
}

function isInt64(text: string): boolean {
  const value = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, value) === value
}

function parseLimit(text: string | null): number | undefined {
  if (text === null) return undefined
  // Less than nothing limits nothing.
  const limit = parseInteger(text)
  return limit <= 0 ? undefined : limit
}

function checkOptions(query: URLSearchParams): void {
  const errors: FieldError[] = []
  const match = query.get('resourceVersionMatch') ?? ''
  const version = query.get('resourceVersion') ?? ''
  const field = 'resourceVersionMatch'
  if (match !== '') {
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(fieldNotSupported(field, match, ['Exact', 'NotOlderThan', '']))
    if (version === '')
      errors.push(fieldForbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if ((query.get('continue') ?? '') !== '') {
      errors.push(fieldForbidden(field, 'resourceVersionMatch is forbidden when continue is provided'))
    }
    if (match === 'Exact' && version === '0') {
      errors.push(fieldForbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    }
  }
  if (query.get('sendInitialEvents') !== null) {
    errors.push(fieldForbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}

/** 410; for a continued list with a token that goes on at the newest state. */
function tooOld(key: string | undefined, prefix: string): Error {
  if (key === undefined) return expired('The resourceVersion for the provided list is too old.')
  const answer = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  )
  answer.status.metadata.continue = encodeContinue(-1, key.slice(prefix.length))
  return answer
}
