import type { EarnedTime, Reach } from './earned.ts'
import { lastWave, type StageState } from './stage-state.ts'
import type { GateSummary, SoakCredit } from './types.ts'

/** What a gate looks at. */
export interface Gated {
  readonly stages: readonly StageState[]
  /** Present when a stage asks for hours. */
  readonly earned: EarnedTime | undefined
}

const HOUR = 3_600_000

/** Undefined when nothing keeps the stage from its next step at `now`, else what does. */
export function stageGate(fleet: Gated, stage: StageState, now: number): GateSummary | undefined {
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
  const until = soakEnd(fleet, stage)
  if (until === undefined || until <= now) return undefined
  return { waitingFor: 'Soak', until, message: soakMessage(fleet, stage, now, until) }
}

/** When the soak after the last completion ends; undefined when nothing was treated, as there is nothing to watch. */
export function soakEnd(fleet: Gated, stage: StageState): number | undefined {
  const { lastCompletionAt } = stage
  if (lastCompletionAt === undefined || isExpedited(stage, lastCompletionAt)) return undefined
  const { soakMs, finalSoakMs, earned } = stage.strategy
  const shortest = lastCompletionAt + (waitingIn(stage) > 0 ? soakMs : finalSoakMs)
  const reach = reachOf(fleet, stage)
  if (!earned || !reach) return shortest
  return Math.max(shortest, Math.min(lastCompletionAt + earned.atMostMs, reach.at))
}

/** Who is the last to earn what the stage asks for, and until when; looked for again only when something changed. */
function reachOf({ stages, earned }: Gated, stage: StageState): Reach | undefined {
  const asked = stage.strategy.earned
  if (!asked || !earned) return undefined
  if (stage.reach?.version !== earned.version) {
    stage.reach = { version: earned.version, last: earned.reach(asked, strataAhead(stages, stage)) }
  }
  return stage.reach.last
}

/**
 * Strata of those who wait in the stage of the next wave: all of them, as who of them comes into the wave is known only
 * when it opens.
 */
function strataAhead(stages: readonly StageState[], stage: StageState): Iterable<string> {
  const next =
    waitingIn(stage) > 0 ? stage : stages.find((each) => each.index > stage.index && each.waitingPerStratum.size > 0)
  return next?.waitingPerStratum.keys() ?? []
}

/** What the strata have earned that the stage waits for, who lacks most first. */
export function creditOf({ stages, earned }: Gated, stage: StageState, now: number): SoakCredit[] | undefined {
  const asked = stage.strategy.earned
  if (!asked || !earned) return undefined
  const credit = Array.from(strataAhead(stages, stage), (stratum): SoakCredit => {
    const { treated, healthy, ms } = earned.by(now, stratum)
    const earnedMs = Math.max(0, treated > 0 ? ms : earned.by(now).ms)
    return { stratum, treated, healthy, earnedMs, askedMs: asked.healthyMs }
  })
  return credit.sort((left, right) => left.earnedMs - right.earnedMs || (left.stratum < right.stratum ? -1 : 1))
}

function soakMessage(fleet: Gated, stage: StageState, now: number, until: number): string {
  const { name, earned } = stage.strategy
  const reach = reachOf(fleet, stage)
  if (!earned || !fleet.earned || !reach || reach.at <= now) return `Stage ${name} soaks.`
  const { ms } = fleet.earned.by(now, reach.isByAll ? undefined : reach.stratum)
  const whose = reach.isByAll ? `all strata together (none of ${reach.stratum} is treated)` : `stratum ${reach.stratum}`
  const hours = `earned ${hoursOf(ms)} of ${hoursOf(earned.healthyMs)} healthy control-plane hours in ${whose}`
  return `Stage ${name} soaks: ${hours}, until ${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC.`
}

/** One decimal, rounded down: nothing is earned before it is. */
function hoursOf(milliseconds: number): string {
  return String(Math.floor(Math.max(0, milliseconds) / (HOUR / 10)) / 10)
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
