import { Heap } from '../heap.ts'
import type { TargetInput, TargetMeta, TargetPhase } from '../types.ts'
import { chance, TICK, TIMEOUT_TICKS, type Story } from './story.test-support.ts'

/** Virtual time: what is to happen, in its order. */
export class Timetable {
  now = 0
  readonly #plans = new Heap<{ readonly at: number; readonly order: number; readonly run: () => void }>(
    (left, right) => (left.at === right.at ? left.order < right.order : left.at < right.at),
  )
  #order = 0

  after(ticks: number, run: () => void): void {
    this.#plans.push({ at: this.now + ticks * TICK, order: ++this.#order, run })
  }

  get next(): number | undefined {
    return this.#plans.peek()?.at
  }

  /** Lets happen what is due. */
  run(): void {
    for (let plan = this.#plans.peek(); plan && plan.at <= this.now; plan = this.#plans.peek()) {
      this.#plans.pop()
      plan.run()
    }
  }
}

/** A control plane with its agent, as it really is. */
export interface Agent {
  meta: TargetMeta
  base: TargetPhase
  requested: boolean
  wave?: number
  attempt?: number
  since?: number
  completedAt?: number
  revert?: boolean
  onsetAt?: number
  healthySince?: number
  isAlarmed: boolean
  isAffected: boolean
  notBefore?: number
  heldUntil: number
  offlineUntil: number
  isHere: boolean
  /** Of the operation under way; another one makes what was planned for it void. */
  operation: number
}

const FINISHED: readonly TargetPhase[] = ['Applied', 'Failed', 'Reverted']

/** The fleet and its agents, who do what the specs say, each in its own time. */
export class Fleet {
  readonly agents = new Map<string, Agent>()
  readonly #story: Story
  readonly #time: Timetable
  /** Gets every change of a target. */
  readonly #changed: (id: string) => void

  constructor(story: Story, time: Timetable, changed: (id: string) => void) {
    this.#story = story
    this.#time = time
    this.#changed = changed
  }

  join(meta: TargetMeta): Agent {
    const agent: Agent = {
      meta,
      base: 'Pending',
      requested: false,
      isAlarmed: false,
      isAffected: true,
      heldUntil: 0,
      offlineUntil: 0,
      isHere: true,
      operation: 0,
    }
    this.agents.set(meta.id, agent)
    return agent
  }

  /** What the agent and the spec say of it now. */
  seen(agent: Agent): TargetInput {
    const { meta, requested, wave, attempt, since, completedAt, revert, onsetAt, healthySince, notBefore } = agent
    const phase = this.#phase(agent)
    const reason = agent.isAlarmed ? 'EtcdQuorumLost' : agent.base === 'Failed' ? 'RolloutFailed' : undefined
    return {
      ...meta,
      phase,
      requested,
      ...(wave === undefined ? {} : { wave }),
      ...(attempt === undefined ? {} : { attempt }),
      ...(since === undefined ? {} : { since }),
      ...(completedAt === undefined ? {} : { completedAt }),
      ...(revert === undefined ? {} : { revert }),
      ...(onsetAt === undefined || phase === 'Unreachable' ? {} : { onsetAt }),
      ...(healthySince === undefined ? {} : { healthySince }),
      ...(agent.offlineUntil > this.#time.now ? { earnsNothing: true } : {}),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(reason === undefined ? {} : { reason }),
    }
  }

  #phase({ base, requested, revert, offlineUntil, heldUntil, isAffected }: Agent): TargetPhase {
    const { now } = this.#time
    // Who is away after it finished with all that was asked of it stays what it is.
    if (FINISHED.includes(base) && (requested || revert)) return base
    if (offlineUntil > now) return 'Unreachable'
    if (base !== 'Pending') return base
    if (heldUntil > now) return 'Held'
    return isAffected || requested ? 'Pending' : 'NotAffected'
  }

  /** Nobody asked it, and it did nothing. */
  isUntouched({ base, requested }: Agent): boolean {
    return base === 'Pending' && !requested
  }

