import { errorText, holding } from '@locktender/kube'
import type { Cancel, Clock } from '@locktender/kube'
import { snapshotPath } from './data-files.ts'
import { diskFiles } from './edge/disk-files.ts'
import type { Files } from './files.ts'
import { emptyRevision } from './inspection.ts'
import { recover } from './recovery.ts'
import { SegmentLog } from './segment-log.ts'
import { writeSnapshot } from './snapshot.ts'
import { StoreState } from './store-state.ts'
import type { RangeOptions, RangeResult } from './store-state.ts'
import { CompactedError, RevisionMismatch, StoreStoppedError } from './store-types.ts'
import type { StoredValue, StoreEvent } from './store-types.ts'
import { isInScope, WatchRegistry } from './watch-registry.ts'
import type { StoreListener, WatchScope } from './watch-registry.ts'

export interface StoreOptions {
  /** Folder of the data, made when missing. Absent: nothing is kept when the process ends. */
  readonly directory?: string
  readonly clock: Clock
  /** How many of the newest writes can be watched from, at least; the default is 100,000. */
  readonly historyEvents?: number
  /** Writes younger than this, in milliseconds, can be watched from too; the default is five minutes. */
  readonly historyAgeMs?: number
  /** Bytes of values these writes may hold in memory, whatever their number and age; the default is 256 MiB. */
  readonly historyBytes?: number
  /** Size at which a log file is closed and the next one started; the default is 16 MiB. */
  readonly segmentBytes?: number
  /** Where the directory is; the default is the file system. Tests make disks fail here. */
  readonly files?: Files
}

const defaultHistoryEvents = 100_000
const defaultHistoryAgeMs = 5 * 60_000
const defaultHistoryBytes = 256 * 1024 * 1024

const defaultSegmentBytes = 16 * 1024 * 1024

/** What the rest of the server uses of a {@link Store}; others can keep objects in another way. */
export type KeyValueStore = Pick<Store, keyof Store>

interface Group {
  readonly events: StoreEvent[]
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * An ordered key-value store with one revision per write, the newest writes kept for watches, and a write-ahead log.
 *
 * A write is checked and applied in memory at once, so racing writers see each other, but it is acknowledged and
 * shown to watches only when it is on disk. All writes that arrive while one group is being synced make the next
 * group. Without a directory a group ends with the current microtask.
 */
export class Store {
  readonly #state: StoreState
  readonly #watches = new WatchRegistry()
  readonly #clock: Clock
  readonly #directory: string | undefined
  readonly #segmentBytes: number
  readonly #files: Files
  readonly #log: SegmentLog | undefined
  readonly #unlock: () => Promise<void>
  #visible: number
  #group: Group | undefined
  /** Promise of the newest group that is not durable yet. */
  #unsettled: Promise<void> | undefined
  #running = false
  #snapshot: Promise<void> | undefined
  #snapshotRevision: number | undefined
  #stopped: StoreStoppedError | undefined
  readonly #failure = Promise.withResolvers<StoreStoppedError>()
  /** Ends the snapshot under way: a disk that has failed is left as it is. */
  readonly #abort = new AbortController()
  #closing: Promise<void> | undefined

  private constructor(
    options: StoreOptions,
    state: StoreState,
    log?: SegmentLog,
    unlock: () => Promise<void> = async () => {},
    snapshotRevision?: number,
  ) {
    this.#clock = options.clock
    this.#directory = options.directory
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    this.#files = options.files ?? diskFiles
    this.#state = state
    this.#log = log
    this.#unlock = unlock
    this.#visible = state.revision
    this.#snapshotRevision = snapshotRevision
  }

