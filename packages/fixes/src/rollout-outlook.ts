import { timestamp } from '@locktender/kube'
import type { RolloutForecast, RolloutOutlook } from '@locktender/fleet'
import { MAX_OUTLOOK_WAVES } from '@locktender/fleet'
import { burnAt } from '@locktender/rollout'
import type { Assessment, Forecast, PlannedWave, RolloutSummary } from '@locktender/rollout'

const MAX_MESSAGE = 1024
const MAX_BLOCKERS = 8

/** What is expected of a plan, as it is stored. `startAt` in milliseconds since the epoch. */
export function outlookOf({ waves, harm, feasibility, eta }: Assessment, startAt: number): RolloutOutlook {
  const { earliestEnd, feasible, blockers } = feasibility
  // Waves that wait for a window that never opens have no times.
  const timed = waves.filter(({ startsAt, endsAt }) => Number.isFinite(startsAt) && Number.isFinite(endsAt))
  const complete = timed.length === waves.length && waves.length <= MAX_OUTLOOK_WAVES
  return {
    startTime: timestamp(startAt),
    ...(earliestEnd === undefined ? {} : { end: timestamp(earliestEnd) }),
    feasible,
    blockers: blockers
      .slice(0, MAX_BLOCKERS)
      .map(({ kind, message }) => ({ kind, message: message.slice(0, MAX_MESSAGE) })),
    harmHours: harm.total.toFixed(1),
    ...quantiles(eta),
    ...(complete
      ? {
          waves: timed.map(({ stage, wave, size, startsAt, endsAt }) => ({
            stage,
            wave,
            size,
            startTime: timestamp(startsAt),
            endTime: timestamp(endsAt),
          })),
        }
      : {}),
  }
}

/** The quantiles of a forecast as they are stored; the same quantiles keep the time at which they were first given. */
export function forecastOf(
  forecast: Forecast | undefined,
  previous: RolloutForecast | undefined,
  now: number,
): RolloutForecast | undefined {
  const { p50, p80, p95 } = forecast === undefined ? {} : quantiles(forecast)
  if (p50 === undefined || p80 === undefined || p95 === undefined) return undefined
  const unchanged = previous?.p50 === p50 && previous.p80 === p80 && previous.p95 === p95
  return unchanged ? previous : { time: timestamp(now), p50, p80, p95 }
}

/** Whole minutes that a rollout is behind its outlook, as long as that says something: until it is taken back or given up. */
export function minutesBehind(
  outlook: RolloutOutlook | undefined,
  { phase, finished }: Pick<RolloutSummary, 'phase' | 'finished'>,
  now: number,
): number | undefined {
  if (outlook?.waves === undefined) return undefined
  // Who left or is held will not come any more.
  if (phase === 'Completed') {
    return outlook.end === undefined ? undefined : Math.round((now - Date.parse(outlook.end)) / 60_000)
  }
  if (phase !== 'Progressing' && phase !== 'Paused') return undefined
  return Math.round(burnAt(plannedWaves(outlook), finished, now).minutesBehind)
}

/** A soak lasts until the next wave should start: the plan counts it in whole operations. */
function plannedWaves({ waves = [], end }: RolloutOutlook): PlannedWave[] {
  return waves.map(({ size, startTime, endTime }, index) => {
    const endsAt = Date.parse(endTime)
    const next = waves[index + 1]?.startTime ?? end ?? endTime
    return { size, startsAt: Date.parse(startTime), endsAt, soakMs: Date.parse(next) - endsAt }
  })
}

/** Quantiles that are times; none where an operation can never run. */
function quantiles(forecast: Forecast): { readonly p50?: string; readonly p80?: string; readonly p95?: string } {
  const { p50, p80, p95 } = forecast
  return {
    ...(Number.isFinite(p50) ? { p50: timestamp(p50) } : {}),
    ...(Number.isFinite(p80) ? { p80: timestamp(p80) } : {}),
    ...(Number.isFinite(p95) ? { p95: timestamp(p95) } : {}),
  }
}
