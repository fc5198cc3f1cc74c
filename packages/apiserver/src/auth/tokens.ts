import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { UserInfo } from '../user.ts'
import { readPrivate, writePrivate } from './private-files.ts'

const TOKEN_BYTES = 32

/** Tokens one user may hold; the oldest ones lapse, so that restarts do not pile up valid secrets. */
const TOKENS_PER_USER = 16

interface KnownToken {
  /** SHA-256 of the token, hexadecimal. */
  readonly digest: string
  readonly user: UserInfo
}

/** Bearer tokens. Kept are their digests only, so that the data directory gives nobody access. */
export class TokenStore {
  readonly #file: string | undefined
  readonly #users = new Map<string, UserInfo>()

  /** Without a directory, tokens end with the process. */
  constructor(directory: string | undefined) {
    this.#file = directory === undefined ? undefined : join(directory, 'tokens.json')
    const text = this.#file === undefined ? undefined : readPrivate(this.#file)
    if (text === undefined) return
    for (const { digest, user } of JSON.parse(text) as KnownToken[]) this.#users.set(digest, user)
  }

  /** A new token for `user`; known from then on, also after a restart. */
  issue(user: UserInfo): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    this.#users.set(digestOf(token), user)
    const identity = identityOf(user)
    const own = [...this.#users].filter(([, other]) => identityOf(other) === identity)
    for (const [digest] of own.slice(0, -TOKENS_PER_USER)) this.#users.delete(digest)
    if (this.#file !== undefined) {
      const known: KnownToken[] = [...this.#users].map(([digest, other]) => ({ digest, user: other }))
      writePrivate(this.#file, JSON.stringify(known))
    }
    return token
  }

  userOf(token: string): UserInfo | undefined {
    return this.#users.get(digestOf(token))
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'hex')
}

function identityOf(user: UserInfo): string {
  return JSON.stringify([user.name, user.groups])
}
