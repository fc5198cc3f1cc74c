import { basename, join } from 'node:path'
import { damagedPath, numberedFiles, segmentMagic, segmentPath, snapshotMagic } from './data-files.ts'
import type { NumberedFile } from './data-files.ts'
import { diskFiles } from './edge/disk-files.ts'
import { writeAll } from './files.ts'
import type { Files } from './files.ts'
import { emptyRevision, inspect } from './inspection.ts'
import type { Inspection, TornTail } from './inspection.ts'
import { findRecord } from './record.ts'
import { storedValue, writeSnapshot } from './snapshot.ts'
import { StoreCorruptError } from './store-types.ts'
import type { StoredValue } from './store-types.ts'

/** Bytes of a data file that hold no readable record. */
export interface UnreadableBytes {
  readonly file: string
  /** Offset of the first one. */
  readonly offset: number
  readonly bytes: number
}

/** What the files of a store hold. */
export interface StoreReport {
  readonly directory: string
  /** Newest revision up to which everything can be read. */
  readonly revision: number
  /** Number of objects right after that revision. */
  readonly objects: number
  /** Undefined when the store is whole. */
  readonly damage: Damage | undefined
  /** What an interrupted write has left; nothing of it was acknowledged, and the next start cuts it off. */
  readonly tornTail: TornTail | undefined
}

/** Where the files contradict each other or their checksums first. */
export interface Damage {
  readonly file: string
  /** Byte at which the first unreadable record starts. */
  readonly offset: number
  readonly why: string
}

/** What a repair did. Without damage it did nothing, and the lists are empty. */
export interface RepairReport extends StoreReport {
  /**
   * Revision the repaired store starts at. It is higher than any the store can have had, so that clients that have
   * seen what is lost start over.
   */
  readonly restartsAt: number
  /** Folder with all files from before the repair. */
  readonly copies: string | undefined
  /** Writes after {@link StoreReport.revision} that are readable, but given up because something before them is not. */
  readonly lostWrites: readonly LostWrite[]
  /** Where nothing at all can be read. */
  readonly unreadable: readonly UnreadableBytes[]
  /** Objects that were in the snapshot and cannot be read; undefined when not even their number is known. */
  readonly lostObjects: number | undefined
}

/** A write that a repair gives up. */
export interface LostWrite {
  readonly revision: number
  readonly key: string
  readonly kind: 'put' | 'delete'
  /** When it was made, in milliseconds since the Unix epoch. */
  readonly time: number
}

/** Nothing is dropped from the window: there is no server that it could weigh on. */
const limits = { events: 0, ageMs: 0, bytes: Infinity }

/** Revisions that may have been in files that are gone altogether. */
const margin = 1_000_000

/**
 * Reads all files of a store that is not running, and changes nothing. `directory` is the data directory of a server
 * or the folder of the store in it. Throws DirectoryLockedError while a server runs on it.
 */
export async function checkStore(directory: string, files: Files = diskFiles): Promise<StoreReport> {
  const store = await storeDirectory(directory, files)
  return locked(store, files, async () => reportOf(store, (await examine(store, files)).inspection))
}

/**
 * Goes back to the newest state before the first damage; a damaged snapshot loses the objects that cannot be read.
 * All files are kept in a folder beside the new ones, and a crash at any time leaves either the damaged store or the
 * repaired one. Throws DirectoryLockedError while a server runs on it.
 */
export async function repairStore(directory: string, files: Files = diskFiles): Promise<RepairReport> {
  const store = await storeDirectory(directory, files)
  return locked(store, files, async () => {
    const examined = await examine(store, files)
    const report = reportOf(store, examined.inspection)
    if (report.damage === undefined) {
      return {
        ...report,
        restartsAt: report.revision,
        copies: undefined,
        lostWrites: [],
        unreadable: [],
        lostObjects: 0,
      }
    }
    const rest = await readRest(store, examined.inspection, files)
    const restartsAt = Math.max(report.revision, rest.highest) + margin
    const copies = damagedPath(store, restartsAt)
    await keepCopies(store, copies, files)
    await startAnew(store, examined.inspection, restartsAt, files)
    const unreadable = [...examined.unreadable, ...rest.unreadable]
    return { ...report, restartsAt, copies, lostWrites: rest.lost, unreadable, lostObjects: examined.lostObjects }
  })
}

async function storeDirectory(directory: string, files: Files): Promise<string> {
  return (await files.list(directory)).includes('store') ? join(directory, 'store') : directory
}

async function locked<T>(directory: string, files: Files, use: () => Promise<T>): Promise<T> {
  const unlock = await files.lock(directory)
  try {
    return await use()
  } finally {
    await unlock()
  }
}

interface Examined {
  readonly inspection: Inspection
  /** Of the snapshot. */
  readonly unreadable: readonly UnreadableBytes[]
  readonly lostObjects: number | undefined
}

