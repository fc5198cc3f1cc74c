import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { holding, systemClock } from '@locktender/kube'
import type { Clock } from '@locktender/kube'
import type { UserInfo } from '../user.ts'
import { readPrivate, writePrivate } from './private-files.ts'
import { loadX509 } from './x509.ts'
import type { X509 } from './x509.ts'

/** A certificate and its key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** What a certificate of ours says. */
export interface CertificateContent {
  /** Logical cluster in which it is good for anything; absent for all of them. */
  readonly cluster?: string
  readonly subject: X509.Name
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer
  readonly keyUsages: X509.KeyUsageFlags
  /** Object identifiers. */
  readonly extendedKeyUsages: readonly string[]
  readonly alternativeNames?: X509.JsonGeneralNames
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

const DAY_MS = 24 * 60 * 60 * 1000
const AUTHORITY_DAYS = 3650
const LEAF_DAYS = 365
/** A certificate on disk is used again when it is valid for at least that long. */
const RENEWAL_DAYS = 30
/** Clocks of clients may be a little behind. */
const BACKDATE_MS = 60 * 60 * 1000

const AUTHORITY_NAME = 'locktender-ca'
const SIGNING_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Extended key usages, RFC 5280 4.2.1.12. */
export const serverAuthentication = '1.3.6.1.5.5.7.3.1'
export const clientAuthentication = '1.3.6.1.5.5.7.3.2'

export interface CertificateAuthorityOptions {
  /** Absent: the authority ends with the process. */
  readonly directory: string | undefined
  /** By which the server judges what its clients present. */
  readonly clock: Clock
}

interface Identity {
  /** PEM. */
  readonly certificate: string
  readonly key: KeyObject
}

/**
 * Signs the certificates of the server and of its clients (ECDSA, P-256). It is made when it is first needed.
 * Signing happens in another thread, which a simulated clock has to wait for.
 *
 * Clients verify the server by the time of the machine, the server its clients by its own clock, which may be a
 * simulated one: what is issued here is valid by both.
 */
export class CertificateAuthority {
  readonly #directory: string | undefined
  readonly #clock: Clock
  #identity: Identity | undefined
  #creating: Promise<Identity> | undefined

  /** Reads the authority from the directory, if there is one that will outlive what it signs. */
  constructor({ directory, clock }: CertificateAuthorityOptions) {
    this.#directory = directory
    this.#clock = clock
    const stored = this.#read('ca')
    if (stored !== undefined && isValidFor(stored.certificate, LEAF_DAYS)) {
      this.#identity = { certificate: stored.certificate, key: createPrivateKey(stored.key) }
    }
  }

  /** PEM; undefined as long as nobody has needed the authority. */
  get certificate(): string | undefined {
    return this.#identity?.certificate
  }

  /** A certificate for the server itself, kept in the directory. */
  async serverIdentity(): Promise<KeyPair & { readonly certificateAuthority: string }> {
    const { certificate: certificateAuthority } = await this.#own()
    const stored = this.#read('server')
    if (stored !== undefined && this.#mayServe(stored.certificate)) return { ...stored, certificateAuthority }
    const { Name, KeyUsageFlags } = await loadX509()
    const issued = await this.#issue({
      subject: new Name([{ CN: [{ utf8String: 'locktender' }] }]),
      keyUsages: KeyUsageFlags.digitalSignature,
      extendedKeyUsages: [serverAuthentication],
      alternativeNames: serverNames().map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    })
    this.#write('server', issued)
    return { ...issued, certificateAuthority }
  }

