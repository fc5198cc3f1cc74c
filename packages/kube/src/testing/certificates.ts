import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** A certificate and its key, PEM. */
export interface TestIdentity {
  readonly certificate: string
  readonly key: string
}

/** A certificate authority for tests: just enough DER to need neither a tool nor keys in the repository. */
export class TestAuthority {
  readonly certificate: string
  readonly #name: string
  readonly #key: KeyObject
  #serial = 1

  constructor(name = 'test authority') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#name = name
    this.#key = privateKey
    // basicConstraints, critical: cA TRUE.
    const constraints = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))), true)
    this.certificate = this.#issue(name, [], publicKey, [constraints])
  }

  /** For a server that answers to these names and IPv4 addresses. */
  server(...names: readonly string[]): TestIdentity {
    const alternatives = names.map((name) =>
      /^[0-9.]+$/.test(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
    )
    return this.#identity(names[0]!, [], [extension('551d11', sequence(...alternatives))])
  }

  client(user: string, groups: readonly string[] = []): TestIdentity {
    return this.#identity(user, groups, [])
  }

  #identity(name: string, organizations: readonly string[], extensions: readonly Buffer[]): TestIdentity {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    return {
      certificate: this.#issue(name, organizations, publicKey, extensions),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  #issue(name: string, organizations: readonly string[], key: KeyObject, extensions: readonly Buffer[]): string {
    const content = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([this.#serial++])),
      ECDSA_WITH_SHA256,
      distinguishedName(this.#name, []),
      // As long as UTCTime reaches, so that the tests do not grow old.
      sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
      distinguishedName(name, organizations),
      key.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    )
    const signature = sign('sha256', content, this.#key)
    const certificate = sequence(content, ECDSA_WITH_SHA256, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
    const lines = certificate.toString('base64').match(/.{1,64}/g)!
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  }
}

function der(tag: number, content: Buffer): Buffer {
  const length = content.length
  const header =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(header), content])
}

function sequence(...items: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items))
}

function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function extension(hex: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der(0x01, Buffer.from([0xff]))] : []
  return sequence(identifier(hex), ...flag, der(0x04, value))
}

const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'))
const ORGANIZATION = '55040a'
const COMMON_NAME = '550403'

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const parts = [...organizations.map((name) => [ORGANIZATION, name] as const), [COMMON_NAME, commonName] as const]
  return sequence(...parts.map(([type, value]) => der(0x31, sequence(identifier(type), der(0x0c, Buffer.from(value))))))
}