/** Reads what there is; a damaged snapshot is read as far as possible and reported as the first damage. */
async function examine(directory: string, files: Files): Promise<Examined> {
  const found: { damage?: StoreCorruptError; unreadable: UnreadableBytes[]; lostObjects: number | undefined } = {
    unreadable: [],
    lostObjects: 0,
  }
  const inspection = await inspect({
    directory,
    limits,
    files,
    now: 0,
    readSnapshot: async (snapshot, load) => {
      const { unreadable, expected, read } = await readDamaged(snapshot, load, files)
      if (unreadable.length === 0 && expected === read) return
      found.unreadable = unreadable
      found.lostObjects = expected === undefined ? undefined : expected - read
      const why = unreadable.length === 0 ? 'its end does not match its contents' : 'a record is unreadable'
      found.damage = new StoreCorruptError(snapshot.path, unreadable[0]?.offset ?? 0, why)
    },
  })
  return { ...found, inspection: { ...inspection, damage: found.damage ?? inspection.damage } }
}

/** Reads every record of a snapshot that can be read. `expected` is the number its end tells. */
async function readDamaged(
  snapshot: NumberedFile,
  load: (value: StoredValue) => void,
  files: Files,
): Promise<{ unreadable: UnreadableBytes[]; expected: number | undefined; read: number }> {
  const source = await files.readAll(snapshot.path)
  const unreadable: UnreadableBytes[] = []
  const skip = (offset: number, end: number): void => {
    if (end > offset) unreadable.push({ file: snapshot.path, offset, bytes: end - offset })
  }
  let read = 0
  let expected: number | undefined
  let at = source.subarray(0, snapshotMagic.length).equals(snapshotMagic) ? snapshotMagic.length : 0
  for (let found = findRecord(source, at); found !== undefined; found = findRecord(source, at)) {
    skip(at, found.start)
    at = found.end
    const { record } = found
    if (record.kind === 'put') {
      load(storedValue(record))
      read++
    } else if (record.kind === 'end' && record.revision === snapshot.revision) {
      expected = record.createRevision
      break
    }
  }
  if (expected === undefined) skip(at, source.length)
  return { unreadable, expected, read }
}

interface Rest {
  readonly lost: readonly LostWrite[]
  readonly unreadable: readonly UnreadableBytes[]
  /** An upper bound of all revisions ever written, as far as the files tell. */
  readonly highest: number
}

/** What the log holds after the last revision that was read. */
async function readRest(directory: string, { state, snapshot }: Inspection, files: Files): Promise<Rest> {
  const lost: LostWrite[] = []
  const unreadable: UnreadableBytes[] = []
  let highest = Math.max(state.revision, snapshot?.revision ?? emptyRevision)
  for (const { path, revision } of numberedFiles(directory, await files.list(directory), 'log')) {
    const source = await files.readAll(path)
    highest = Math.max(highest, revision)
    let at = source.subarray(0, segmentMagic.length).equals(segmentMagic) ? segmentMagic.length : 0
    for (let found = findRecord(source, at); found !== undefined; found = findRecord(source, at)) {
      if (found.start > at) unreadable.push({ file: path, offset: at, bytes: found.start - at })
      at = found.end
      const { kind, key, time, revision: written } = found.record
      highest = Math.max(highest, written)
      if (kind !== 'end' && written > state.revision) lost.push({ revision: written, key, kind, time })
    }
    if (at < source.length) {
      unreadable.push({ file: path, offset: at, bytes: source.length - at })
      // No record is smaller than a byte, so there were at most this many.
      highest += source.length - at
    }
  }
  return { lost, unreadable, highest }
}

async function keepCopies(directory: string, copies: string, files: Files): Promise<void> {
  const names = await files.list(directory)
  const data = [...numberedFiles(directory, names, 'log'), ...numberedFiles(directory, names, 'snapshot')]
  await files.makeDirectory(copies)
  for (const { path } of data) await files.link(path, join(copies, basename(path)))
  await files.syncDirectory(copies)
}

/** The log first: a snapshot makes everything before it superfluous, so it comes when all the rest is there. */
async function startAnew(directory: string, { state }: Inspection, revision: number, files: Files): Promise<void> {
  const log = await files.open(segmentPath(directory, revision + 1), 'create')
  try {
    await writeAll(log, segmentMagic)
    await log.dataSync()
  } finally {
    await log.close()
  }
  await files.syncDirectory(directory)
  await writeSnapshot(directory, { ...state.capture(state.revision), revision }, files)
}

function reportOf(directory: string, { state, damage, tornTail }: Inspection): StoreReport {
  return {
    directory,
    revision: state.revision,
    objects: state.size,
    damage: damage === undefined ? undefined : { file: damage.file, offset: damage.offset, why: damage.why },
    tornTail,
  }
}
