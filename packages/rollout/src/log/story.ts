import { kindOf, metaOf, samePlace } from '../target.ts'
import type { OperationHistory, RolloutEvent, TargetInput, TargetMeta } from '../types.ts'
import type { LifeEntry, LogEntry, Observation, OperatorEntry } from './entries.ts'
import { isAnswer, livesOf, type Life } from './lives.ts'

/** Something that was observed `after` milliseconds; its times are as recorded. */
export interface Moment {
  readonly after: number
  readonly seen: Observation
}

/** What happened to a target from when the change, or taking it back, was decided. */
export interface Course {
  readonly at: number
  readonly moments: Moment[]
  /** It was watched for so long. */
  watched: number
}

/** What a target is like whatever the rollout does. */
export interface Circumstances {
  readonly meta: TargetMeta
  /** Held, out of reach or not concerned. */
  readonly away: Pick<Observation, 'phase' | 'reason' | 'message'> | undefined
  readonly notBefore: number | undefined
  /** Unhealthy without the change. */
  readonly ill: Pick<Observation, 'onsetAt' | 'reason' | 'message'> | undefined
}

/** What happens to the fleet by itself, and what people do, at its recorded time. */
export type Occurrence =
  | { readonly type: 'is'; readonly at: number; readonly id: string; readonly now: Circumstances }
  | { readonly type: 'gone'; readonly at: number; readonly id: string }
  | { readonly type: 'cap'; readonly at: number; readonly shard: string; readonly limit: number }
  | { readonly type: 'samples'; readonly at: number; readonly event: Extract<RolloutEvent, { type: 'samples' }> }
  | { readonly type: 'asked'; readonly at: number; readonly entry: OperatorEntry }

export interface TargetStory {
  treated?: Course
  /** What came of further attempts, in their order. */
  again?: Course[]
  reverted?: Course
  /** It had been asked when the log begins. */
  wasAsked?: boolean
}

/** What a log tells of the fleet, apart from what was decided for it. */
export interface Story {
  readonly begin: LifeEntry
  /** When it was decided first. */
  readonly from: number
  readonly targets: ReadonlyMap<string, TargetStory>
  /** In the order of time. */
  readonly occurrences: readonly Occurrence[]
  readonly histories: ReadonlyMap<string, OperationHistory>
}

/** Reads what happened out of a log. Undefined when it is of no life. */
export function storyOf(entries: Iterable<LogEntry>): Story | undefined {
  const lives = livesOf(entries)
  const [first] = lives
  if (!first) return undefined
  const reader = new Reader(timesOf(first).find((at) => at !== undefined) ?? first.begin.startedAt)
  for (const life of lives) reader.read(life)
  return reader.finish(first.begin)
}

/** For each step of a life when it was: the next decision took it in. */
function timesOf({ steps }: Life): (number | undefined)[] {
  const times: (number | undefined)[] = []
  let at: number | undefined
  for (const { entry } of steps.toReversed()) {
    if (entry.type === 'decide') at = entry.at
    times.push(at)
  }
  return times.reverse()
}

/** As seen last. */
interface Known {
  readonly input: TargetInput
  readonly circumstances: Circumstances
}

class Reader {
  readonly #from: number
  #now: number
  readonly #present = new Map<string, Known>()
  readonly #stories = new Map<string, TargetStory>()
  readonly #occurrences: Occurrence[] = []
  readonly #histories = new Map<string, OperationHistory>()
  /** When what is not visible yet was decided. */
  readonly #asked = new Map<string, number>()
  readonly #takenBack = new Map<string, number>()

  constructor(from: number) {
    this.#from = from
    this.#now = from
  }

