import { errorText, holding } from '@locktender/kube'
import type { Clock } from '@locktender/kube'
import { clientAuthentication, serverAuthentication } from './certificates.ts'
import type { CertificateContent } from './certificates.ts'
import { loadX509 } from './x509.ts'
import type { X509 } from './x509.ts'

/** What a PKCS #10 request asks for. */
export interface SigningRequest {
  readonly subject: X509.Name
  readonly commonName: string
  readonly organizations: readonly string[]
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer
  readonly alternativeNames: X509.JsonGeneralNames
}

/** Why a request cannot be read, or is not signed with the key it is about. */
export class SigningRequestError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SigningRequestError'
  }
}

/**
 * Reads a request, PEM, and makes sure that who made it has the key.
 * @throws SigningRequestError
 */
export async function parseSigningRequest(pem: string, clock: Clock): Promise<SigningRequest> {
  const block = /-----BEGIN ([A-Z0-9 ]+)-----([\sA-Za-z0-9+/=]+)-----END \1-----/.exec(pem)
  if (block?.[1] !== 'CERTIFICATE REQUEST') throw new SigningRequestError('PEM block type must be CERTIFICATE REQUEST')
  const encoded = Buffer.from(block[2]!, 'base64')
  try {
    // Checking the signature happens in another thread, which a simulated clock has to wait for.
    return await holding(clock, () => readSigned(encoded))
  } catch (error) {
    if (error instanceof SigningRequestError) throw error
    throw new SigningRequestError(`the request cannot be read: ${errorText(error)}`)
  }
}

async function readSigned(encoded: Buffer): Promise<SigningRequest> {
  const x509 = await loadX509()
  const request = new x509.Pkcs10CertificateRequest(encoded)
  if (!(await request.verify())) throw new SigningRequestError('the signature is not that of the public key')
  const extension = request.getExtension('2.5.29.17')
  const names = extension === null ? undefined : new x509.SubjectAlternativeNameExtension(extension.rawData)
  return {
    subject: request.subjectName,
    commonName: request.subjectName.getField('CN').at(-1) ?? '',
    organizations: request.subjectName.getField('O'),
    publicKey: Buffer.from(request.publicKey.rawData),
    alternativeNames: names?.names.toJSON() ?? [],
  }
}

/** Usages of certificates.k8s.io/v1 that are bits of the key usage (RFC 5280 4.2.1.3), by their names in the library. */
const KEY_USAGES: Readonly<Record<string, keyof typeof X509.KeyUsageFlags>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'data encipherment': 'dataEncipherment',
  'key agreement': 'keyAgreement',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
}

/** Those that are extended key usages (RFC 5280 4.2.1.12, and those of vendors). */
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': serverAuthentication,
  'client auth': clientAuthentication,
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

/** Every usage a request may ask for. */
export const usages: readonly string[] = [...Object.keys(KEY_USAGES), ...Object.keys(EXTENDED_KEY_USAGES)].toSorted()

/** The part of a certificate that says what it is for. */
export async function usagesOf(
  names: readonly string[],
): Promise<Pick<CertificateContent, 'keyUsages' | 'extendedKeyUsages'>> {
  const { KeyUsageFlags } = await loadX509()
  let keyUsages = 0
  const extendedKeyUsages: string[] = []
  for (const name of names) {
    const flag = KEY_USAGES[name]
    if (flag !== undefined) keyUsages |= KeyUsageFlags[flag]
    const id = EXTENDED_KEY_USAGES[name]
    if (id !== undefined && !extendedKeyUsages.includes(id)) extendedKeyUsages.push(id)
  }
  return { keyUsages, extendedKeyUsages }
}
