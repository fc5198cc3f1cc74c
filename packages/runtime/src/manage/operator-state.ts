import { createHash } from 'node:crypto'

export interface Pace {
  /** How long nothing may change before a run, in milliseconds; a run is never kept back longer than ten times that. */
  readonly debounceMs: number
  /** From the end of a run to the beginning of the next, in milliseconds. */
  readonly coolDownMs: number
  /** Runs that often even if nothing changes: time passes for the operator, too. In milliseconds. */
  readonly resyncMs: number
}

/** How long changes may keep a run back, as a multiple of the debounce time. */
const LONGEST_DEBOUNCE = 10
/** The longest pause of an operator that fails, or that never comes to rest. */
const LONGEST_PAUSE_MS = 600_000
/** Runs in a row that an operator may cause itself before its pauses grow. */
const RUNS_TO_REST = 5

/** What a run was given: versions of the objects by what they are called, and a digest of all of it. */
export interface GivenInputs {
  readonly versions: ReadonlyMap<string, string>
  readonly digest: string
}

/** When an operator is to run: a memory of changes and runs that asks nobody. */
export class OperatorState {
  readonly #pace: Pace
  #changes = 0
  #noted = 0
  #firstChange = 0
  #lastChange = 0
  #endedAt = -Infinity
  #given: GivenInputs | undefined
  #written: ReadonlyMap<string, string> = new Map()
  #failures = 0
  #selfCaused = 0

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** Runs in a row that only answered what the operator had written itself. */
  get selfCaused(): number {
    return this.#selfCaused
  }

  /** Whether it keeps itself busy. */
  get isRestless(): boolean {
    return this.#selfCaused >= RUNS_TO_REST
  }

  /** An input changed. */
  changed(): void {
    this.#changes++
  }

  /** How long to wait until the inputs are quiet, in milliseconds. */
  unrestMs(now: number): number {
    if (this.#noted !== this.#changes) {
      if (this.#noted === 0 || this.#firstChange < this.#endedAt) this.#firstChange = now
      this.#lastChange = now
      this.#noted = this.#changes
    }
    if (this.#changes === 0 || this.#lastChange < this.#endedAt) return 0
    const { debounceMs } = this.#pace
    return Math.min(this.#lastChange + debounceMs, this.#firstChange + LONGEST_DEBOUNCE * debounceMs) - now
  }

  /** How long to wait before a run with these inputs may begin, in milliseconds; nothing new to do counts as waiting. */
  pauseMs(given: GivenInputs, now: number): number {
    const { coolDownMs, resyncMs } = this.#pace
    if (this.#given === undefined) return 0
    if (this.isKnown(given)) return this.#endedAt + resyncMs - now
    const doublings = given.digest === this.#given.digest ? this.#failures : 0
    const growing = Math.max(coolDownMs, 1000)
    const rest = this.#isSelfCaused(given) ? this.#selfCaused + 1 - RUNS_TO_REST : 0
    const pause = Math.max(coolDownMs, longer(growing, doublings), longer(growing, rest))
    return this.#endedAt + pause - now
  }

  /** Whether the last run went well and was given the same. */
  isKnown({ digest }: GivenInputs): boolean {
    return this.#failures === 0 && this.#given?.digest === digest
  }

  /** A run begins. */
  begun(given: GivenInputs): void {
    this.#selfCaused = this.#isSelfCaused(given) ? this.#selfCaused + 1 : 0
    this.#given = given
  }

  /** A run ended; `written` are versions of the objects it changed, called as in the inputs; of deleted ones, none. */
  ended(now: number, isFailed: boolean, written: ReadonlyMap<string, string>): void {
    this.#endedAt = now
    this.#failures = isFailed ? this.#failures + 1 : 0
    this.#written = written
  }

  /** Whether all that changed since the last run was written by it. */
  #isSelfCaused({ versions, digest }: GivenInputs): boolean {
    if (this.#given === undefined || this.#written.size === 0 || digest === this.#given.digest) return false
    const before = this.#given.versions
    const isOwn = (id: string) => this.#written.get(id) === (versions.get(id) ?? '')
    return [...new Set([...before.keys(), ...versions.keys()])].every(
      (id) => before.get(id) === versions.get(id) || isOwn(id),
    )
  }
}

/** The digest of an input directory. */
export function digestOf(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
  for (const [path, text] of [...files].sort(([left], [right]) => (left < right ? -1 : 1))) {
    hash.update(`${path}\0${text.length}\0${text}`)
  }
  return hash.digest('hex')
}

/** 0 when nothing is to be doubled. */
function longer(firstMs: number, doublings: number): number {
  return doublings <= 0 ? 0 : Math.min(LONGEST_PAUSE_MS, firstMs * 2 ** Math.min(doublings, 20))
}
