import { join } from 'node:path'
import { numberedFiles, segmentMagic, segmentPath } from './data-files.ts'
import type { NumberedFile } from './data-files.ts'
import type { Files } from './files.ts'
import { decodeRecord, hasGroupStart } from './record.ts'
import type { Segment } from './segment-log.ts'
import { readSnapshot } from './snapshot.ts'
import { StoreState } from './store-state.ts'
import type { HistoryLimits } from './history.ts'
import { StoreCorruptError } from './store-types.ts'
import type { StoredValue } from './store-types.ts'

/** Revision of a store nothing was ever written to; 0 has a meaning of its own in the Kubernetes protocol. */
export const emptyRevision = 1

/** What an interrupted write has left at the end of the log; nothing in it was acknowledged. */
export interface TornTail {
  readonly path: string
  /** Bytes of the file to keep; 0 when nothing in it is worth keeping. */
  readonly offset: number
  readonly bytes: number
}

/** What a data directory holds, up to the first damage. */
export interface Inspection {
  readonly state: StoreState
  readonly snapshot: NumberedFile | undefined
  /** Segments that were read, oldest first. */
  readonly segments: readonly Segment[]
  readonly tornTail: TornTail | undefined
  /** The newest group of the last segment and where it lies, with the head of the file if it is the first. */
  readonly newestGroup: { readonly offset: number; readonly bytes: Buffer } | undefined
  /** Files that a clean-up has not got to. */
  readonly leftovers: readonly string[]
  readonly damage: StoreCorruptError | undefined
}

export interface InspectionOptions {
  readonly directory: string
  readonly limits: HistoryLimits
  readonly files: Files
  /** Present time in milliseconds: events older than the limits allow are not kept. */
  readonly now: number
  /** Reads the snapshot into `load`. Absent: it has to be whole. */
  readonly readSnapshot?: (snapshot: NumberedFile, load: (value: StoredValue) => void) => Promise<void>
}

/** Reads the newest snapshot and the log after it, and changes nothing. Throws StoreCorruptError for a snapshot only. */
export async function inspect(options: InspectionOptions): Promise<Inspection> {
  const { directory, limits, files } = options
  const names = await files.list(directory)
  const snapshots = numberedFiles(directory, names, 'snapshot')
  const logs = numberedFiles(directory, names, 'log')
  const snapshot = snapshots.pop()
  const state = new StoreState(snapshot?.revision ?? emptyRevision, limits)
  const load = (value: StoredValue): void => state.load(value)
  if (snapshot !== undefined) {
    await (options.readSnapshot?.(snapshot, load) ?? readSnapshot(snapshot, load, files))
  }
  const first = firstNeeded(logs, state.revision)
  const leftovers = [...snapshots, ...logs.slice(0, first)].map((file) => file.path)
  for (const name of names) if (name.endsWith('.partial')) leftovers.push(join(directory, name))

  const reader = new LogReader(state, options)
  const damage = await reader.read(logs.slice(first), snapshot)
  const { segments, tornTail, newestGroup } = reader
  return { state, snapshot, segments, tornTail, newestGroup, leftovers, damage }
}

/** Index of the segment that holds the record after `revision`, or will. */
function firstNeeded(logs: readonly NumberedFile[], revision: number): number {
  let index = 0
  while (index + 1 < logs.length && logs[index + 1]!.revision <= revision + 1) index++
  return index
}

class LogReader {
  readonly segments: Segment[] = []
  tornTail: TornTail | undefined
  newestGroup: Inspection['newestGroup']
  readonly #state: StoreState
  readonly #options: InspectionOptions
  /** First revision of the segment the newest one read says must follow it. */
  #announced: number | undefined

  constructor(state: StoreState, options: InspectionOptions) {
    this.#state = state
    this.#options = options
  }

  /** Applies the records of `logs` to the state, up to the first damage, which is returned. */
  async read(
    logs: readonly NumberedFile[],
    snapshot: NumberedFile | undefined,
  ): Promise<StoreCorruptError | undefined> {
    const [first] = logs
    if (first === undefined) {
      return snapshot === undefined
        ? undefined
        : new StoreCorruptError(snapshot.path, 0, 'the log that continues this snapshot is missing')
    }
    if (first.revision > this.#state.revision + 1) {
      return new StoreCorruptError(
        first.path,
        0,
        `the log before it is missing: it starts after revision ${this.#state.revision}`,
      )
    }
    for (const [index, log] of logs.entries()) {
      const damage = await this.#readSegment(log, logs[index + 1])
      if (damage !== undefined) return damage
    }
    return this.#announced === undefined ? undefined : this.#missing(this.#announced)
  }

  #missing(revision: number): StoreCorruptError {
    const path = segmentPath(this.#options.directory, revision)
    return new StoreCorruptError(path, 0, 'it is missing, and the log goes on in it')
  }

  async #readSegment(log: NumberedFile, next: NumberedFile | undefined): Promise<StoreCorruptError | undefined> {
    const { path } = log
    const bytes = await this.#options.files.readAll(path)
    if (!bytes.subarray(0, segmentMagic.length).equals(segmentMagic)) {
      if (next !== undefined || this.#announced !== undefined || hasGroupStart(bytes, 0)) {
        return new StoreCorruptError(path, 0, 'it is not a log of this version')
      }
      // The crash came before the first group of this segment was synced.
      this.tornTail = { path, offset: 0, bytes: bytes.length }
      return undefined
    }
    this.#announced = undefined
    let offset = segmentMagic.length
    let group = 0
    let revision = log.revision
    const segment = { path, firstRevision: revision, bytes: offset }
    this.segments.push(segment)
    for (; offset < bytes.length; revision++) {
      const decoded = decodeRecord(bytes, offset)
      if (typeof decoded === 'string') {
        // What the next file begins with was written after everything in this one, so nothing is missing then.
        if (next?.revision === revision) break
        // A later group was begun only after this one was synced, so then this is damage and not a torn tail.
        if (next !== undefined || hasGroupStart(bytes, offset + 1)) {
          return new StoreCorruptError(path, offset, `revision ${revision}, which was acknowledged, is unreadable`)
        }
        this.tornTail = { path, offset, bytes: bytes.length - offset }
        break
      }
      const { record, end } = decoded
      if (record.revision !== revision) {
        return new StoreCorruptError(path, offset, `revision ${revision} was expected here, not ${record.revision}`)
      }
      if (record.startsGroup && offset > segmentMagic.length) group = offset
      segment.bytes = end
      offset = end
      if (record.kind === 'end') {
        this.#announced = revision
        break
      }
      if (revision > this.#state.revision) {
        this.#state.apply(record.key, record.kind === 'put' ? record.value : undefined, record.time)
        this.#state.history.trim(revision, this.#options.now)
      }
    }
    // A copy: the rest of the file need not stay in memory.
    if (next === undefined) this.newestGroup = { offset: group, bytes: Buffer.from(bytes.subarray(group, offset)) }
    if (next === undefined || next.revision <= revision) return undefined
    if (this.#announced !== undefined) return this.#missing(this.#announced)
    return new StoreCorruptError(path, offset, `it ends before revision ${revision}, and the next file starts later`)
  }
}
