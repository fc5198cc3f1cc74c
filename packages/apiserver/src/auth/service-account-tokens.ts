import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { holding } from '@locktender/kube'
import type { Clock } from '@locktender/kube'
import { readPrivate, writePrivate } from './private-files.ts'

/** Name and uid of an object, as the claims of a token say it. */
export interface NameAndUid {
  readonly name: string
  readonly uid: string
}

/** The claim `kubernetes.io` of a service account's token. */
export interface KubernetesClaim {
  readonly namespace: string
  readonly serviceaccount: NameAndUid
  readonly pod?: NameAndUid
  readonly secret?: NameAndUid
  readonly node?: NameAndUid
}

/** What a token of a service account says. */
export interface TokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  /** Seconds since the Unix epoch. */
  readonly exp: number
  readonly iat: number
  readonly nbf: number
  readonly jti: string
  readonly 'kubernetes.io': KubernetesClaim
}

const ALGORITHM = 'ES256'
/** Tokens whose signature has been checked already. */
const MAX_VERIFIED = 4096
/** Longer than any token we issue; nothing longer is looked at. */
const MAX_TOKEN_LENGTH = 16 * 1024

/**
 * Signs the tokens of service accounts, and knows its own again. The key is made when it is first needed.
 * Cryptography happens in another thread, which a simulated clock has to wait for.
 */
export class ServiceAccountTokens {
  readonly #file: string | undefined
  readonly #clock: Clock
  #key: { readonly id: string; readonly secret: KeyObject; readonly open: KeyObject } | undefined
  readonly #verified = new Map<string, TokenClaims>()

  /** Without a directory, tokens end with the process. */
  constructor({ directory, clock }: { readonly directory: string | undefined; readonly clock: Clock }) {
    this.#file = directory === undefined ? undefined : join(directory, 'service-accounts.key')
    this.#clock = clock
  }

  /** Signs a token that is valid from now on. */
  async issue(claims: Omit<TokenClaims, 'exp' | 'iat' | 'nbf' | 'jti'>, seconds: number): Promise<string> {
    const { id, secret } = this.#keys()
    const now = this.#seconds()
    const payload = { ...claims, aud: [...claims.aud], exp: now + seconds, iat: now, nbf: now, jti: randomUUID() }
    return holding(this.#clock, async () => {
      const { SignJWT } = await import('jose')
      return new SignJWT(payload).setProtectedHeader({ alg: ALGORITHM, kid: id }).sign(secret)
    })
  }

  /** The claims of a token that `issuer` signed with our key and that is valid now; undefined for any other text. */
  async verify(token: string, issuer: string): Promise<TokenClaims | undefined> {
    if (!looksLikeJwt(token)) return undefined
    const claims = this.#verified.get(token) ?? (await this.#check(token))
    if (claims === undefined || claims.iss !== issuer) return undefined
    const now = this.#seconds()
    return claims.nbf <= now && now < claims.exp ? claims : undefined
  }

  /** The key that others check tokens with, as a JSON Web Key Set. */
  keySet(): object {
    const { id, open } = this.#keys()
    return { keys: [{ use: 'sig', ...open.export({ format: 'jwk' }), kid: id, alg: ALGORITHM }] }
  }

  async #check(token: string): Promise<TokenClaims | undefined> {
    const { open } = this.#keys()
    const claims = await holding(this.#clock, async () => {
      const { compactVerify } = await import('jose')
      try {
        const { payload } = await compactVerify(token, open, { algorithms: [ALGORITHM] })
        // Signed by us, so it has the form we gave it.
        return JSON.parse(Buffer.from(payload).toString('utf8')) as TokenClaims
      } catch {
        return undefined
      }
    })
    if (claims === undefined) return undefined
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear()
    this.#verified.set(token, claims)
    return claims
  }

  #keys(): { readonly id: string; readonly secret: KeyObject; readonly open: KeyObject } {
    if (this.#key !== undefined) return this.#key
    let pem = this.#file === undefined ? undefined : readPrivate(this.#file)
    if (pem === undefined) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
      if (this.#file !== undefined) writePrivate(this.#file, pem)
    }
    const secret = createPrivateKey(pem)
    const open = createPublicKey(secret)
    const id = createHash('sha256')
      .update(open.export({ type: 'spki', format: 'der' }))
      .digest('base64url')
    return (this.#key = { id, secret, open })
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}

/** Whether a bearer token may be one of a service account; the others have no dots. */
export function looksLikeJwt(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}
