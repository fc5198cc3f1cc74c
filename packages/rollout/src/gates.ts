import { lastWave, type StageState } from './stage-state.ts'
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
  const { lastCompletionAt } = stage
  if (lastCompletionAt === undefined || isExpedited(stage, lastCompletionAt)) return undefined
  const { soakMs, finalSoakMs } = stage.strategy
  return lastCompletionAt + (waitingIn(stage) > 0 ? soakMs : finalSoakMs)
}

/** Who came into the last wave after it was closed soaks as everybody else. */
function isExpedited(stage: StageState, lastCompletionAt: number): boolean {
  const wave = lastWave(stage)
  return wave?.expedited === true && (wave.closedAt === undefined || lastCompletionAt <= wave.closedAt)
}

/** Targets of the stage that are yet to come into a wave. */
export function waitingIn(stage: StageState): number {
  return stage.pool.size + stage.closed
}

/** Undefined unless all that is left to treat in these stages is closed. */
export function windowGate(stages: readonly StageState[]): GateSummary | undefined {
  const closed = stages.reduce((sum, stage) => sum + stage.closed, 0)
  if (closed === 0) return undefined
  const opens = stages.flatMap(({ windows }) => windows.next() ?? [])
  return {
    waitingFor: 'Window',
    ...(opens.length === 0 ? {} : { until: Math.min(...opens) }),
    message: closed === 1 ? '1 target waits for its window.' : `${closed} targets wait for their windows.`,
  }
}
