import { badRequest } from '@locktender/kube'
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
  let token: unknown
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    throw notValid()
  }
  if (!isRecord(token) || token['v'] !== VERSION) throw notValid()
  const { rv, start } = token
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || typeof start !== 'string') throw notValid()
  if (!start.endsWith('\u0000') || start.split('/').includes('..')) throw notValid()
  return { revision: rv, key: prefix + start.slice(0, -1) }
}

function notValid(): Error {
  return badRequest('continue key is not valid')
}
