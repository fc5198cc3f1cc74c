import { Buffer } from 'node:buffer'
import { badRequest } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { messageOfKind } from './field-table.ts'
import { decodeMessage } from './protobuf.ts'
import { WireError, WireReader } from './wire-reader.ts'

/** `k8s` and a zero byte open every protobuf body. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00]

interface Envelope {
  apiVersion: string
  kind: string
  raw: Uint8Array
}

/** The type a body is taken for when it does not say. */
export interface ExpectedKind {
  readonly apiVersion: string
  readonly kind: string
}

/**
 * The JSON object a protobuf body stands for.
 * @throws ApiError BadRequest
 */
export function decodeProtobuf(bytes: Uint8Array, expected: ExpectedKind): { [key: string]: Json } {
  const { apiVersion, kind, raw } = openEnvelope(bytes, expected)
  const message = messageOfKind(apiVersion, kind)
  if (message === undefined) throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`)
  try {
    return { kind, apiVersion, ...decodeMessage(message, raw) }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${expected.kind}: ${error.message}`)
  }
}

function openEnvelope(bytes: Uint8Array, expected: ExpectedKind): Envelope {
  const refuse = (why: string): Error =>
    badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(bytes)})`)
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw refuse(
      `provided data does not appear to be a protobuf message, expected prefix ${JSON.stringify(MAGIC).replaceAll(',', ' ')}`,
    )
  }
  try {
    const envelope = readEnvelope(new WireReader(bytes, MAGIC.length))
    if (envelope.kind === '') return { ...envelope, ...expected }
    return envelope
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw refuse(error.message)
  }
}

function readEnvelope(reader: WireReader): Envelope {
  const envelope: Envelope = { apiVersion: '', kind: '', raw: new Uint8Array() }
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 2) readTypeMeta(reader.part(), envelope)
    else if (number === 2 && type === 2) envelope.raw = reader.bytes()
    else reader.skip(type)
  }
  return envelope
}

function readTypeMeta(reader: WireReader, envelope: Envelope): void {
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 2) envelope.apiVersion = reader.text()
    else if (number === 2 && type === 2) envelope.kind = reader.text()
    else reader.skip(type)
  }
}

/** What a body looks like, for people who search their client's mistake. */
function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>'
  const hex = Buffer.from(bytes.subarray(0, 15)).toString('hex')
  return bytes.length <= 15 ? hex : `${hex} ...`
}
