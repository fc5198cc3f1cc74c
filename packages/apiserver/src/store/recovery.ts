import type { Files } from './files.ts'
import { inspect } from './inspection.ts'
import type { Inspection, TornTail } from './inspection.ts'
import type { Segment } from './segment-log.ts'
import type { HistoryLimits } from './history.ts'
import type { StoreState } from './store-state.ts'

/** What a data directory holds. */
export interface Recovered {
  readonly state: StoreState
  readonly segments: readonly Segment[]
  /** Revision of the snapshot it starts from; undefined when the log starts at the beginning. */
  readonly snapshotRevision: number | undefined
}

/**
 * Reads the newest snapshot and the log after it. A torn tail, which only a write that was never acknowledged can
 * leave, is cut off; any other damage throws StoreCorruptError and changes nothing.
 */
export async function recover(directory: string, limits: HistoryLimits, files: Files, now: number): Promise<Recovered> {
  const inspection = await inspect({ directory, limits, files, now })
  if (inspection.damage !== undefined) throw inspection.damage
  await settleFiles(directory, inspection, files)
  const { state, segments, snapshot } = inspection
  return { state, segments, snapshotRevision: snapshot?.revision }
}

/**
 * Makes what was read durable before anybody sees it: a process that was killed may have left writes that only the
 * system's memory holds. Then removes what is not needed, since the snapshot that replaces it is safe by now.
 */
async function settleFiles(directory: string, inspection: Inspection, files: Files): Promise<void> {
  const { tornTail, segments, leftovers, newestGroup } = inspection
  const last = segments.at(-1)
  if (last !== undefined) {
    const file = await files.open(last.path, 'modify')
    try {
      if (tornTail?.path === last.path) await file.truncate(tornTail.offset)
      // Only the newest group can be without its sync. Where that sync has failed, the system takes the bytes for
      // written, and a new sync does nothing for them unless they are written again.
      if (newestGroup !== undefined) await file.writeAt(newestGroup.bytes, newestGroup.offset)
      await file.dataSync()
    } finally {
      await file.close()
    }
  }
  await files.syncDirectory(directory)
  const unwanted = tornTail === undefined || isPartOf(tornTail, segments) ? leftovers : [...leftovers, tornTail.path]
  for (const path of unwanted) await files.remove(path)
  if (unwanted.length > 0) await files.syncDirectory(directory)
}

function isPartOf(tail: TornTail, segments: readonly Segment[]): boolean {
  return segments.some((segment) => segment.path === tail.path)
}
