import { RolloutEngine } from '../engine.ts'
import { Heap } from '../heap.ts'
import { kindOf } from '../target.ts'
import type { Decision, StrategyInput, TargetInput } from '../types.ts'
import { RolloutLogError, type LogEntry, type Observation, type StrategyData } from './entries.ts'
import { RunWatch, type RunFigures } from './figures.ts'
import { intervene, replay } from './replay.ts'
import { storyOf, type Circumstances, type Course, type Moment, type Occurrence, type Story } from './story.ts'

export interface RedecideOptions {
  /** Default: the recorded one. What it would answer is taken from the record. */
  readonly strategy?: StrategyData
  readonly seed?: number
  readonly deadline?: number
  /** Gets what is decided now, and when. */
  readonly onDecide?: (at: number, decisions: readonly Decision[]) => void
}

/** What was needed and is not in the record. */
export interface Unknown {
  /** Targets whose treatment was not recorded to its end: taken to succeed after the median time of those that did. */
  readonly treated: number
  /** Reverts that were not recorded to their end: taken to succeed after their median time. */
  readonly reverted: number
  /** Management clusters whose cap nobody asked for: taken to be the smallest recorded one. */
  readonly caps: number
}

export interface Redecision {
  /** As it was. */
  readonly record: RunFigures
  /** As it would have been. */
  readonly again: RunFigures
  readonly unknown: Unknown
  /** Targets that are in a stage in the record and in none of this strategy: they are not treated. */
  readonly unplaced: number
}

/**
 * Decides a recorded rollout under another strategy, seed or deadline. What happened to a target once it was treated
 * happens again, as long after it is treated now: how long it took, how it ended, when it fell ill. What did not come
 * from the rollout happens when it happened: joins, leaves, holds, windows, outages, caps, onsets without the change,
 * samples of continuous signals, and what operators asked. What the record does not tell is counted in `unknown`. A
 * target that was well for as long as it was watched is taken to stay well.
 *
 * @throws RolloutLogError for a log that no engine can have written, or in which nothing was decided
 * @throws RangeError when the strategy's sequential test or a continuous signal makes no sense
 */
export function redecide(entries: readonly LogEntry[], options: RedecideOptions = {}): Redecision {
  const { figures } = replay(entries)
  const story = storyOf(entries)
  if (!figures || !story) {
    throw new RolloutLogError('The log has no decision, so there is nothing to decide again. Export the whole log.')
  }
  return new Rerun(story, options).run(figures)
}

/** A target in the run that is made up. */
interface Actor {
  circumstances: Circumstances | undefined
  /** What came of its treatment so far. */
  own: Observation
  /** Moments of an earlier course are void. */
  course: number
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

const UNTOUCHED: Observation = { phase: 'Pending', requested: false }

class Rerun {
  readonly #story: Story
  readonly #options: RedecideOptions
  readonly #strategy: StrategyData
  readonly #actors = new Map<string, Actor>()
  readonly #caps = new Map<string, number>()
  readonly #capsUnknown = new Set<string>()
  readonly #events = new Heap<Event>((left, right) =>
    left.at === right.at ? left.order < right.order : left.at < right.at,
  )
  readonly #treatmentMs: number
  readonly #revertMs: number
  readonly #watch = new RunWatch()
  #order = 0
  #now: number
  #engine: RolloutEngine | undefined
  #treatedUnknown = 0
  #revertedUnknown = 0

  constructor(story: Story, options: RedecideOptions) {
    this.#story = story
    this.#options = options
    this.#strategy = options.strategy ?? story.begin.strategy
    this.#now = story.from
    const { operationTimeoutMs, expectedOperationMs = operationTimeoutMs / 3 } = this.#strategy
    const courses = Array.from(story.targets.values())
    this.#treatmentMs =
      medianUntil(
        'Applied',
        courses.map(({ treated }) => treated),
      ) ?? expectedOperationMs
    this.#revertMs =
      medianUntil(
        'Reverted',
        courses.map(({ reverted }) => reverted),
      ) ?? this.#treatmentMs
  }

