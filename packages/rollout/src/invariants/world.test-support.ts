import { RolloutEngine } from '../engine.ts'
import { seededHash } from '../hash.ts'
import type { LogEntry } from '../log/index.ts'
import { persistedFrom } from '../summary.ts'
import type { Decision, PersistedRollout, RolloutEvent, RolloutSummary, StrategyInput, TargetInput } from '../types.ts'
import { Fleet, Timetable, type Agent } from './fleet.test-support.ts'
import { happen } from './happen.test-support.ts'
import { chance, metaOf, strategyOf, TICK, type Story } from './story.test-support.ts'

/** What somebody asked of the rollout. */
export type Asked = 'pause' | 'resume' | 'abort' | 'revert' | 'revertNow' | 'expedite'

/** Is told everything the engine is told, and everything it decides, before that is carried out. */
export interface Watch {
  began(engine: RolloutEngine, targets: readonly TargetInput[], persisted: PersistedRollout, now: number): void
  told(event: RolloutEvent): void
  writeFailed(id: string): void
  skipped(id: string, hadEffect: boolean): void
  retried(id: string, hadEffect: boolean): void
  asked(what: Asked, hadEffect: boolean, place?: { readonly stage: string; readonly wave: number }): void
  decided(engine: RolloutEngine, decisions: readonly Decision[], now: number): void
  acknowledged(engine: RolloutEngine, decision: Decision): void
  rested(engine: RolloutEngine, now: number): void
}

export interface Ways {
  readonly watch?: Watch
  readonly log?: (entry: LogEntry) => void
  /** Lists targets and tells of what happens at the same time in another order, and asks for decisions at every tick. */
  readonly shuffled?: boolean
  /** Nobody dies. */
  readonly steady?: boolean
}

interface Message {
  /** Messages with the same key are told in their order. */
  readonly key: string
  readonly tell: () => void
}

const STEPS_AT_MOST = 20_000

/** A story, lived through by an engine and a caller that keeps the engine's contract. */
export class StoryWorld {
  readonly story: Story
  readonly time = new Timetable()
  readonly fleet: Fleet
  readonly strategy: StrategyInput
  readonly caps = new Map<string, number>()
  /** Writes that were done, by target. */
  readonly requests = new Map<string, number>()
  readonly reverts = new Map<string, number>()
  /** The last attempt that somebody wants, by target. */
  readonly wanted = new Map<string, number>()
  /** What was decided, with its time, but for what was repeated because nobody listened. */
  readonly log: string[] = []
  readonly decisions: Decision[] = []
  engine: RolloutEngine
  lostUntil = 0
  isPauseWanted = false
  isRevertWanted = false
  joined = 0
  readonly #ways: Ways
  readonly #told = new Map<string, TargetInput>()
  readonly #attempts = new Map<string, number>()
  readonly #crashes: ReadonlySet<number>
  #messages: Message[] = []
  #persisted: PersistedRollout = { stages: [] }
  #life = 0
  #handled = 0
  #shuffles = 0

  constructor(story: Story, ways: Ways = {}) {
    this.story = story
    this.#ways = ways
    this.#crashes = new Set(ways.steady ? [] : story.crashes)
    this.strategy = strategyOf(story, (shard) => this.caps.get(shard) ?? story.perShard)
    this.fleet = new Fleet(story, this.time, (id) => this.#changed(id))
    for (let index = 0; index < story.targets; index++) this.fleet.join(metaOf(story, `cp-${index}`))
    for (const each of story.happenings) this.time.after(each.tick, () => happen(this, each))
    this.engine = this.#begin()
  }

  /** Runs until nothing is left to happen. */
  run(): RolloutSummary {
    this.#settle()
    for (let steps = 0; ; steps++) {
      const due = this.engine.nextDue(this.time.now)
      const next = Math.min(this.time.next ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
      if (!Number.isFinite(next)) return this.engine.summary(this.time.now)
      if (steps === STEPS_AT_MOST) throw new Error('It never ends.')
      // The comparison takes the time of the last decision for that of an event.
      const asksOften = this.#ways.shuffled && !this.story.compareUntreated
      this.time.now = asksOften ? Math.min(next, this.time.now + TICK) : next
      this.#settle()
    }
  }

  /** Tells the engine of it, sooner or later. */
  event(event: RolloutEvent): void {
    const key = event.type === 'upsert' ? event.target.id : event.type === 'remove' ? event.id : event.signal
    const tell = () => {
      if (event.type === 'upsert') this.#told.set(event.target.id, event.target)
      if (event.type === 'remove') this.#told.delete(event.id)
      this.engine.apply(event)
      this.#ways.watch?.told(event)
    }
    this.#send(event.type === 'samples' ? 0 : this.#lagOf(key), key, tell)
  }

  /** Somebody asks something of the rollout. */
  ask(what: Asked): void {
    this.#send(0, 'somebody', () => this.#ask(what))
  }

  /** Somebody leaves a target out. It is told with what is told of the target, so that their order is always the same. */
  skip(id: string): void {
    this.#send(this.#lagOf(id), id, () => {
      const hadEffect = this.engine.skip(id)
      if (hadEffect) this.#persist()
      this.#ways.watch?.skipped(id, hadEffect)
    })
  }

