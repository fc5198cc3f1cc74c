import type { Rollout, RolloutOutlook } from '@locktender/fleet'
import { expectedOverlap, planRollout, separability } from '@locktender/rollout'
import type { PlannedStart, TargetInput } from '@locktender/rollout'
import { strategyInput } from './strategy-input.ts'

const MAX_MESSAGE = 1024

/** A rollout with those it concerns, as far as it matters to others. */
export interface Course {
  readonly rollout: Rollout
  readonly targets: readonly TargetInput[]
  /** What was expected of it. Without the times of its waves nothing is known of its course. */
  readonly outlook: RolloutOutlook | undefined
  /** So much later than that. */
  readonly behindMs: number
}

/** Another rollout that has to go on or end first, and why. */
export interface WaitsFor {
  readonly rollout: string
  readonly message: string
}

/**
 * Whether a rollout that could begin now has to wait, because nobody could tell its effects from those of one that is
 * under way. Rollouts that give nobody two changes never wait for each other.
 *
 * @param earlier rollouts under way
 */
export function waitsFor(later: Course, earlier: readonly Course[]): WaitsFor | undefined {
  const names = new Set(later.targets.map(({ id }) => id))
  for (const other of earlier) {
    if (!other.targets.some(({ id, phase }) => names.has(id) && phase !== 'NotAffected')) continue
    const message = cannotBeToldApart(later, other)
    if (message !== undefined) {
      return { rollout: other.rollout.metadata.name, message: message.slice(0, MAX_MESSAGE) }
    }
  }
  return undefined
}

function cannotBeToldApart(later: Course, earlier: Course): string | undefined {
  const [left, right] = [expectedStarts(earlier), expectedStarts(later)]
  const until = Math.max(endOf(earlier), endOf(later))
  if (left === undefined || right === undefined || !Number.isFinite(until)) return undefined
  const strata = new Map([...earlier.targets, ...later.targets].map(({ id, stratum }) => [id, stratum]))
  const planned = Array.from(strata, ([id, stratum]): PlannedStart => {
    const [one, other] = [left.get(id), right.get(id)]
    return { stratum, ...(one === undefined ? {} : { left: one }), ...(other === undefined ? {} : { right: other }) }
  })
  const from = Math.min(until, ...left.values(), ...right.values())
  const tables = expectedOverlap(planned, from, until)
  if (tables.every(({ both }) => both.ms === 0)) return undefined
  const found = separability(tables, { earlier: earlier.rollout.metadata.name, later: later.rollout.metadata.name })
  return found.separable ? undefined : found.reason
}

/** When each control plane begins to get the change, as it was or as the plan says; who will never get it is left out. */
function expectedStarts({ rollout, targets, outlook, behindMs }: Course): Map<string, number> | undefined {
  const { spec } = rollout
  if (outlook?.waves === undefined) return undefined
  const begins = new Map(outlook.waves.map(({ stage, wave, startTime }) => [`${stage} ${wave}`, Date.parse(startTime)]))
  const plan = planRollout(
    targets,
    strategyInput(spec.strategy, () => 1),
    spec.seed,
  )
  const starts = new Map<string, number>()
  for (const { id, phase, since, requested, reason } of targets) {
    if (requested && since !== undefined) starts.set(id, since)
    // Another change in progress is soon over.
    const isComing = phase === 'Pending' || reason === 'OtherOperation'
    if (!isComing || starts.has(id)) continue
    const place = plan.waveOf(id)
    const begin = place === undefined ? undefined : begins.get(`${place.stage} ${place.wave}`)
    if (begin !== undefined) starts.set(id, begin + behindMs)
  }
  return starts
}

function endOf({ outlook, behindMs }: Course): number {
  return outlook?.end === undefined ? Number.NaN : Date.parse(outlook.end) + behindMs
}
