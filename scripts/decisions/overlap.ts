import { attribute, ExposureLedger, planRollout, type ExposureEvent, type TargetInput } from '@locktender/rollout'
import { chance, evidenceStrategy, MINUTE } from './world.ts'

const HOUR = 60 * MINUTE
/** A wave takes its operations and its soak. */
const WAVE = 50 * MINUTE
/** Control planes become unhealthy for reasons of their own once in so long … */
const BACKGROUND = 5000 * HOUR
/** … and are well again after this. */
const RECOVERY = 2 * HOUR
const ONSETS = 5

/** What was said about two overlapping fixes, one of them bad, by the fifth onset on a control plane that has either. */
export interface Naming {
  readonly named: 'right' | 'wrong' | 'nobody'
  readonly onsets: number
}

/** When each control plane gets a fix, by the plan of a rollout with this seed. */
function startsOf(fleet: readonly TargetInput[], seed: number, begin: number): Map<string, number> {
  const plan = planRollout(fleet, evidenceStrategy, seed)
  const offsets = new Map<string, number>()
  let waves = 0
  for (const stage of plan.stages) {
    offsets.set(stage.name, waves)
    waves += stage.waves.length
  }
  const starts = new Map<string, number>()
  for (const [index, { id }] of fleet.entries()) {
    const place = plan.waveOf(id)
    if (!place) continue
    const wave = (offsets.get(place.stage) ?? 0) + place.wave - 1
    starts.set(id, begin + wave * WAVE + Math.floor(chance(seed, 21, index) * 10) * MINUTE)
  }
  return starts
}

function exponential(random: number, mean: number): number {
  return Math.round(-Math.log(1 - random) * mean)
}

/** The second fix starts up to six hours after the first; the bad one makes `share` ill, half an hour after on average. */
export function nameTheBadOne(fleet: readonly TargetInput[], share: number, seed: number): Naming {
  const second = Math.floor(chance(seed, 22, 0) * 6 * 60) * MINUTE
  const starts = { first: startsOf(fleet, seed * 2, 0), second: startsOf(fleet, seed * 2 + 1, second) }
  const bad = chance(seed, 23, 0) < 0.5 ? 'first' : 'second'
  const events: ExposureEvent[] = []
  for (const [index, { id: target, stage, stratum }] of fleet.entries()) {
    events.push({ type: 'enter', target, stage, stratum, at: 0 })
    for (const [change, at] of [
      ['first', starts.first.get(target)],
      ['second', starts.second.get(target)],
    ] as const) {
      if (at !== undefined) events.push({ type: 'start', target, change, at })
    }
    const onsets: number[] = []
    const got = starts[bad].get(target)
    if (got !== undefined && chance(seed, 24, index) < share) {
      onsets.push(got + MINUTE + exponential(chance(seed, 25, index), 30 * MINUTE))
    }
    onsets.push(MINUTE + exponential(chance(seed, 26, index), BACKGROUND))
    for (const at of onsets) {
      events.push({ type: 'onset', target, signature: 'Degraded', at })
      events.push({ type: 'recovery', target, at: at + RECOVERY })
    }
  }
  events.sort((one, other) => one.at - other.at)
  const ledger = new ExposureLedger(0)
  let onsets = 0
  for (const event of events) {
    ledger.apply(event)
    if (event.type !== 'onset') continue
    const isExposed = [starts.first, starts.second].some((times) => (times.get(event.target) ?? Infinity) <= event.at)
    if (!isExposed) continue
    onsets++
    const { guilty } = attribute(ledger, ['first', 'second'], 'Degraded', event.at)
    if (guilty !== undefined) return { named: guilty === bad ? 'right' : 'wrong', onsets }
    if (onsets === ONSETS) break
  }
  return { named: 'nobody', onsets }
}