  /** Somebody wants a target tried again. */
  retry(id: string): void {
    this.#send(this.#lagOf(id), id, () => this.#retry(id))
  }

  #retry(id: string): void {
    const hadEffect = this.engine.retry(id)
    if (hadEffect) this.wanted.set(id, (this.#told.get(id)?.attempt ?? 1) + 1)
    this.#ways.watch?.retried(id, hadEffect)
  }

  capChanged(): void {
    this.#send(0, 'caps', () => this.engine.capsChanged())
  }

  /** The caller dies, and another one goes on from what it finds. */
  restart(): void {
    this.#life++
    this.#messages = []
    this.engine = this.#begin()
    for (const [id, attempt] of this.wanted) if ((this.#told.get(id)?.attempt ?? 1) < attempt) this.#retry(id)
    if (this.isPauseWanted) this.#ask('pause')
    if (this.isRevertWanted) this.#ask('revertNow')
  }

  /** A new engine that was told all there is, from what was stored. */
  fresh(log?: (entry: LogEntry) => void): RolloutEngine {
    return this.#create([...this.#told.values()], log)
  }

  #create(targets: readonly TargetInput[], log?: (entry: LogEntry) => void): RolloutEngine {
    return RolloutEngine.create({
      strategy: this.strategy,
      seed: this.story.seed,
      targets,
      startedAt: 0,
      deadline: 1000 * TICK,
      persisted: this.#persisted,
      ...(log ? { log } : {}),
    })
  }

  #begin(): RolloutEngine {
    const here = [...this.fleet.agents.values()].filter(({ isHere }) => isHere)
    const targets = here.map((agent) => this.fleet.seen(agent))
    this.#told.clear()
    for (const target of targets) this.#told.set(target.id, target)
    const engine = this.#create(this.#ways.shuffled ? this.#shuffle(targets) : targets, this.#ways.log)
    this.#ways.watch?.began(engine, targets, this.#persisted, this.time.now)
    return engine
  }

  #ask(what: Asked): void {
    const { stage, wave } = this.engine.summary(this.time.now)
    const place = { stage: stage ?? '', wave: wave ?? 0 }
    const hadEffect =
      what === 'expedite'
        ? this.engine.expedite(place.stage, place.wave)
        : what === 'resume' || what === 'revert'
          ? this.engine[what]()
          : this.engine[what]('Because.')
    if (hadEffect && (what === 'expedite' || what === 'abort')) this.#persist()
    if (hadEffect && (what === 'revert' || what === 'revertNow')) this.isRevertWanted = true
    this.#ways.watch?.asked(what, hadEffect, place)
  }

  #settle(): void {
    const { now } = this.time
    for (let steps = 0; ; steps++) {
      if (steps === STEPS_AT_MOST) throw new Error(`At ${now} it decides without end.`)
      this.time.run()
      this.#tellAll()
      const life = this.#life
      const decisions = this.engine.decide(now)
      this.#ways.watch?.decided(this.engine, decisions, now)
      let isHeard = false
      for (const decision of decisions) {
        if (this.#isLost(decision)) continue
        isHeard = true
        this.#handle(decision)
        if (this.#life !== life) break
      }
      const isOver = !isHeard && this.#messages.length === 0 && (this.time.next ?? Number.POSITIVE_INFINITY) > now
      if (!isOver) continue
      this.#ways.watch?.rested(this.engine, now)
      return
    }
  }

  #tellAll(): void {
    const messages = this.#ways.shuffled ? this.#shuffleMessages() : this.#messages
    this.#messages = []
    for (const { tell } of messages) tell()
  }

