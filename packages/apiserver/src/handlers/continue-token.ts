import { badRequest } from '@locktender/kube'
import { jsonProblem, jsonTypeOf } from '../write/json-problems.ts'
import { isRecord } from '../objects/object.ts'

const VERSION = 'meta.k8s.io/v1'

/** Where a list goes on. */
export interface ContinuePoint {
  /** Revision of the first page; not positive when the newest state is to be shown instead. */
  readonly revision: number
  /** Key of the last object of the page before. */
  readonly key: string
}

/** `relativeKey` is the key of the last object without the prefix of the list. */
export function encodeContinue(revision: number, relativeKey: string): string {
  const token = { v: VERSION, rv: revision, start: `${relativeKey}\u0000` }
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

/**
 * Reads a token for a list below `prefix`.
 * @throws ApiError BadRequest
 */
export function decodeContinue(text: string, prefix: string): ContinuePoint {
  const token = readToken(text)
  const { v = '', rv = 0, start = '' } = token
  if (typeof v !== 'string') throw notValid(mistyped(v, 'v', 'string'))
  if (v !== VERSION) throw notValid(`server does not recognize this encoded version ${v}`)
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv)) throw notValid(mistyped(rv, 'rv', 'int64'))
  if (typeof start !== 'string') throw notValid(mistyped(start, 'start', 'string'))
  if (rv === 0) throw notValid(`incorrect encoded start resourceVersion (version ${VERSION})`)
  if (start === '') throw notValid(`encoded start key empty (version ${VERSION})`)
  if (!start.endsWith('\u0000') || start.split('/').includes('..')) throw notValid(start)
  return { revision: rv, key: prefix + start.slice(0, -1) }
}

function readToken(text: string): Record<string, unknown> {
  const wrong = /[^\w-]/.exec(text)
  if (wrong !== null)
    throw notValid(`illegal base64 data at input byte ${Buffer.byteLength(text.slice(0, wrong.index))}`)
  const bytes = Buffer.from(text, 'base64url')
  try {
    const token: unknown = JSON.parse(bytes.toString('utf8'))
    if (token === null) return {}
    if (isRecord(token)) return token
    throw notValid(`json: cannot unmarshal ${jsonTypeOf(token)} into Go value of type storage.continueToken`)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Go names the single bytes of a text.
    throw notValid(jsonProblem(bytes.toString('latin1')) ?? 'invalid character')
  }
}

function mistyped(value: unknown, field: string, type: string): string {
  const found = typeof value === 'number' ? `number ${value}` : jsonTypeOf(value)
  return `json: cannot unmarshal ${found} into Go struct field continueToken.${field} of type ${type}`
}

function notValid(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`)
}
