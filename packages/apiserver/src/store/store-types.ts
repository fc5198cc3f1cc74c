import { dirname } from 'node:path'

/** The newest or an older state of one key. Never changes; `value` must not be written to. */
export interface StoredValue {
  readonly key: string
  readonly value: Uint8Array
  /** Revision of the write that made this state. */
  readonly revision: number
  /** Revision of the write that brought the key into existence. */
  readonly createRevision: number
}

/** One write. Every revision has exactly one. */
export interface StoreEvent {
  readonly revision: number
  readonly key: string
  /** Absent when the key was deleted. */
  readonly value?: Uint8Array
  /** What the write replaced; absent when the key did not exist. */
  readonly previous?: StoredValue
  /** Revision in which the key came into existence; for a deletion, that of the deleted state. */
  readonly createRevision: number
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly time: number
}

/** A write expected another state of its key. */
export class RevisionMismatch extends Error {
  readonly key: string
  readonly expected: number
  /** Revision of the key now; 0 when it does not exist. */
  readonly actual: number

  constructor(key: string, expected: number, actual: number) {
    super(`${key} is at revision ${actual}, not ${expected}`)
    this.name = 'RevisionMismatch'
    this.key = key
    this.expected = expected
    this.actual = actual
  }
}

/** The asked revision is older than the history window. */
export class CompactedError extends Error {
  readonly requested: number
  /** Oldest revision that can still be asked for. */
  readonly oldest: number

  constructor(requested: number, oldest: number) {
    super(`too old resource version: ${requested} (${oldest})`)
    this.name = 'CompactedError'
    this.requested = requested
    this.oldest = oldest
  }
}

/** The files of a store contradict each other or their checksums; nothing was changed. */
export class StoreCorruptError extends Error {
  readonly file: string
  /** Byte at which the first unreadable record starts. */
  readonly offset: number
  readonly why: string

  constructor(file: string, offset: number, why: string) {
    const data = `--data ${dirname(file)}`
    super(
      `the data file ${file} is damaged at byte ${offset}: ${why}. Nothing was changed. Restore the data directory from ` +
        `a backup, or go back to the newest state that can be read: "lkt apiserver check ${data}" tells which, ` +
        `"lkt apiserver repair ${data}" does it, says what is lost, and keeps the damaged files`,
    )
    this.name = 'StoreCorruptError'
    this.file = file
    this.offset = offset
    this.why = why
  }
}

/** The store is closed, or a disk error has stopped it; what was not acknowledged before may be lost. */
export class StoreStoppedError extends Error {
  constructor(why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause })
    this.name = 'StoreStoppedError'
  }
}
