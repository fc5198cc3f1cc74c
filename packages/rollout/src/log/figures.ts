import type { RolloutEngine } from '../engine.ts'
import type { Decision, RolloutPhase, RolloutSummary, Verdict } from '../types.ts'

export interface WaveTimes {
  readonly stage: string
  readonly wave: number
  readonly size: number
  readonly openedAt: number
  readonly closedAt?: number
}

/** How a run went, in numbers that can be held against those of another run. Times are milliseconds since the epoch. */
export interface RunFigures {
  readonly phase: RolloutPhase
  /** The halt, or the last state of the fleet-wide test. */
  readonly verdict?: Omit<Verdict, 'at'>
  readonly waves: readonly WaveTimes[]
  /** Targets that were asked. */
  readonly treated: number
  /** Of these, those whose operation failed or took too long, and those that became unhealthy after it. */
  readonly failed: number
  readonly broken: number
  readonly reverted: number
  /** Targets that had been asked when it was halted. */
  readonly exposedAtHalt?: number
  readonly haltedAt?: number
  /** When it was completed or reverted. */
  readonly endedAt?: number
}

/** Takes the figures of a run, through all lives of its engine. */
export class RunWatch {
  #halt: Pick<RunFigures, 'exposedAtHalt' | 'haltedAt'> = {}
  #endedAt: number | undefined

  /** To be called with what was decided, before anything is carried out. */
  observe(engine: RolloutEngine, at: number, decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.type === 'halt' && this.#halt.haltedAt === undefined) {
        this.#halt = { exposedAtHalt: engine.summary(at).requested, haltedAt: decision.verdict.at }
      }
      if (decision.type === 'complete') this.#endedAt = decision.at
    }
  }

  figures({ phase, verdict, stages, requested, reverted }: RolloutSummary): RunFigures {
    const sum = (key: 'failed' | 'broken') => stages.reduce((total, stage) => total + stage[key], 0)
    const { at: _at, ...judged } = verdict ?? { at: 0 }
    return {
      phase,
      ...('rule' in judged ? { verdict: judged } : {}),
      waves: stages.flatMap(({ name, waves }) =>
        waves.flatMap(({ number, size, openedAt, closedAt }) => {
          const closed = closedAt === undefined ? {} : { closedAt }
          return openedAt === undefined ? [] : [{ stage: name, wave: number, size, openedAt, ...closed }]
        }),
      ),
      treated: requested,
      failed: sum('failed'),
      broken: sum('broken'),
      reverted,
      ...this.#halt,
      ...(this.#endedAt === undefined ? {} : { endedAt: this.#endedAt }),
    }
  }
}