  run(record: RunFigures): Redecision {
    for (const id of this.#story.targets.keys()) {
      this.#actors.set(id, { circumstances: undefined, own: UNTOUCHED, course: 0 })
    }
    for (const [id, { wasAsked }] of this.#story.targets) if (wasAsked) this.#treat(id)
    this.#happen()
    for (const occurrence of this.#story.occurrences) this.#expect(occurrence)
    const engine = RolloutEngine.create(this.#creation())
    this.#engine = engine
    this.#play(engine)
    const names = new Set(this.#strategy.stages.map(({ name }) => name))
    const before = new Set(this.#story.begin.strategy.stages.map(({ name }) => name))
    const stages = Array.from(this.#actors.values(), ({ circumstances }) => circumstances?.meta.stage ?? '')
    return {
      record,
      again: this.#watch.figures(engine.summary(this.#now)),
      unknown: { treated: this.#treatedUnknown, reverted: this.#revertedUnknown, caps: this.#capsUnknown.size },
      unplaced: stages.filter((stage) => before.has(stage) && !names.has(stage)).length,
    }
  }

  #creation() {
    const { begin, histories } = this.#story
    const { seed = begin.seed, deadline = begin.deadline } = this.#options
    const strategy: StrategyInput = {
      ...this.#strategy,
      maxPerShard: (shard) => this.#capOf(shard),
      history: (stratum) => histories.get(stratum),
    }
    const targets = Array.from(this.#actors, ([id, actor]) => this.#inputOf(id, actor)).filter(
      (input) => input !== undefined,
    )
    const { startedAt, persisted } = begin
    return { strategy, seed, deadline, startedAt, targets, ...(persisted ? { persisted } : {}) }
  }

  #capOf(shard: string): number {
    const known = this.#caps.get(shard)
    if (known !== undefined) return known
    this.#capsUnknown.add(shard)
    return Math.min(...this.#caps.values(), Number.MAX_SAFE_INTEGER)
  }

  /** Decides and carries out until nothing is left to happen. */
  #play(engine: RolloutEngine): void {
    for (;;) {
      this.#happen()
      const decisions = engine.decide(this.#now)
      if (decisions.length > 0) {
        this.#watch.observe(engine, this.#now, decisions)
        this.#options.onDecide?.(this.#now, decisions)
        for (const decision of decisions) this.#carryOut(engine, decision)
        continue
      }
      const event = this.#events.peek()?.at
      const due = engine.nextDue(this.#now)
      const next = Math.min(event ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
      if (!Number.isFinite(next) || next <= this.#now) return
      this.#now = next
    }
  }

  #carryOut(engine: RolloutEngine, decision: Decision): void {
    engine.acknowledge(decision)
    if (decision.type === 'apply') this.#treat(decision.id, decision.attempt)
    else if (decision.type === 'revert') this.#takeBack(decision.id)
  }

  #happen(): void {
    for (let event = this.#events.peek(); event && event.at <= this.#now; event = this.#events.peek()) {
      this.#events.pop()
      event.run()
    }
  }

  #schedule(at: number, run: () => void): void {
    this.#events.push({ at, order: ++this.#order, run })
  }

  #expect(occurrence: Occurrence): void {
    const { type, at } = occurrence
    // A cap was what it was before anybody asked for it, and the first state of the fleet is given to the engine whole.
    const isFirst =
      type === 'cap' ? !this.#caps.has(occurrence.shard) : at <= this.#now && (type === 'is' || type === 'gone')
    if (isFirst) this.#occur(occurrence)
    else this.#schedule(at, () => this.#occur(occurrence))
  }

  #occur(occurrence: Occurrence): void {
    const engine = this.#engine
    switch (occurrence.type) {
      case 'is':
        return this.#change(occurrence.id, (actor) => (actor.circumstances = occurrence.now))
      case 'gone':
        return this.#change(occurrence.id, (actor) => (actor.circumstances = undefined))
      case 'cap':
        this.#caps.set(occurrence.shard, occurrence.limit)
        return engine?.capsChanged()
      case 'samples':
        return engine?.apply(occurrence.event)
      case 'asked':
        if (engine) intervene(engine, occurrence.entry)
    }
  }

  #change(id: string, mutate: (actor: Actor) => void): void {
    const actor = this.#actors.get(id)
    if (!actor) return
    mutate(actor)
    const input = this.#inputOf(id, actor)
    this.#engine?.apply(input ? { type: 'upsert', target: input } : { type: 'remove', id })
  }

  #inputOf(id: string, { circumstances, own }: Actor): TargetInput | undefined {
    if (!circumstances) return undefined
    const { meta, away, notBefore, ill } = circumstances
    return {
      ...meta,
      id,
      ...(own.onsetAt === undefined ? ill : {}),
      ...own,
      // Who has ended stays what it is while it is out of reach.
      ...(kindOf(own.phase) === 'ended' ? {} : away),
      ...(notBefore === undefined ? {} : { notBefore }),
    }
  }

  #treat(id: string, attempt = 1): void {
    const story = this.#story.targets.get(id)
    const course = attempt === 1 ? story?.treated : story?.again?.[attempt - 2]
    const start = this.#now
    const which = attempt === 1 ? {} : { attempt }
    const played = this.#follow(id, course, { ...which, phase: 'Pending', requested: true })
    if (course && (endsIn(course, 'Applied', 'Failed') || this.#hangs(course))) return
    const requested = true
    played(Math.max(this.#treatmentMs, course === undefined ? 0 : course.watched + 1), ({ since = start }) => {
      if (course && this.#isPresent(id)) this.#treatedUnknown++
      return { ...which, phase: 'Applied', requested, since, completedAt: this.#now }
    })
    if (course) return
    this.#treatedUnknown++
    played(0, () => ({ ...which, phase: 'Applying', requested, since: start }))
  }

  #isPresent(id: string): boolean {
    return this.#actors.get(id)?.circumstances !== undefined
  }

  #takeBack(id: string): void {
    const { phase } = this.#actors.get(id)?.own ?? UNTOUCHED
    if (phase === 'Pending') {
      this.#follow(id, undefined, UNTOUCHED)
      return
    }
    const recorded = this.#story.targets.get(id)?.reverted
    const course = recorded && endsIn(recorded, 'Reverted', 'Failed') ? recorded : undefined
    const start = this.#now
    const operation = { requested: false, since: start, revert: true }
    const played = this.#follow(id, course, { ...operation, phase: 'Reverting' })
    if (course) return
    played(this.#revertMs, () => {
      if (this.#isPresent(id)) this.#revertedUnknown++
      return { ...operation, phase: 'Reverted', completedAt: this.#now }
    })
  }

  /**
   * Lets the moments of a course happen from now on, or what is given when none was recorded. What it gives adds another.
   */
  #follow(id: string, course: Course | undefined, otherwise: Observation) {
    const actor = this.#actors.get(id)
    const version = actor ? ++actor.course : 0
    const later = this.#now - (course?.at ?? 0)
    const start = this.#now
    const add = (after: number, seen: (own: Observation) => Observation) => {
      this.#schedule(start + after, () => {
        if (actor?.course === version) this.#change(id, (each) => (each.own = seen(each.own)))
      })
    }
    const moments: readonly Moment[] = course?.moments ?? []
    if (moments.length === 0) add(0, () => otherwise)
    for (const { after, seen } of moments) add(after, () => shifted(seen, later))
    return add
  }

  /** It was seen to take longer than it may. */
  #hangs({ at, moments, watched }: Course): boolean {
    const since = moments.at(-1)?.seen.since
    return since !== undefined && at + watched - since > this.#strategy.operationTimeoutMs
  }
}

function shifted(
  { since, completedAt, healthySince, onsetAt, notBefore: _1, wave: _2, ...seen }: Observation,
  by: number,
): Observation {
  return {
    ...seen,
    ...(since === undefined ? {} : { since: since + by }),
    ...(completedAt === undefined ? {} : { completedAt: completedAt + by }),
    ...(healthySince === undefined ? {} : { healthySince: healthySince + by }),
    ...(onsetAt === undefined ? {} : { onsetAt: onsetAt + by }),
  }
}

function endsIn({ moments }: Course, ...phases: readonly Observation['phase'][]): boolean {
  return moments.some(({ seen }) => phases.includes(seen.phase))
}

/** Median time until courses were in `phase` first. */
function medianUntil(phase: Observation['phase'], courses: readonly (Course | undefined)[]): number | undefined {
  const times = courses.flatMap((course) => course?.moments.find(({ seen }) => seen.phase === phase)?.after ?? [])
  return times.sort((left, right) => left - right)[Math.floor(times.length / 2)]
}
