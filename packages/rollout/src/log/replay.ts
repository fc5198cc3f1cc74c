import { RolloutEngine } from '../engine.ts'
import type { RolloutSummary } from '../types.ts'
import { RolloutLogError, type AnswerEntry, type LogEntry, type OperatorEntry } from './entries.ts'
import { RunWatch, type RunFigures } from './figures.ts'
import { isAnswer, livesOf, type Call, type Life } from './lives.ts'

/** A decision that was not made again. */
export interface Mismatch {
  /** Of the entry in the log, from 0. */
  readonly index: number
  /** What the log says: decisions, or true for something an operator asked. */
  readonly expected: unknown
  /** What was decided, or got, now. */
  readonly actual: unknown
}

export interface Replay {
  /** How often the engine was started. */
  readonly lives: number
  /** Decisions that were made again, those that were repeated until acknowledged included. */
  readonly decisions: number
  readonly mismatches: readonly Mismatch[]
  /** Of the last life, when it decided last; absent when nothing ever was decided. */
  readonly summary?: RolloutSummary
  readonly figures?: RunFigures
}

/** The answers a strategy gave. */
class Answers {
  readonly #caps = new Map<string, number>()
  readonly #histories = new Map<string, Extract<AnswerEntry, { type: 'history' }>['past']>()

  take(entry: AnswerEntry): void {
    if (entry.type === 'cap') this.#caps.set(entry.shard, entry.limit ?? Number.POSITIVE_INFINITY)
    else this.#histories.set(entry.stratum, entry.past)
  }

  readonly maxPerShard = (shard: string): number => this.#caps.get(shard) ?? 0
  readonly history = (stratum: string) => this.#histories.get(stratum) ?? undefined
}

/**
 * Decides again what a log says was decided, from what it says was known, and compares bit for bit. The last life may be
 * cut off anywhere.
 *
 * @throws RolloutLogError for a log that no engine can have written
 */
export function replay(entries: Iterable<LogEntry>): Replay {
  const lives = livesOf(entries)
  const mismatches: Mismatch[] = []
  const watch = new RunWatch()
  let decisions = 0
  let summary: RolloutSummary | undefined
  for (const [position, life] of lives.entries()) {
    const { engine, answers } = revive(life, position)
    let at = life.begin.startedAt
    for (const { index, entry } of life.steps) {
      if (isAnswer(entry)) answers.take(entry)
      else if (entry.type === 'decide') {
        at = entry.at
        const actual = engine.decide(at)
        watch.observe(engine, at, actual)
        decisions += actual.length
        if (!isSame(actual, entry.decisions)) mismatches.push({ index, expected: entry.decisions, actual })
      } else if (!tell(engine, entry)) mismatches.push({ index, expected: true, actual: false })
    }
    summary = engine.summary(at)
  }
  const found = summary ? { summary, figures: watch.figures(summary) } : {}
  return { lives: lives.length, decisions, mismatches, ...found }
}

/** An engine as at the beginning of a life, with the answers its creation needs. */
function revive(life: Life, position: number): { engine: RolloutEngine; answers: Answers } {
  const { begin, targets, steps } = life
  const answers = new Answers()
  // Those before the first call were given at the creation.
  for (const { entry } of steps) {
    if (!isAnswer(entry)) break
    answers.take(entry)
  }
  const { strategy, seed, startedAt, deadline, persisted } = begin
  try {
    const asked = { ...strategy, maxPerShard: answers.maxPerShard, history: answers.history }
    const before = persisted ? { persisted } : {}
    const engine = RolloutEngine.create({ strategy: asked, seed, startedAt, deadline, targets, ...before })
    return { engine, answers }
  } catch (error) {
    throw new RolloutLogError(
      `Life ${position + 1} of the log cannot begin: ${String(error)} Its entry "begin" was changed; export the log again.`,
      { cause: error },
    )
  }
}

/** Repeats a call; false when something that an operator asked has no effect now. */
function tell(engine: RolloutEngine, entry: Exclude<Call, { type: 'decide' }>): boolean {
  switch (entry.type) {
    case 'upsert':
    case 'remove':
    case 'samples':
      engine.apply(entry)
      return true
    case 'acknowledge':
      engine.acknowledge(entry.decision)
      return true
    case 'writeFailed':
      engine.writeFailed(entry.id)
      return true
    case 'capsChanged':
      engine.capsChanged()
      return true
    default:
      return intervene(engine, entry)
  }
}

/** What an operator asked is asked again; false when it has no effect now. */
export function intervene(engine: RolloutEngine, entry: OperatorEntry): boolean {
  switch (entry.type) {
    case 'pause':
      return engine.pause(entry.reason)
    case 'resume':
      return engine.resume()
    case 'abort':
      return engine.abort(entry.reason)
    case 'revert':
      return engine.revert()
    case 'revertNow':
      return engine.revertNow(entry.reason)
    case 'skip':
    case 'retry':
      return engine[entry.type](entry.id)
    case 'expedite':
      return engine.expedite(entry.stage, entry.wave)
  }
}

/** As JSON, whatever the order of keys. */
function isSame(left: unknown, right: unknown): boolean {
  const plain = JSON.stringify(left)
  return plain === JSON.stringify(right) || JSON.stringify(left, inOrder) === JSON.stringify(right, inOrder)
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
}
