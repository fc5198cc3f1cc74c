import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileMode, numberedFiles, segmentMagic, syncDirectory } from './data-files.ts'
import type { NumberedFile, OpenFile } from './data-files.ts'
import { decodeRecord, findGroupStart } from './record.ts'
import type { Segment } from './segment-log.ts'
import { readSnapshot } from './snapshot.ts'
import { StoreState } from './store-state.ts'
import type { HistoryLimits } from './store-state.ts'
import { StoreCorruptError } from './store-types.ts'

/** Revision of a store nothing was ever written to; 0 has a meaning of its own in the Kubernetes protocol. */
export const emptyRevision = 1

/** What a data directory holds. */
export interface Recovered {
  readonly state: StoreState
  readonly segments: Segment[]
  /** Revision of the snapshot it starts from; undefined when the log starts at the beginning. */
  readonly snapshotRevision: number | undefined
}

/**
 * Reads the newest snapshot and the log after it. A torn tail, which only a write that was never acknowledged can
 * leave, is cut off; any other damage throws StoreCorruptError and changes nothing.
 */
export async function recover(directory: string, limits: HistoryLimits, openFile: OpenFile): Promise<Recovered> {
  const names = await readdir(directory)
  const snapshots = numberedFiles(directory, names, 'snapshot')
  const files = numberedFiles(directory, names, 'log')
  const snapshot = snapshots.pop()
  const state = new StoreState(snapshot?.revision ?? emptyRevision, limits)
  if (snapshot !== undefined) await readSnapshot(snapshot, (value) => state.load(value), openFile)

  const first = firstNeeded(files, state.revision)
  const segments: Segment[] = []
  for (let index = first; index < files.length; index++) {
    const segment = await readSegment(files[index]!, state, index === files.length - 1, openFile)
    if (segment !== undefined) segments.push(segment)
  }
  if (segments.length === 0 && snapshot !== undefined) {
    throw new StoreCorruptError(snapshot.path, 0, 'the log that continues this snapshot is missing')
  }

  // What a snapshot that was cut short, or the clean-up after one, has left behind.
  const leftovers = [...snapshots, ...files.slice(0, first)].map((file) => file.path)
  for (const name of names) if (name.endsWith('.partial')) leftovers.push(join(directory, name))
  for (const path of leftovers) await rm(path, { force: true })
  if (leftovers.length > 0) await syncDirectory(directory)
  return { state, segments, snapshotRevision: snapshot?.revision }
}

/** Index of the segment that holds the record after `revision`, or will. */
function firstNeeded(files: readonly NumberedFile[], revision: number): number {
  let index = 0
  while (index + 1 < files.length && files[index + 1]!.revision <= revision + 1) index++
  return index
}

async function readSegment(
  file: NumberedFile,
  state: StoreState,
  last: boolean,
  openFile: OpenFile,
): Promise<Segment | undefined> {
  const { path } = file
  if (file.revision > state.revision + 1) {
    throw new StoreCorruptError(path, 0, `the log before it is missing: it starts after revision ${state.revision}`)
  }
  const bytes = await readFile(path)
  if (!bytes.subarray(0, segmentMagic.length).equals(segmentMagic)) {
    if (!last || findGroupStart(bytes, 0)) {
      throw new StoreCorruptError(path, 0, 'it is not a log of this version')
    }
    // The crash came before the first group of this segment was synced.
    await rm(path)
    return undefined
  }
  let offset = segmentMagic.length
  for (let revision = file.revision; offset < bytes.length; revision++) {
    const decoded = decodeRecord(bytes, offset)
    if (typeof decoded === 'string') {
      // A later group was begun only after this one was synced, so then this is damage and not a torn tail.
      if (!last || findGroupStart(bytes, offset + 1)) {
        throw new StoreCorruptError(path, offset, 'a record that was acknowledged is unreadable')
      }
      await cut(path, offset, openFile)
      break
    }
    const { record, end } = decoded
    if (record.revision !== revision || record.kind === 'end') {
      throw new StoreCorruptError(path, offset, `revision ${revision} was expected here, not ${record.revision}`)
    }
    if (revision > state.revision) {
      state.apply(record.key, record.kind === 'put' ? record.value : undefined)
      state.history.trim(revision)
    }
    offset = end
  }
  return { path, firstRevision: file.revision, bytes: offset }
}

async function cut(path: string, size: number, openFile: OpenFile): Promise<void> {
  const file = await openFile(path, 'r+', fileMode)
  try {
    await file.truncate(size)
    await file.sync()
  } finally {
    await file.close()
  }
}
