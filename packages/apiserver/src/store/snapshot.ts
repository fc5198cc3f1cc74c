import { snapshotMagic, snapshotPath } from './data-files.ts'
import type { NumberedFile } from './data-files.ts'
import { writeAll } from './files.ts'
import type { Files } from './files.ts'
import { decodeRecord, encodeRecord, recordSize } from './record.ts'
import type { StoreRecord } from './record.ts'
import type { CapturedState } from './store-state.ts'
import { StoreCorruptError } from './store-types.ts'
import type { StoredValue } from './store-types.ts'

/** Bytes written or read at once; between two blocks other work runs. */
const blockBytes = 256 * 1024
/** Events looked at before other work runs. */
const sliceEvents = 2048

const noValue = new Uint8Array(0)

/**
 * Writes a captured state; it counts only once it is complete and has its final name. However large the state,
 * other work waits for a few milliseconds only. Rejects with the reason of `signal` when that aborts.
 */
export async function writeSnapshot(
  directory: string,
  captured: CapturedState,
  files: Files,
  signal?: AbortSignal,
): Promise<void> {
  const { revision, heads, later } = captured
  const path = snapshotPath(directory, revision)
  const partial = `${path}.partial`
  const file = await files.open(partial, 'create')
  try {
    const before = new Map<string, StoredValue | undefined>()
    for (let index = later.length - 1; index >= 0; index--) {
      const event = later[index]!
      before.set(event.key, event.previous)
      if (index % sliceEvents > 0) continue
      await files.breathe()
      signal?.throwIfAborted()
    }
    await writeAll(file, snapshotMagic)
    let count = 0
    let waiting: StoredValue[] = []
    let size = 0
    for (const value of statesBefore(heads, before)) {
      count++
      waiting.push(value)
      size += recordSize(value.key, value.value)
      if (size < blockBytes) continue
      await writeAll(file, encodeBlock(waiting, size))
      signal?.throwIfAborted()
      waiting = []
      size = 0
    }
    await writeAll(file, encodeBlock(waiting, size))
    const end = Buffer.allocUnsafe(recordSize('', noValue))
    const head = { kind: 'end', startsGroup: false, revision, createRevision: count, time: 0 } as const
    encodeRecord(end, 0, { ...head, key: '', value: noValue })
    await writeAll(file, end)
    await file.dataSync()
    signal?.throwIfAborted()
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  await files.rename(partial, path)
  await files.syncDirectory(directory)
}

function* statesBefore(
  heads: readonly StoredValue[],
  before: ReadonlyMap<string, StoredValue | undefined>,
): Generator<StoredValue> {
  for (const value of heads) if (!before.has(value.key)) yield value
  for (const value of before.values()) if (value !== undefined) yield value
}

/** Reads a snapshot; throws StoreCorruptError when it is not complete and whole. */
export async function readSnapshot(
  snapshot: NumberedFile,
  load: (value: StoredValue) => void,
  files: Files,
): Promise<void> {
  const file = await files.open(snapshot.path, 'read')
  try {
    let consumed = 0
    let buffered: Buffer = Buffer.alloc(0)
    const more = async (): Promise<boolean> => {
      const block = Buffer.allocUnsafe(blockBytes)
      const bytesRead = await file.read(block)
      buffered = Buffer.concat([buffered, block.subarray(0, bytesRead)])
      return bytesRead > 0
    }
    while (buffered.length < snapshotMagic.length && (await more()));
    if (!buffered.subarray(0, snapshotMagic.length).equals(snapshotMagic)) {
      throw new StoreCorruptError(snapshot.path, 0, 'it is not a snapshot of this version')
    }
    let offset = snapshotMagic.length
    for (let count = 0; ; count++) {
      let decoded = decodeRecord(buffered, offset)
      while (decoded === 'short') {
        buffered = buffered.subarray(offset)
        consumed += offset
        offset = 0
        if (!(await more())) throw new StoreCorruptError(snapshot.path, consumed, 'it ends too early')
        decoded = decodeRecord(buffered, offset)
      }
      if (decoded === 'bad') throw new StoreCorruptError(snapshot.path, consumed + offset, 'a record is unreadable')
      const { record, end } = decoded
      if (record.kind === 'put') load(storedValue(record))
      else if (record.kind === 'end' && record.createRevision === count && record.revision === snapshot.revision) return
      else throw new StoreCorruptError(snapshot.path, consumed + offset, 'its end does not match its contents')
      offset = end
    }
  } finally {
    await file.close()
  }
}

function encodeBlock(values: readonly StoredValue[], size: number): Buffer {
  const block = Buffer.allocUnsafe(size)
  let offset = 0
  for (const value of values) {
    offset = encodeRecord(block, offset, { kind: 'put', startsGroup: false, time: 0, ...value })
  }
  return block
}

/** The state a record of a snapshot tells. */
export function storedValue({ key, value, revision, createRevision }: StoreRecord): StoredValue {
  return { key, value, revision, createRevision }
}
