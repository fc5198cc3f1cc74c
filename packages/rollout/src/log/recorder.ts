import { samePlace } from '../target.ts'
import type {
  Decision,
  OperationHistory,
  PersistedRollout,
  RolloutEvent,
  StrategyInput,
  TargetInput,
} from '../types.ts'
import { LOG_VERSION, type LogEntry, type OperatorEntry, type StrategyData } from './entries.ts'

/** What an engine is created with. */
interface Beginning {
  readonly strategy: StrategyInput
  readonly seed: number
  readonly startedAt: number
  readonly deadline: number
  readonly persisted?: PersistedRollout
}

/**
 * Decisions in one entry: with the longest names there are they have half a million characters, which fit into an object
 * of an API server even when they cannot be packed.
 */
const MOST_AT_ONCE = 1000

/** Writes down what one engine is told and asked, and what it answers. */
export class Recorder {
  readonly #log: (entry: LogEntry) => void
  readonly #caps = new Map<string, number>()
  readonly #histories = new Set<string>()

  constructor(log: (entry: LogEntry) => void) {
    this.#log = log
  }

  begin({ strategy, seed, startedAt, deadline, persisted }: Beginning, targets: readonly TargetInput[]): void {
    this.#log({
      type: 'begin',
      version: LOG_VERSION,
      strategy: dataOf(strategy),
      seed,
      startedAt,
      deadline,
      targets: targets.length,
      ...(persisted ? { persisted } : {}),
    })
    for (const target of targets) this.#log({ type: 'target', target })
  }

  /** The same strategy, with its answers written down when they are new. */
  listenTo(strategy: StrategyInput): StrategyInput {
    const { maxPerShard, history } = strategy
    return {
      ...strategy,
      maxPerShard: (shard) => this.#cap(shard, maxPerShard(shard)),
      ...(history ? { history: (stratum) => this.#history(stratum, history(stratum)) } : {}),
    }
  }

  /** `before`: what the target was like when it was known already. */
  event(event: RolloutEvent, before: TargetInput | undefined): void {
    if (event.type === 'upsert' && before && samePlace(before, event.target)) {
      const { stage: _1, stratum: _2, shard: _3, customer: _4, pair: _5, notFirst: _6, ...seen } = event.target
      this.#log({ type: 'see', ...seen })
    } else this.#log(event)
  }

  decide(at: number, decisions: readonly Decision[]): void {
    const more = decisions.length - MOST_AT_ONCE
    if (more <= 0) {
      this.#log({ type: 'decide', at, decisions })
      return
    }
    this.#log({ type: 'decide', at, decisions: decisions.slice(0, MOST_AT_ONCE), more })
    for (let from = MOST_AT_ONCE; from < decisions.length; from += MOST_AT_ONCE) {
      this.#log({ type: 'decided', decisions: decisions.slice(from, from + MOST_AT_ONCE) })
    }
  }

  /** Only decisions that are repeated until acknowledged are written down; others it changes nothing for. */
  acknowledge(decision: Decision): void {
    const { type } = decision
    if (type === 'open-wave' || type === 'halt' || type === 'complete') this.#log({ type: 'acknowledge', decision })
  }

  writeFailed(id: string): void {
    this.#log({ type: 'writeFailed', id })
  }

  capsChanged(): void {
    this.#log({ type: 'capsChanged' })
  }

  operator(entry: OperatorEntry): void {
    this.#log(entry)
  }

  #cap(shard: string, limit: number): number {
    if (this.#caps.get(shard) !== limit) {
      this.#caps.set(shard, limit)
      this.#log({ type: 'cap', shard, limit: Number.isFinite(limit) ? limit : null })
    }
    return limit
  }

  /** It is asked once for each stratum. */
  #history(stratum: string, past: OperationHistory | undefined): OperationHistory | undefined {
    if (!this.#histories.has(stratum)) {
      this.#histories.add(stratum)
      this.#log({ type: 'history', stratum, past: past ?? null })
    }
    return past
  }
}

function dataOf({ maxPerShard: _1, history: _2, maxConcurrent, ...data }: StrategyInput): StrategyData {
  const isLimited = maxConcurrent !== undefined && Number.isFinite(maxConcurrent)
  return { ...data, ...(isLimited ? { maxConcurrent } : {}) }
}