  /**
   * Opens or makes a store. Throws DirectoryLockedError when somebody else has it open, StoreCorruptError when its
   * files are damaged.
   */
  static async open(options: StoreOptions): Promise<Store> {
    const limits = {
      events: options.historyEvents ?? defaultHistoryEvents,
      ageMs: options.historyAgeMs ?? defaultHistoryAgeMs,
      bytes: options.historyBytes ?? defaultHistoryBytes,
    }
    const { directory, clock, files = diskFiles } = options
    if (directory === undefined) {
      return new Store(options, new StoreState(emptyRevision, limits))
    }
    return holding(clock, async () => {
      await files.makeDirectory(directory)
      const unlock = await files.lock(directory)
      try {
        const { state, segments, snapshotRevision } = await recover(directory, limits, files, clock.now())
        const segmentBytes = options.segmentBytes ?? defaultSegmentBytes
        const log = new SegmentLog({ directory, segments, segmentBytes, files })
        return new Store(options, state, log, unlock, snapshotRevision)
      } catch (error) {
        await unlock()
        throw error
      }
    })
  }

  /** Newest durable revision: everything up to it has been shown to watches. 1 when nothing was ever written. */
  get revision(): number {
    return this.#visible
  }

  /** Newest written revision: the one {@link get} and {@link range} show. Durable after {@link settled}. */
  get writtenRevision(): number {
    return this.#state.revision
  }

  /** Oldest revision a watch or a read of the past can start from. */
  get compactedRevision(): number {
    return this.#state.history.compacted
  }

  /** Whether writes are refused: after {@link close}, or after a disk error. */
  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  /** Resolves when a disk error stops the store. Nothing can be written any more: the process should end. */
  get failure(): Promise<StoreStoppedError> {
    return this.#failure.promise
  }

  /** The newest written state of `key`. */
  get(key: string): StoredValue | undefined {
    return this.#state.get(key)
  }

  /**
   * The newest written state of all keys that start with `prefix`, in the order of their bytes. With `at`, the state
   * right after that revision; throws CompactedError when the window does not reach back that far.
   */
  range(prefix: string, options: RangeOptions = {}): RangeResult {
    return this.#state.range(prefix, options)
  }

