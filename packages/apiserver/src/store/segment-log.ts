import { segmentMagic, segmentPath } from './data-files.ts'
import { writeAll } from './files.ts'
import type { Files, StoreFile } from './files.ts'
import { encodeRecord, recordSize } from './record.ts'
import type { StoreEvent } from './store-types.ts'

/** A log file: records from `firstRevision` up to the next segment's. */
export interface Segment {
  readonly path: string
  readonly firstRevision: number
  bytes: number
}

export interface SegmentLogOptions {
  readonly directory: string
  /** Segments found by recovery, oldest first; the last one is appended to. */
  readonly segments: readonly Segment[]
  /** A segment that has reached this size is closed and the next one started. */
  readonly segmentBytes: number
  readonly files: Files
}

const noValue = new Uint8Array(0)

/** The write-ahead log: a chain of append-only files. One append at a time; the caller queues. */
export class SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #segments: Segment[]
  #file: StoreFile | undefined

  constructor(options: SegmentLogOptions) {
    this.#options = options
    this.#segments = [...options.segments]
  }

  /** Appends one group and returns when it is on disk. After an error the log must not be used any more. */
  async append(events: readonly StoreEvent[]): Promise<void> {
    const active = this.#segments.at(-1)
    // An empty segment is never full: the next one would have its name.
    const fullAt = Math.max(this.#options.segmentBytes, segmentMagic.length + 1)
    if (active === undefined || active.bytes >= fullAt) {
      await this.#startSegment(active, events)
      return
    }
    this.#file ??= await this.#options.files.open(active.path, 'append')
    const bytes = encodeGroup(events, noValue)
    await writeAll(this.#file, bytes)
    await this.#file.dataSync()
    active.bytes += bytes.length
  }

  /** Bytes of the segments that hold nothing after `revision`. */
  bytesUpTo(revision: number): number {
    let bytes = 0
    for (const segment of this.#upTo(revision)) bytes += segment.bytes
    return bytes
  }

  /** Removes the segments that hold nothing after `revision`; the state at `revision` must be on disk elsewhere. */
  async drop(revision: number): Promise<void> {
    const dropped = this.#upTo(revision)
    this.#segments.splice(0, dropped.length)
    // Oldest first, so that a crash in between leaves a chain without gaps.
    for (const segment of dropped) await this.#options.files.remove(segment.path)
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  #upTo(revision: number): Segment[] {
    let count = 0
    while (count + 1 < this.#segments.length && this.#segments[count + 1]!.firstRevision <= revision + 1) count++
    return this.#segments.slice(0, count)
  }

  /**
   * The new file first, then a record at the end of the old one that says it must be there: a log that has lost its
   * newest file does not pass for a whole one, and a crash in between leaves nothing that looks lost.
   */
  async #startSegment(active: Segment | undefined, events: readonly StoreEvent[]): Promise<void> {
    const { directory, files } = this.#options
    const firstRevision = events[0]!.revision
    const path = segmentPath(directory, firstRevision)
    const file = await files.open(path, 'create')
    try {
      const bytes = encodeGroup(events, segmentMagic)
      await writeAll(file, bytes)
      await file.dataSync()
      await files.syncDirectory(directory)
      if (active !== undefined) {
        this.#file ??= await files.open(active.path, 'append')
        await writeAll(this.#file, encodeEnd(firstRevision))
        await this.#file.dataSync()
      }
      await this.close()
      this.#segments.push({ path, firstRevision, bytes: bytes.length })
    } catch (error) {
      await file.close()
      throw error
    }
    this.#file = file
  }
}

function encodeEnd(revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(recordSize('', noValue))
  const head = { kind: 'end', startsGroup: true, revision, createRevision: 0, time: 0 } as const
  encodeRecord(bytes, 0, { ...head, key: '', value: noValue })
  return bytes
}

function encodeGroup(events: readonly StoreEvent[], head: Uint8Array): Buffer {
  let size = head.length
  for (const event of events) size += recordSize(event.key, event.value ?? noValue)
  const bytes = Buffer.allocUnsafe(size)
  bytes.set(head)
  let offset = head.length
  for (const [index, event] of events.entries()) {
    offset = encodeRecord(bytes, offset, {
      kind: event.value === undefined ? 'delete' : 'put',
      startsGroup: index === 0,
      revision: event.revision,
      createRevision: event.createRevision,
      time: event.time,
      key: event.key,
      value: event.value ?? noValue,
    })
  }
  return bytes
}