  read(life: Life): void {
    const times = timesOf(life)
    this.#now = Math.max(this.#now, times.find((at) => at !== undefined) ?? this.#now)
    const listed = new Set(life.targets.map(({ id }) => id))
    for (const id of this.#present.keys()) if (!listed.has(id)) this.#leave(id)
    for (const target of life.targets) this.#see(target)
    for (const [index, { entry }] of life.steps.entries()) {
      this.#now = times[index] ?? this.#now
      if (isAnswer(entry)) {
        if (entry.type === 'history') {
          if (entry.past) this.#histories.set(entry.stratum, entry.past)
        } else {
          const limit = entry.limit ?? Number.POSITIVE_INFINITY
          this.#occurrences.push({ type: 'cap', at: this.#now, shard: entry.shard, limit })
        }
        continue
      }
      switch (entry.type) {
        case 'upsert':
          this.#see(entry.target)
          break
        case 'remove':
          this.#leave(entry.id)
          break
        case 'samples':
          this.#occurrences.push({ type: 'samples', at: this.#now, event: entry })
          break
        case 'decide':
          for (const decision of entry.decisions) {
            if (decision.type === 'apply') this.#asked.set(decision.id, entry.at)
            else if (decision.type === 'revert') this.#takenBack.set(decision.id, entry.at)
          }
          break
        case 'acknowledge':
        case 'writeFailed':
        case 'capsChanged':
          break
        default:
          this.#occurrences.push({ type: 'asked', at: this.#now, entry })
      }
    }
  }

  finish(begin: LifeEntry): Story {
    for (const id of this.#present.keys()) this.#watchEnds(id)
    return {
      begin,
      from: this.#from,
      targets: this.#stories,
      occurrences: this.#occurrences,
      histories: this.#histories,
    }
  }

  #leave(id: string): void {
    this.#watchEnds(id)
    this.#present.delete(id)
    this.#occurrences.push({ type: 'gone', at: this.#now, id })
  }

  #watchEnds(id: string): void {
    const story = this.#stories.get(id)
    const course = story?.reverted ?? story?.again?.at(-1) ?? story?.treated
    if (course) course.watched = Math.max(course.watched, this.#now - course.at)
  }

  #see(input: TargetInput): void {
    const { id } = input
    const before = this.#present.get(id)
    const story: TargetStory = this.#stories.get(id) ?? {}
    this.#stories.set(id, story)
    const course = this.#courseOf(story, input, before?.input)
    // Who is held after its end was changed by somebody: that follows from the treatment.
    const isOver = before !== undefined && kindOf(before.input.phase) === 'ended'
    const isAway = kindOf(input.phase) === 'excluded' && !(course && isOver && input.phase === 'Held')
    if (course && !isAway) course.moments.push({ after: this.#now - course.at, seen: observationOf(input) })
    const circumstances = circumstancesOf(input, isAway, course !== undefined)
    if (!before || !isAlike(before.circumstances, circumstances)) {
      this.#occurrences.push({ type: 'is', at: this.#now, id, now: circumstances })
    }
    this.#present.set(id, { input, circumstances })
  }

  /** What the observation belongs to: being treated, being taken back, or neither. */
  #courseOf(story: TargetStory, input: TargetInput, before: TargetInput | undefined): Course | undefined {
    const { id, phase, requested, attempt = 1 } = input
    const { treated, again = [] } = story
    if (!treated) {
      const kind = kindOf(phase)
      if (!requested && kind !== 'running' && kind !== 'ended') return undefined
      const at = this.#asked.get(id)
      if (at === undefined) story.wasAsked = true
      return (story.treated = { at: at ?? this.#now, moments: [], watched: 0 })
    }
    if (!story.reverted && !requested) {
      const at = this.#takenBack.get(id) ?? this.#now
      const last = again.at(-1) ?? treated
      last.watched = Math.max(last.watched, at - last.at)
      story.reverted = { at, moments: [], watched: 0 }
    }
    if (!story.reverted && before && attempt > (before.attempt ?? 1)) {
      story.again = [...again, { at: this.#asked.get(id) ?? this.#now, moments: [], watched: 0 }]
    }
    return story.reverted ?? story.again?.at(-1) ?? treated
  }
}

function observationOf(input: TargetInput): Observation {
  const { id: _1, stage: _2, stratum: _3, shard: _4, customer: _5, pair: _6, notFirst: _7, ...seen } = input
  return seen
}

function circumstancesOf(input: TargetInput, isAway: boolean, isTreated: boolean): Circumstances {
  const { phase, reason, message, onsetAt, notBefore } = input
  const why = { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) }
  return {
    meta: metaOf(input),
    away: isAway ? { phase, ...why } : undefined,
    notBefore,
    ill: isTreated || onsetAt === undefined ? undefined : { onsetAt, ...why },
  }
}

function isAlike(left: Circumstances, right: Circumstances): boolean {
  return (
    samePlace(left.meta, right.meta) &&
    left.notBefore === right.notBefore &&
    JSON.stringify([left.away, left.ill]) === JSON.stringify([right.away, right.ill])
  )
}
