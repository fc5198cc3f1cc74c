import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  Name,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension } from '@peculiar/x509'
import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate and its key, PEM. */
export interface TestIdentity {
  readonly certificate: string
  readonly key: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate authority for tests, which needs neither a tool nor keys in the repository. */
export class TestAuthority {
  readonly certificate: string
  readonly #name: string
  readonly #key: KeyObject

  private constructor(name: string, key: KeyObject, certificate: string) {
    this.#name = name
    this.#key = key
    this.certificate = certificate
  }

  static async create(name = 'test authority'): Promise<TestAuthority> {
    const { publicKey, privateKey } = generateKeys()
    const constraints = new BasicConstraintsExtension(true, undefined, true)
    return new TestAuthority(name, privateKey, await sign(nameOf(name), publicKey, [constraints], name, privateKey))
  }

  /** For a server that answers to these names and addresses. */
  server(...names: readonly string[]): Promise<TestIdentity> {
    const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))
    return this.#identity(nameOf(names[0]!), [new SubjectAlternativeNameExtension(alternatives)])
  }

  client(user: string, groups: readonly string[] = []): Promise<TestIdentity> {
    return this.#identity(nameOf(user, groups), [])
  }

  async #identity(subject: Name, extensions: readonly Extension[]): Promise<TestIdentity> {
    const { publicKey, privateKey } = generateKeys()
    return {
      certificate: await sign(subject, publicKey, extensions, this.#name, this.#key),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }
}

function generateKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function nameOf(commonName: string, organizations: readonly string[] = []): Name {
  return new Name([
    ...organizations.map((name) => ({ O: [{ utf8String: name }] })),
    { CN: [{ utf8String: commonName }] },
  ])
}

async function sign(
  subject: Name,
  publicKey: KeyObject,
  extensions: readonly Extension[],
  issuer: string,
  key: KeyObject,
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: nameOf(issuer),
    // Far apart, so that the tests do not grow old.
    notBefore: new Date(Date.UTC(2020, 0, 1)),
    notAfter: new Date(Date.UTC(2099, 0, 1)),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    signingKey: key.toCryptoKey(ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    extensions: [...extensions],
  })
  return `${certificate.toString('pem')}\n`
}