  /** Nothing comes of a decision: storing it failed, or the answer to that was lost. */
  #isLost(decision: Decision): boolean {
    if (!('at' in decision || decision.type === 'halt') || decision.type === 'close-wave') return false
    if (this.time.now >= this.lostUntil) return false
    if (chance(this.story, `lost/${JSON.stringify(decision)}`) < 0.5) this.#store(decision)
    return true
  }

  #handle(decision: Decision): void {
    const number = this.#handled++
    const dies = this.#crashes.has(number)
    this.log.push(`${this.time.now} ${JSON.stringify(decision)}`)
    this.decisions.push(decision)
    if (!dies || number % 2 === 1) this.#carryOut(decision)
    if (dies) this.restart()
  }

  #carryOut(decision: Decision): void {
    if (decision.type === 'apply' || decision.type === 'revert') {
      this.#write(decision)
      return
    }
    this.#store(decision)
    if (decision.type === 'close-wave') return
    this.engine.acknowledge(decision)
    this.#ways.watch?.acknowledged(this.engine, decision)
  }

  #store(decision: Decision): void {
    this.#persist(decision.type === 'open-wave' ? decision : undefined)
  }

  #persist(opening?: Extract<Decision, { type: 'open-wave' }>): void {
    this.#persisted = persistedFrom(this.engine.summary(this.time.now), opening)
  }

  #write(decision: Extract<Decision, { type: 'apply' | 'revert' }>): void {
    const { id } = decision
    const attempt = (this.#attempts.get(id) ?? 0) + 1
    this.#attempts.set(id, attempt)
    const agent = this.fleet.agents.get(id)
    if (!agent?.isHere || this.#isOutdated(id, agent)) {
      this.#failWrite(id, this.story.lag)
      return
    }
    if (chance(this.story, `write/${id}/${attempt}`) * 100 < this.story.failingWrites) {
      this.#failWrite(id, 1)
      return
    }
    const writes = decision.type === 'apply' ? this.requests : this.reverts
    writes.set(id, (writes.get(id) ?? 0) + 1)
    if (decision.type === 'apply') this.fleet.ask(id, agent, decision.wave, decision.attempt)
    else this.fleet.takeBack(id, agent)
  }

  /** It moved since the engine heard of it: such a write is refused. */
  #isOutdated(id: string, { meta }: Agent): boolean {
    const told = this.#told.get(id)
    return told?.stage !== meta.stage || told.stratum !== meta.stratum || told.shard !== meta.shard
  }

  #failWrite(id: string, ticks: number): void {
    this.#send(ticks, id, () => {
      this.engine.writeFailed(id)
      this.#ways.watch?.writeFailed(id)
    })
  }

  #changed(id: string): void {
    const agent = this.fleet.agents.get(id)
    if (agent?.isHere) this.event({ type: 'upsert', target: this.fleet.seen(agent) })
  }

  #lagOf(id: string): number {
    return Math.floor(chance(this.story, `lag/${id}`) * (this.story.lag + 1))
  }

  /** Says something in so many ticks, if the caller lives until then. */
  #send(ticks: number, key: string, tell: () => void): void {
    if (ticks === 0) {
      this.#messages.push({ key, tell })
      return
    }
    const life = this.#life
    this.time.after(ticks, () => {
      if (this.#life === life) this.#messages.push({ key, tell })
    })
  }

  #shuffle<T>(items: readonly T[]): T[] {
    const shuffle = ++this.#shuffles
    return items
      .map((item, index) => ({ item, at: seededHash(shuffle, `${this.story.seed}/${index}`) }))
      .sort((left, right) => left.at - right.at)
      .map(({ item }) => item)
  }

  #shuffleMessages(): Message[] {
    const waiting = new Map<string, Message[]>()
    for (const message of this.#messages) {
      const before = waiting.get(message.key)
      if (before) before.push(message)
      else waiting.set(message.key, [message])
    }
    return this.#shuffle(this.#messages).map(({ key }) => waiting.get(key)?.shift() as Message)
  }
}
