import { API_VERSION, GROUP, MAX_LOG_DATA, rolloutLogs } from '@locktender/fleet'
import type { Rollout, RolloutLog } from '@locktender/fleet'
import { errorText, isAlreadyExists, timestamp } from '@locktender/kube'
import type { Client } from '@locktender/kube'
import { formatLogEntry } from '@locktender/rollout'
import type { LogEntry } from '@locktender/rollout'
import type { World } from '@locktender/runtime'
import { LogBuffer } from '../log-buffer.ts'
import type { LogPiece } from '../log-buffer.ts'
import { logLabel, logName } from '../log-names.ts'
import { dataDigest } from '../log-pieces.ts'
import type { LogState } from '../rollout-status.ts'

/** After a failure it is tried again at the next milestone, and in between at this pace, in milliseconds. */
const RETRY_MS = 60_000

/** Characters that are kept for another try. When there are more the log ends, so that memory does not. */
const MAX_WAITING = 32 * MAX_LOG_DATA

/** Tries in a row that fail before it gives up: a day of them. */
const MAX_FAILURES = 24 * 60

/** All that it needs of an API server. */
export type LogClient = Pick<Client, 'create' | 'get'>

/**
 * Stores what the engine of a rollout is told and decides, in RolloutLogs. It never stands in the way of the rollout:
 * what cannot be written is kept and tried again, and given up in the end. The names of pieces are numbers in a row, so
 * that two processes cannot write the same one; where a stored status leaves off, pieces that it does not know are passed.
 */
export class LogWriter {
  readonly #rollout: Rollout
  readonly #world: Pick<World, 'clock' | 'log'>
  readonly #buffer = new LogBuffer()
  #waiting: LogPiece[] = []
  #pieces: number
  #digest: string | undefined
  /** Pieces of an earlier rollout of the same name, which have taken names. */
  #strangers = 0
  #problem: LogState['problem']
  #hasEnded = false
  #retryAt = -Infinity
  /** Tries in a row that failed. */
  #failures = 0

  constructor(rollout: Rollout, world: Pick<World, 'clock' | 'log'>) {
    this.#rollout = rollout
    this.#world = world
    this.#pieces = rollout.status?.log?.pieces ?? 0
    this.#digest = rollout.status?.log?.digest
  }

  /** Takes an entry from the engine. */
  readonly add = (entry: LogEntry): void => {
    if (!this.#hasEnded) this.#buffer.add(formatLogEntry(entry), this.#world.clock.now())
  }

  /**
   * When it is to be written although there is no milestone: when there is enough, after a failure, and all of it at the
   * end. Infinity when there is no need.
   */
  dueAt(isAtEnd: boolean): number {
    const isWanted = this.#waiting.length > 0 || (isAtEnd ? !this.#buffer.isEmpty : this.#buffer.isFull)
    return isWanted && !this.#hasEnded ? this.#retryAt : Infinity
  }

  get state(): LogState {
    const stored = { pieces: this.#pieces, ...(this.#digest === undefined ? {} : { digest: this.#digest }) }
    return { stored, ...(this.#problem === undefined ? {} : { problem: this.#problem }) }
  }

  /** Stores everything there is; does not throw. Says whether there is a problem now and was none, or the reverse. */
  async flush(client: LogClient): Promise<boolean> {
    if (this.#hasEnded) return false
    const before = this.#problem?.reason
    try {
      // While nothing can be written, only what is enough for a piece becomes one.
      if (this.#buffer.isFull) this.#waiting.push(...this.#buffer.take())
      await this.#writeWaiting(client)
      this.#waiting.push(...this.#buffer.take())
      await this.#writeWaiting(client)
      this.#problem = undefined
      this.#failures = 0
    } catch (error) {
      this.#fail(error)
    }
    return this.#problem?.reason !== before
  }

  async #writeWaiting(client: LogClient): Promise<void> {
    for (let piece = this.#waiting[0]; piece !== undefined; piece = this.#waiting[0]) {
      await this.#write(piece, client)
      this.#waiting.shift()
    }
  }

  async #write(piece: LogPiece, client: LogClient): Promise<void> {
    for (;;) {
      const wanted = this.#objectOf(piece)
      try {
        await client.create<RolloutLog>(rolloutLogs, wanted)
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
        const { spec } = await client.get<RolloutLog>(rolloutLogs, wanted.metadata.name)
        if (spec.rolloutUid !== wanted.spec.rolloutUid) {
          this.#strangers++
          continue
        }
        // Another process, or we ourselves when the answer was lost.
        this.#pieces++
        this.#digest = dataDigest(spec.data)
        if (spec.data === piece.data) return
        continue
      }
      this.#pieces++
      this.#digest = dataDigest(piece.data)
      return
    }
  }

  get #waitingLength(): number {
    return this.#waiting.reduce((sum, { data }) => sum + data.length, 0)
  }

  #objectOf({ from, to, entries, data }: LogPiece): RolloutLog {
    const { apiVersion, kind, metadata } = this.#rollout
    const { name, uid = '' } = metadata
    return {
      apiVersion: API_VERSION,
      kind: rolloutLogs.kind,
      metadata: {
        name: logName(name, this.#pieces + this.#strangers + 1),
        labels: { [`${GROUP}/rollout`]: logLabel(name) },
        ownerReferences: [{ apiVersion, kind, name, uid }],
      },
      spec: {
        rollout: name,
        rolloutUid: uid,
        sequence: this.#pieces + 1,
        from: timestamp(from),
        to: timestamp(to),
        entries,
        data,
        ...(this.#digest === undefined ? {} : { previous: this.#digest }),
      },
    }
  }

  #fail(error: unknown): void {
    const why = errorText(error)
    const now = this.#world.clock.now()
    const rollout = this.#rollout.metadata.name
    this.#retryAt = now + RETRY_MS
    this.#failures++
    this.#hasEnded = error instanceof RangeError || this.#waitingLength > MAX_WAITING || this.#failures >= MAX_FAILURES
    if (this.#hasEnded) {
      this.#waiting = []
      const message = `From ${timestamp(now)} on nothing is in the log until the manager starts again: ${why}`
      this.#problem = { reason: 'Incomplete', message }
      this.#world.log.error('Gave up the log of a rollout', { rollout, error: why })
    } else {
      const message = `What the rollout decides is kept in memory, and its log is tried again every minute: ${why}`
      if (this.#problem === undefined)
        this.#world.log.warn('Could not write the log of a rollout', { rollout, error: why })
      this.#problem = { reason: 'WriteFailed', message }
    }
  }
}