  /** Its spec is written: it is asked. */
  ask(id: string, agent: Agent, wave: number, attempt: number | undefined): void {
    agent.requested = true
    if (attempt !== undefined) {
      agent.attempt = attempt
      agent.base = 'Pending'
      delete agent.since
      delete agent.completedAt
    }
    if (this.#story.recordsWave) agent.wave = wave
    delete agent.onsetAt
    const operation = ++agent.operation
    this.#time.after(this.#pick('delay', id, 3), () => this.#start(id, agent, operation))
    this.#changed(id)
  }

  /** Its spec is written: the change is taken out of it. */
  takeBack(id: string, agent: Agent): void {
    agent.requested = false
    const operation = ++agent.operation
    if (agent.base !== 'Pending') {
      this.#time.after(this.#pick('turn', id, 2), () => this.#startRevert(id, agent, operation))
    }
    this.#changed(id)
  }

  /** Runs `change` on an agent after some time, if its operation is still the same. */
  #later(ticks: number, id: string, agent: Agent, operation: number, change: () => void): void {
    this.#time.after(ticks, () => {
      if (agent.operation !== operation) return
      change()
      this.#changed(id)
    })
  }

  #start(id: string, agent: Agent, operation: number): void {
    if (agent.operation !== operation) return
    const away = Math.max(agent.heldUntil, agent.offlineUntil)
    if (away > this.#time.now) {
      if (Number.isFinite(away)) {
        this.#time.after((away - this.#time.now) / TICK, () => this.#start(id, agent, operation))
      }
      return
    }
    agent.base = 'Applying'
    agent.since = this.#time.now
    delete agent.completedAt
    delete agent.revert
    this.#changed(id)
    const { failing, hanging } = this.#story
    const fate = chance(this.#story, `fate/${agent.attempt === undefined ? '' : `${agent.attempt}/`}${id}`) * 100
    const ticks = 1 + this.#pick('duration', id, 4)
    if (fate < failing) this.#later(ticks, id, agent, operation, () => this.#end(agent, 'Failed'))
    else if (fate < failing + hanging) {
      // Half of those that hang succeed in the end, too late.
      if (fate * 2 < 2 * failing + hanging) return
      this.#later(TIMEOUT_TICKS + ticks, id, agent, operation, () => this.#end(agent, 'Applied'))
    } else {
      this.#later(Math.max(1, ticks - 1), id, agent, operation, () => (agent.base = 'Verifying'))
      this.#later(ticks, id, agent, operation, () => this.#end(agent, 'Applied'))
      if (chance(this.#story, `falls/${id}`) * 100 >= this.#story.falling) return
      this.#later(
        ticks + this.#pick('falls late', id, 8),
        id,
        agent,
        operation,
        () => (agent.onsetAt ??= this.#time.now),
      )
    }
  }

  #end(agent: Agent, phase: TargetPhase): void {
    agent.base = phase
    agent.completedAt = this.#time.now
  }

  #startRevert(id: string, agent: Agent, operation: number): void {
    if (agent.operation !== operation) return
    const away = agent.offlineUntil
    if (away > this.#time.now) {
      if (Number.isFinite(away)) {
        this.#time.after((away - this.#time.now) / TICK, () => this.#startRevert(id, agent, operation))
      }
      return
    }
    agent.base = 'Reverting'
    agent.since = this.#time.now
    agent.revert = true
    delete agent.completedAt
    this.#changed(id)
    const fate = chance(this.#story, `revert/${id}`)
    if (fate < 0.05) return
    this.#later(1 + this.#pick('revert takes', id, 3), id, agent, operation, () => {
      this.#end(agent, fate < 0.1 ? 'Failed' : 'Reverted')
      agent.isAlarmed = false
      delete agent.onsetAt
    })
  }

  #pick(name: string, id: string, count: number): number {
    return Math.floor(chance(this.#story, `${name}/${id}`) * count)
  }
}
