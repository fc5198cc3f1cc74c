import { RolloutEngine, type EngineOptions } from './engine.ts'
import type { Decision, StrategyInput, TargetInput } from './types.ts'

export const MINUTE = 60_000

export function target(id: string, change: Partial<TargetInput> = {}): TargetInput {
  return {
    id,
    stage: 'first',
    stratum: 's',
    shard: 'mc',
    customer: id,
    phase: 'Pending',
    requested: false,
    ...change,
  }
}

function strategy(change: Partial<StrategyInput> = {}): StrategyInput {
  return {
    stages: [
      { name: 'first', canary: 2, factor: 2, soakMs: 30 * MINUTE, finalSoakMs: 60 * MINUTE },
      { name: 'second', canary: 2, factor: 2, soakMs: 30 * MINUTE, finalSoakMs: 60 * MINUTE },
    ],
    maxPerShard: () => 10,
    budget: { percent: 0, minimum: 100 },
    sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
    operationTimeoutMs: 45 * MINUTE,
    autoRevert: true,
    ...change,
  }
}

/** An engine whose caller persists at once; targets change only when the test says so. */
export class Bench {
  readonly engine: RolloutEngine
  readonly targets = new Map<string, TargetInput>()
  now = 0

  constructor(targets: readonly TargetInput[], change: Partial<StrategyInput> = {}, more: Partial<EngineOptions> = {}) {
    for (const each of targets) this.targets.set(each.id, each)
    this.engine = RolloutEngine.create({
      strategy: strategy(change),
      seed: 1,
      targets,
      startedAt: 0,
      deadline: 24 * 60 * MINUTE,
      ...more,
    })
  }

  see(id: string, change: Partial<TargetInput>): void {
    const next = { ...(this.targets.get(id) ?? target(id)), ...change }
    this.targets.set(id, next)
    this.engine.apply({ type: 'upsert', target: next })
  }

  /** Decides at `minute`, carries decisions out until there are no more, and gives them in short. */
  at(minute: number): string[] {
    this.now = minute * MINUTE
    const words: string[] = []
    for (;;) {
      const decisions = this.engine.decide(this.now)
      if (decisions.length === 0) return words
      for (const decision of decisions) words.push(this.#carryOut(decision))
    }
  }

  applied(id: string, minute: number, since = minute - 10): void {
    this.see(id, { phase: 'Applied', since: since * MINUTE, completedAt: minute * MINUTE })
  }

  failed(id: string, minute: number, reason = 'RolloutFailed'): void {
    this.see(id, { phase: 'Failed', since: (minute - 10) * MINUTE, completedAt: minute * MINUTE, reason })
  }

  get summary() {
    return this.engine.summary(this.now)
  }

  get dueMinute() {
    const due = this.engine.nextDue(this.now)
    return due === undefined ? undefined : due / MINUTE
  }

  #carryOut(decision: Decision): string {
    this.engine.acknowledge(decision)
    switch (decision.type) {
      case 'open-wave':
        return `open ${decision.stage}/${decision.wave} ${decision.size}`
      case 'close-wave':
        return `close ${decision.stage}/${decision.wave}`
      case 'apply': {
        const { id, attempt } = decision
        if (attempt === undefined) {
          this.see(id, { requested: true })
          return `apply ${id}`
        }
        const { since: _1, completedAt: _2, reason: _3, ...before } = this.targets.get(id) ?? target(id)
        this.targets.set(id, before)
        this.see(id, { attempt, phase: 'Pending' })
        return `apply ${id} again (${attempt})`
      }
      case 'revert':
        this.see(decision.id, { requested: false })
        return `revert ${decision.id}`
      case 'halt':
        return `halt ${decision.verdict.rule}`
      case 'complete':
        return decision.outcome
    }
  }
}

export const ids = (count: number, prefix = 't') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