  /**
   * Writes one key. `expectedRevision` is that of the state the caller has seen, 0 for none; `encode` makes the new
   * value, which must not change afterwards, or undefined to delete. It is called at once, and only when the check
   * has passed.
   *
   * Resolves to the revision of the write when it is durable. Rejects with RevisionMismatch, StoreStoppedError or
   * what `encode` threw; then nothing was written, except that after a disk error it may be found after a restart.
   */
  write(key: string, expectedRevision: number, encode: (revision: number) => Uint8Array | undefined): Promise<number> {
    let revision: number
    try {
      if (this.#stopped !== undefined) throw this.#stopped
      const actual = this.#state.get(key)?.revision ?? 0
      if (actual !== expectedRevision) throw new RevisionMismatch(key, expectedRevision, actual)
      revision = this.#state.revision + 1
      const value = encode(revision)
      if (this.#state.revision + 1 !== revision) throw new Error(`encoding ${key} wrote to the store itself`)
      if (value === undefined && actual === 0) throw new Error(`${key} cannot be deleted: it does not exist`)
      this.#group ??= this.#newGroup()
      this.#group.events.push(this.#state.apply(key, value, this.#clock.now()))
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#group.durable.then(() => revision)
  }

  /**
   * Resolves when everything written so far is durable. A reader awaits this between reading and answering, so that
   * nothing is seen that a crash could take back. Rejects with StoreStoppedError when it will never be.
   */
  settled(): Promise<void> {
    if (this.#unsettled !== undefined) return this.#unsettled
    return this.#stopped === undefined || this.#visible === this.#state.revision
      ? Promise.resolve()
      : Promise.reject(this.#stopped)
  }

  /**
   * Calls `listener` with all writes after `afterRevision` to keys that start with `prefix`, in order, each batch
   * once durable: past ones before this returns, later ones as they come. Returns the end of the watch.
   * Throws CompactedError when the window does not reach back that far.
   */
  watch(prefix: string, afterRevision: number, listener: StoreListener): () => void {
    return this.#watch({ prefix }, afterRevision, listener)
  }

  /** As {@link watch}, of one key. */
  watchKey(key: string, afterRevision: number, listener: StoreListener): () => void {
    return this.#watch({ key }, afterRevision, listener)
  }

  #watch(scope: WatchScope, afterRevision: number, listener: StoreListener): () => void {
    const { history } = this.#state
    if (afterRevision < history.compacted) throw new CompactedError(afterRevision, history.compacted)
    const past: StoreEvent[] = []
    history.visit(afterRevision, this.#visible, (event) => {
      if (isInScope(event.key, scope)) past.push(event)
    })
    // Registered first: the listener may end its own watch, or write.
    const end = this.#watches.add(scope, Math.max(afterRevision, this.#visible), listener)
    if (past.length > 0) listener(past)
    return end
  }

  /** Waits for what is written and leaves the directory. Later writes are rejected; calling it again is harmless. */
  close(): Promise<void> {
    this.#closing ??= holding(this.#clock, () => this.#close())
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopped ??= new StoreStoppedError('the store is closed')
    await this.#unsettled?.catch(() => {})
    await this.#snapshot
    await this.#log?.close()
    await this.#unlock()
  }

  #newGroup(): Group {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#unsettled = promise
    if (!this.#running) {
      this.#running = true
      queueMicrotask(() => void this.#commitGroups())
    }
    return { events: [], durable: promise, resolve, reject }
  }

  /** Commits group after group until none is waiting. */
  async #commitGroups(): Promise<void> {
    const release: Cancel | undefined = this.#log === undefined ? undefined : this.#clock.hold()
    while (this.#group !== undefined) {
      const group = this.#group
      this.#group = undefined
      try {
        this.#abort.signal.throwIfAborted()
        await this.#log?.append(group.events)
        // A snapshot whose sync of the directory failed meanwhile makes a later sync of it worth nothing.
        this.#abort.signal.throwIfAborted()
      } catch (error) {
        this.#fail(error, group)
        break
      }
      this.#visible = group.events.at(-1)!.revision
      this.#state.history.trim(this.#visible, this.#clock.now())
      this.#watches.dispatch(group.events)
      if (this.#unsettled === group.durable) this.#unsettled = undefined
      group.resolve()
      this.#snapshotWhenDue()
    }
    this.#running = false
    release?.()
  }

  /** A failed write or sync leaves it open what is on disk, so nothing may be acknowledged any more. */
  #fail(error: unknown, group: Group): void {
    const stopped = this.#stop(error)
    const waiting = this.#group
    this.#group = undefined
    this.#unsettled = undefined
    group.reject(stopped)
    waiting?.reject(stopped)
  }

  #stop(cause: unknown): StoreStoppedError {
    if (cause instanceof StoreStoppedError) return cause
    const why = `the data directory ${this.#directory} can no longer be written: ${errorText(cause)}`
    const error = new StoreStoppedError(why, cause)
    this.#stopped ??= error
    this.#failure.resolve(error)
    this.#abort.abort(error)
    return error
  }

  /**
   * Snapshots the oldest state that can still be watched from, so that after a restart the log gives back the whole
   * window. Due when the log before that state outweighs the live data: each byte is then rewritten at most once.
   */
  #snapshotWhenDue(): void {
    const log = this.#log
    const directory = this.#directory
    if (log === undefined || directory === undefined || this.#snapshot !== undefined) return
    const revision = this.#state.history.compacted
    if (log.bytesUpTo(revision) <= Math.max(this.#segmentBytes, this.#state.liveBytes)) return
    this.#snapshot = holding(this.#clock, () => this.#writeSnapshot(log, directory, revision))
      .catch((error: unknown) => void this.#stop(error))
      .finally(() => {
        this.#snapshot = undefined
      })
  }

  async #writeSnapshot(log: SegmentLog, directory: string, revision: number): Promise<void> {
    await writeSnapshot(directory, this.#state.capture(revision), this.#files, this.#abort.signal)
    this.#abort.signal.throwIfAborted()
    const older = this.#snapshotRevision
    if (older !== undefined) await this.#files.remove(snapshotPath(directory, older))
    this.#snapshotRevision = revision
    await log.drop(revision)
  }
}
