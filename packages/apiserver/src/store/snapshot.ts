import { rename, rm } from 'node:fs/promises'
import { fileMode, snapshotMagic, snapshotPath, syncDirectory, writeAll } from './data-files.ts'
import type { NumberedFile, OpenFile } from './data-files.ts'
import { decodeRecord, encodeRecord, recordSize } from './record.ts'
import type { StoreRecord } from './record.ts'
import { StoreCorruptError } from './store-types.ts'
import type { StoredValue } from './store-types.ts'

/** Bytes written or read at once; between two blocks other work runs. */
const blockBytes = 1024 * 1024

const noValue = new Uint8Array(0)

/** Writes the state right after `revision`; it counts only once it is complete and has its final name. */
export async function writeSnapshot(
  directory: string,
  revision: number,
  values: Iterable<StoredValue>,
  openFile: OpenFile,
): Promise<void> {
  const path = snapshotPath(directory, revision)
  const partial = `${path}.partial`
  const file = await openFile(partial, 'w', fileMode)
  try {
    await writeAll(file, snapshotMagic)
    let count = 0
    let waiting: StoredValue[] = []
    let size = 0
    for (const value of values) {
      count++
      waiting.push(value)
      size += recordSize(value.key, value.value)
      if (size < blockBytes) continue
      await writeAll(file, encodeBlock(waiting, size))
      waiting = []
      size = 0
    }
    await writeAll(file, encodeBlock(waiting, size))
    const end = Buffer.allocUnsafe(recordSize('', noValue))
    encodeRecord(end, 0, {
      kind: 'end',
      startsGroup: false,
      revision,
      createRevision: count,
      key: '',
      value: noValue,
    })
    await writeAll(file, end)
    await file.sync()
  } catch (error) {
    await file.close()
    await rm(partial, { force: true })
    throw error
  }
  await file.close()
  await rename(partial, path)
  await syncDirectory(directory)
}

/** Reads a snapshot; throws StoreCorruptError when it is not complete and whole. */
export async function readSnapshot(
  snapshot: NumberedFile,
  load: (value: StoredValue) => void,
  openFile: OpenFile,
): Promise<void> {
  const file = await openFile(snapshot.path, 'r')
  try {
    let consumed = 0
    let buffered: Buffer = Buffer.alloc(0)
    const more = async (): Promise<boolean> => {
      const block = Buffer.allocUnsafe(blockBytes)
      const { bytesRead } = await file.read(block, 0, block.length)
      buffered = Buffer.concat([buffered, block.subarray(0, bytesRead)])
      return bytesRead > 0
    }
    await more()
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
      offset = end
      if (record.kind === 'put') load(storedValue(record))
      else if (record.kind === 'end' && record.createRevision === count && record.revision === snapshot.revision) return
      else throw new StoreCorruptError(snapshot.path, consumed + offset, 'its end does not match its contents')
    }
  } finally {
    await file.close()
  }
}

function encodeBlock(values: readonly StoredValue[], size: number): Buffer {
  const block = Buffer.allocUnsafe(size)
  let offset = 0
  for (const value of values) offset = encodeRecord(block, offset, { kind: 'put', startsGroup: false, ...value })
  return block
}

function storedValue({ key, value, revision, createRevision }: StoreRecord): StoredValue {
  return { key, value, revision, createRevision }
}