  /**
   * A certificate for a client, valid for a year: the common name is the user, each organization a group. One that is
   * `kept` lies in the directory with its key, and is given out again as long as it is valid for a while.
   */
  async issueClient(user: UserInfo, { kept = false }: { readonly kept?: boolean } = {}): Promise<KeyPair> {
    await this.#own()
    const file = `client-${fingerprintOf(user)}`
    const stored = kept ? this.#read(file) : undefined
    if (stored !== undefined && this.#mayPresent(stored.certificate)) return stored
    const { Name, KeyUsageFlags } = await loadX509()
    const issued = await this.#issue({
      // Said to be UTF-8, or the library would read meaning into some characters.
      subject: new Name([
        ...user.groups.map((group) => ({ O: [{ utf8String: group }] })),
        { CN: [{ utf8String: user.name }] },
      ]),
      keyUsages: KeyUsageFlags.digitalSignature,
      extendedKeyUsages: [clientAuthentication],
    })
    if (kept) this.#write(file, issued)
    return issued
  }

  /** Signs a certificate; it ends with the authority at the latest. */
  sign(content: CertificateContent): Promise<string> {
    return holding(this.#clock, () => this.#signWithOwn(content))
  }

  async #signWithOwn(content: CertificateContent): Promise<string> {
    const { certificate, key } = await this.#own()
    const x509 = await loadX509()
    const issuer = new x509.X509Certificate(certificate)
    return this.#signed(x509, key, {
      ...content,
      notAfter: Math.min(content.notAfter, issuer.notAfter.getTime()),
      issuer: issuer.subjectName,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ],
    })
  }

  async #issue(content: Omit<CertificateContent, 'publicKey' | 'notBefore' | 'notAfter'>): Promise<KeyPair> {
    const { publicKey, privateKey } = generateKeys()
    const [machine, own] = [systemClock().now(), this.#clock.now()]
    const certificate = await this.sign({
      ...content,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      notBefore: Math.min(machine, own) - BACKDATE_MS,
      notAfter: Math.max(machine, own) + LEAF_DAYS * DAY_MS,
    })
    return { certificate, key: pemOf(privateKey) }
  }

  /** The authority's own certificate and key, made if need be. */
  async #own(): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity
    this.#creating ??= holding(this.#clock, () => this.#create())
    return (this.#identity = await this.#creating)
  }

  async #create(): Promise<Identity> {
    const x509 = await loadX509()
    const { publicKey, privateKey } = generateKeys()
    const encoded = publicKey.export({ type: 'spki', format: 'der' })
    const name = new x509.Name([{ CN: [{ utf8String: AUTHORITY_NAME }] }])
    const [machine, own] = [systemClock().now(), this.#clock.now()]
    const certificate = await this.#signed(x509, privateKey, {
      subject: name,
      issuer: name,
      publicKey: encoded,
      keyUsages: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature,
      extendedKeyUsages: [],
      notBefore: Math.min(machine, own) - BACKDATE_MS,
      notAfter: Math.max(machine, own) + AUTHORITY_DAYS * DAY_MS,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        await x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(encoded)),
      ],
    })
    this.#write('ca', { certificate, key: pemOf(privateKey) })
    return { certificate, key: privateKey }
  }

  async #signed(
    x509: typeof X509,
    signingKey: KeyObject,
    content: CertificateContent & { readonly issuer: X509.Name; readonly extensions: readonly X509.Extension[] },
  ): Promise<string> {
    const { subject, issuer, publicKey, keyUsages, extendedKeyUsages, alternativeNames = [], extensions } = content
    const flags: number = keyUsages
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumberFor(content.cluster),
      subject,
      issuer,
      publicKey,
      notBefore: new Date(content.notBefore),
      notAfter: new Date(content.notAfter),
      signingKey: signingKey.toCryptoKey(SIGNING_ALGORITHM, false, ['sign']),
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        ...extensions,
        // A certificate that may be used for nothing is another thing than one of which nothing is said.
        ...(flags > 0 ? [new x509.KeyUsagesExtension(keyUsages, true)] : []),
        ...(extendedKeyUsages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...extendedKeyUsages])]),
        ...(alternativeNames.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternativeNames)]),
      ],
    })
    return `${certificate.toString('pem')}\n`
  }

  #mayServe(certificate: string): boolean {
    const parsed = new X509Certificate(certificate)
    return (
      isValidFor(certificate, RENEWAL_DAYS) &&
      isIssuedBy(parsed, new X509Certificate(this.#identity!.certificate)) &&
      serverNames().every((name) => parsed.checkHost(name) !== undefined || parsed.checkIP(name) !== undefined)
    )
  }

  #mayPresent(certificate: string): boolean {
    const parsed = new X509Certificate(certificate)
    return (
      isValidFor(certificate, RENEWAL_DAYS, this.#clock) &&
      Date.parse(parsed.validFrom) <= this.#clock.now() &&
      isValidFor(certificate, RENEWAL_DAYS) &&
      isIssuedBy(parsed, new X509Certificate(this.#identity!.certificate))
    )
  }

  #read(name: string): KeyPair | undefined {
    if (this.#directory === undefined) return undefined
    const certificate = readPrivate(join(this.#directory, `${name}.crt`))
    const key = readPrivate(join(this.#directory, `${name}.key`))
    return certificate === undefined || key === undefined ? undefined : { certificate, key }
  }

  #write(name: string, { certificate, key }: KeyPair): void {
    if (this.#directory === undefined) return
    writePrivate(join(this.#directory, `${name}.key`), key)
    writePrivate(join(this.#directory, `${name}.crt`), certificate)
  }
}

/** Whether `authority` signed the certificate. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** First byte of serial numbers: what the certificate is good for. The rest makes them unique. */
const EVERYWHERE = '01'
const IN_ONE_CLUSTER = '02'
const SERIAL_BYTES = 16
/** Part of a serial number that says for which cluster, as hexadecimal digits. */
const CLUSTER_DIGITS = 16

/**
 * A new serial number that says where a certificate is good: logical clusters have one authority, but who may have
 * certificates signed in one of them must not become somebody in another.
 */
function serialNumberFor(cluster: string | undefined): string {
  const start = cluster === undefined ? EVERYWHERE : `${IN_ONE_CLUSTER}${clusterDigits(cluster)}`
  return start + randomBytes(SERIAL_BYTES - start.length / 2).toString('hex')
}

/** Whether a certificate of ours is good in a logical cluster. */
export function isGoodIn(certificate: X509Certificate, cluster: string): boolean {
  const number = certificate.serialNumber.toLowerCase().padStart(SERIAL_BYTES * 2, '0')
  return number.startsWith(EVERYWHERE) || number.startsWith(`${IN_ONE_CLUSTER}${clusterDigits(cluster)}`)
}

function clusterDigits(cluster: string): string {
  return createHash('sha256').update(cluster).digest('hex').slice(0, CLUSTER_DIGITS)
}

function generateKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function isValidFor(certificate: string, days: number, clock = systemClock()): boolean {
  return Date.parse(new X509Certificate(certificate).validTo) > clock.now() + days * DAY_MS
}

/** Part of the name of a file: who somebody is, whatever characters that takes. */
function fingerprintOf({ name, groups }: UserInfo): string {
  return createHash('sha256')
    .update(JSON.stringify([name, groups]))
    .digest('hex')
    .slice(0, 16)
}

/** Names and addresses the server is reached under. It listens on the loopback interface, whatever that is called. */
function serverNames(): string[] {
  const own = hostname().toLowerCase()
  const names = ['localhost', '127.0.0.1', '::1']
  return HOST_NAME.test(own) && !names.includes(own) ? [...names, own] : names
}

const HOST_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
