import { rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { fileMode, segmentMagic, segmentPath, syncDirectory, writeAll } from './data-files.ts'
import type { OpenFile } from './data-files.ts'
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
  readonly openFile: OpenFile
}

const noValue = new Uint8Array(0)

/** The write-ahead log: a chain of append-only files. One append at a time; the caller queues. */
export class SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #segments: Segment[]
  #file: FileHandle | undefined

  constructor(options: SegmentLogOptions) {
    this.#options = options
    this.#segments = [...options.segments]
  }

  /** Appends one group and returns when it is on disk. After an error the log must not be used any more. */
  async append(events: readonly StoreEvent[]): Promise<void> {
    const active = this.#segments.at(-1)
    if (active === undefined || active.bytes >= this.#options.segmentBytes) {
      await this.#startSegment(events)
      return
    }
    this.#file ??= await this.#options.openFile(active.path, 'a', fileMode)
    const bytes = encodeGroup(events, noValue)
    await writeAll(this.#file, bytes)
    await this.#file.datasync()
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
    for (const segment of dropped) await rm(segment.path, { force: true })
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

  async #startSegment(events: readonly StoreEvent[]): Promise<void> {
    await this.close()
    const firstRevision = events[0]!.revision
    const path = segmentPath(this.#options.directory, firstRevision)
    this.#file = await this.#options.openFile(path, 'w', fileMode)
    const bytes = encodeGroup(events, segmentMagic)
    await writeAll(this.#file, bytes)
    await this.#file.datasync()
    await syncDirectory(this.#options.directory)
    this.#segments.push({ path, firstRevision, bytes: bytes.length })
  }
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
      key: event.key,
      value: event.value ?? noValue,
    })
  }
  return bytes
}
