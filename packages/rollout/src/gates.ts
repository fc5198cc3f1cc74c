import type { StageState } from './stage-state.ts'
import type { GateSummary } from './types.ts'

/** Undefined when nothing keeps the stage from its next step at `now`, else what does. */
export function stageGate(stage: StageState, now: number): GateSummary | undefined {
  const name = stage.strategy.name
  if (stage.busy > 0) {
    return {
      waitingFor: 'Operations',
      message:
        stage.busy === 1
          ? `1 operation of stage ${name} is under way.`
          : `${stage.busy} operations of stage ${name} are under way.`,
    }
  }
  if (stage.idle > 0) {
    return { waitingFor: 'Slots', message: `Stage ${name}: ${stage.idle} wait for a free slot.` }
  }
  if (stage.undecided > 0) {
    return { waitingFor: 'Onsets', message: `Stage ${name}: ${stage.undecided} became unhealthy just now.` }
  }
  const until = soakEnd(stage)
  if (until === undefined || until <= now) return undefined
  return { waitingFor: 'Soak', until, message: `Stage ${name} soaks.` }
}

/** When the soak after the last completion ends; undefined when nothing was treated, as there is nothing to watch. */
export function soakEnd(stage: StageState): number | undefined {
  if (stage.lastCompletionAt === undefined) return undefined
  const { soakMs, finalSoakMs } = stage.strategy
  return stage.lastCompletionAt + (stage.pool.size > 0 ? soakMs : finalSoakMs)
}
