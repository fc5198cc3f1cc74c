import { crc32 } from 'node:zlib'

/** One record of a log segment or a snapshot. */
export interface StoreRecord {
  readonly kind: RecordKind
  /** In a log: the first record of a group, so everything before it had been synced when it was written. */
  readonly startsGroup: boolean
  readonly revision: number
  /** For the end record of a snapshot: how many records came before it. */
  readonly createRevision: number
  /** When the write was made, in milliseconds since the Unix epoch; 0 in a snapshot. */
  readonly time: number
  readonly key: string
  readonly value: Uint8Array
}

/** An `end` closes a snapshot, or a segment of a log that goes on in the next file. */
export type RecordKind = 'put' | 'delete' | 'end'

/*
 * Layout, big-endian: u32 length of the payload, u32 CRC-32 of the payload, then the payload:
 * u8 marker, u8 kind, u8 flags, u48 revision, u48 createRevision, u48 time, u16 length of the key, key, value.
 */
const frameBytes = 8
const headBytes = 23
const marker = 0x4c
const kinds: readonly RecordKind[] = ['put', 'delete', 'end']
const startsGroupFlag = 1
/** A longer payload is damage: values are bounded far below this by the request size limit. */
const payloadLimit = 64 * 1024 * 1024

/** Bytes that {@link encodeRecord} needs for a record. */
export function recordSize(key: string, value: Uint8Array): number {
  return frameBytes + headBytes + Buffer.byteLength(key) + value.length
}

/** Writes `record` into `target` at `offset`; returns the offset after it. Throws RangeError when the key is too long. */
export function encodeRecord(target: Buffer, offset: number, record: StoreRecord): number {
  const payload = offset + frameBytes
  const keyBytes = target.write(record.key, payload + headBytes)
  const end = payload + headBytes + keyBytes + record.value.length
  target.set(record.value, payload + headBytes + keyBytes)
  target[payload] = marker
  target[payload + 1] = kinds.indexOf(record.kind)
  target[payload + 2] = record.startsGroup ? startsGroupFlag : 0
  target.writeUIntBE(record.revision, payload + 3, 6)
  target.writeUIntBE(record.createRevision, payload + 9, 6)
  target.writeUIntBE(record.time, payload + 15, 6)
  target.writeUInt16BE(keyBytes, payload + 21)
  target.writeUInt32BE(end - payload, offset)
  target.writeUInt32BE(crc32(target.subarray(payload, end)), offset + 4)
  return end
}

/**
 * Reads the record at `offset`. `short` means the bytes end before the record does, `bad` that these bytes are no
 * record. The value is a copy: it does not keep `source` alive.
 */
export function decodeRecord(source: Buffer, offset: number): { record: StoreRecord; end: number } | 'short' | 'bad' {
  const payload = offset + frameBytes
  if (source.length < payload) return 'short'
  const length = source.readUInt32BE(offset)
  if (length < headBytes || length > payloadLimit) return 'bad'
  const end = payload + length
  if (source.length < end) return 'short'
  if (source[payload] !== marker) return 'bad'
  if (crc32(source.subarray(payload, end)) !== source.readUInt32BE(offset + 4)) return 'bad'
  const kind = kinds[source[payload + 1]!]
  const valueStart = payload + headBytes + source.readUInt16BE(payload + 21)
  if (kind === undefined || valueStart > end) return 'bad'
  const record: StoreRecord = {
    kind,
    startsGroup: (source[payload + 2]! & startsGroupFlag) !== 0,
    revision: source.readUIntBE(payload + 3, 6),
    createRevision: source.readUIntBE(payload + 9, 6),
    time: source.readUIntBE(payload + 15, 6),
    key: source.toString('utf8', payload + headBytes, valueStart),
    value: Buffer.from(source.subarray(valueStart, end)),
  }
  return { record, end }
}

/** A record and where it lies. */
export interface FoundRecord {
  readonly record: StoreRecord
  readonly start: number
  readonly end: number
}

/** The first whole record in `source` at or after `offset`, whatever lies before it. */
export function findRecord(source: Buffer, offset: number): FoundRecord | undefined {
  for (let at = source.indexOf(marker, offset + frameBytes); at !== -1; at = source.indexOf(marker, at + 1)) {
    const start = at - frameBytes
    const decoded = decodeRecord(source, start)
    if (typeof decoded === 'object') return { start, ...decoded }
  }
  return undefined
}

/** Whether a whole record that starts a group lies anywhere in `source` at or after `offset`. */
export function hasGroupStart(source: Buffer, offset: number): boolean {
  for (let found = findRecord(source, offset); found !== undefined; found = findRecord(source, found.end)) {
    if (found.record.startsGroup) return true
  }
  return false
}
