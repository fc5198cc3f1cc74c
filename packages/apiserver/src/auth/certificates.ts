import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '@locktender/kube'
import type { UserInfo } from '../user.ts'
import {
  bitString,
  boolean,
  implicit,
  octetString,
  oid,
  sequence,
  setOf,
  tagged,
  time,
  unsignedInteger,
  utf8String,
} from './der.ts'
import { readPrivate, writePrivate } from './private-files.ts'

/** A certificate and its key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

const DAY_MS = 24 * 60 * 60 * 1000
const AUTHORITY_DAYS = 3650
const LEAF_DAYS = 365
/** Clocks of clients may be a little behind. */
const BACKDATE_MS = 60 * 60 * 1000

const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const SUBJECT_KEY_ID = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const AUTHORITY_KEY_ID = '2.5.29.35'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'

/** Numbers of the kinds of names in RFC 5280 GeneralName. */
const DNS_NAME = 2
const IP_ADDRESS = 7

/** Bits of the key usage, with the number of bits that do not count. */
const DIGITAL_SIGNATURE = [Buffer.from([0x80]), 7] as const
const CERTIFICATE_SIGNING = [Buffer.from([0x04]), 2] as const

const AUTHORITY_NAME = distinguishedName([[COMMON_NAME, 'locktender-ca']])

/** Addresses the server is reached under; it listens on the loopback interface only. */
const SERVER_ADDRESSES = [
  implicit(DNS_NAME, Buffer.from('localhost')),
  implicit(IP_ADDRESS, Buffer.from([127, 0, 0, 1])),
  implicit(IP_ADDRESS, Buffer.from([...Array<number>(15).fill(0), 1])),
]

/**
 * Signs the certificates of the server and of its clients (ECDSA, P-256). Whoever verifies them goes by the time of
 * the machine, so their validity does too, whatever clock the rest of the server runs on.
 */
export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string
  readonly #key: KeyObject
  readonly #keyId: Buffer

  private constructor(certificate: string, key: KeyObject) {
    this.certificate = certificate
    this.#key = key
    this.#keyId = keyIdOf(new X509Certificate(certificate).publicKey)
  }

  /** Reads the authority from `directory`; makes a new one when there is none or it would not outlive what it signs. */
  static open(directory: string | undefined): CertificateAuthority {
    if (directory === undefined) return CertificateAuthority.#create()
    const certificateFile = join(directory, 'ca.crt')
    const keyFile = join(directory, 'ca.key')
    const certificate = readPrivate(certificateFile)
    const key = readPrivate(keyFile)
    if (certificate !== undefined && key !== undefined && outlivesLeaves(certificate)) {
      return new CertificateAuthority(certificate, createPrivateKey(key))
    }
    const authority = CertificateAuthority.#create()
    writePrivate(keyFile, pemOf(authority.#key))
    writePrivate(certificateFile, authority.certificate)
    return authority
  }

  static #create(): CertificateAuthority {
    const { publicKey, privateKey } = generateKeys()
    const certificate = signedCertificate(
      AUTHORITY_NAME,
      publicKey,
      AUTHORITY_DAYS,
      [
        extension(BASIC_CONSTRAINTS, sequence(boolean(true)), true),
        extension(KEY_USAGE, bitString(...CERTIFICATE_SIGNING), true),
        extension(SUBJECT_KEY_ID, octetString(keyIdOf(publicKey))),
      ],
      privateKey,
    )
    return new CertificateAuthority(certificate, privateKey)
  }

  /** A certificate for the server itself. */
  issueServer(): KeyPair {
    return this.#issue(distinguishedName([[COMMON_NAME, 'locktender']]), [
      extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTHENTICATION))),
      extension(SUBJECT_ALTERNATIVE_NAME, sequence(...SERVER_ADDRESSES)),
    ])
  }

  /** A certificate for a client: the common name is the user, each organization a group. */
  issueClient(user: UserInfo): KeyPair {
    const groups = user.groups.map((group) => [ORGANIZATION, group] as const)
    return this.#issue(distinguishedName([...groups, [COMMON_NAME, user.name]]), [
      extension(EXTENDED_KEY_USAGE, sequence(oid(CLIENT_AUTHENTICATION))),
    ])
  }

  #issue(subject: Buffer, extensions: readonly Buffer[]): KeyPair {
    const { publicKey, privateKey } = generateKeys()
    const common = [
      extension(BASIC_CONSTRAINTS, sequence(), true),
      extension(KEY_USAGE, bitString(...DIGITAL_SIGNATURE), true),
      extension(AUTHORITY_KEY_ID, sequence(implicit(0, this.#keyId))),
    ]
    const certificate = signedCertificate(subject, publicKey, LEAF_DAYS, [...common, ...extensions], this.#key)
    return { certificate, key: pemOf(privateKey) }
  }
}

function generateKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function outlivesLeaves(certificate: string): boolean {
  return Date.parse(new X509Certificate(certificate).validTo) > systemClock().now() + LEAF_DAYS * DAY_MS
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** RFC 5280 4.2.1.2 lets the identifier be any hash of the key. */
function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)
}

function distinguishedName(parts: readonly (readonly [type: string, value: string])[]): Buffer {
  return sequence(...parts.map(([type, value]) => setOf(sequence(oid(type), utf8String(value)))))
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value))
}

/** PEM of an X.509 version 3 certificate (RFC 5280 4.1), issued by the authority. */
function signedCertificate(
  subject: Buffer,
  publicKey: KeyObject,
  days: number,
  extensions: readonly Buffer[],
  signingKey: KeyObject,
): string {
  const now = systemClock().now()
  const algorithm = sequence(oid(ECDSA_WITH_SHA256))
  const serialNumber = randomBytes(16)
  const body = sequence(
    tagged(0, unsignedInteger(Buffer.from([2]))),
    unsignedInteger(serialNumber),
    algorithm,
    AUTHORITY_NAME,
    sequence(time(now - BACKDATE_MS), time(now + days * DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  )
  const certificate = sequence(body, algorithm, bitString(sign('sha256', body, signingKey)))
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
