import type { Forecast } from '../eta-forecast.ts'
import type { Assessment } from './assess.ts'
import type { Place } from './assign-waves.ts'

/** What changes in one wave. */
export interface WaveChange {
  readonly stage: string
  readonly wave: number
  /** Sizes; 0 when the wave is not there. */
  readonly before: number
  readonly after: number
  /** Ids of targets that come into it, and that go from it, in order. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface WhatIf {
  /** Waves in which something changes, in their order; waves that are no more come last in their stage. */
  readonly waves: readonly WaveChange[]
  /** In a wave now, in none before; and the reverse. */
  readonly joined: number
  readonly left: number
  /** In another wave than before. */
  readonly moved: number
  /** How much later (negative: earlier) each quantile of the end is, milliseconds. */
  readonly eta: Forecast
  /** How many control-plane hours of harm more, and of which kind. */
  readonly harm: { readonly total: number; readonly waiting: number; readonly defect: number }
  /** How many more receive a bad change before it is stopped, and how many of these it harms. */
  readonly exposed: number
  readonly hurt: number
  readonly feasible: { readonly before: boolean; readonly after: boolean }
}

/** Compares two assessments: over a changed strategy, fleet or fix. The cost is that of one pass over both fleets. */
export function whatIf(before: Assessment, after: Assessment): WhatIf {
  const changes = new Map<string, WaveChange & { added: string[]; removed: string[] }>()
  const sizeIn = (assessment: Assessment, stage: string, wave: number) =>
    assessment.waves.find((each) => each.stage === stage && each.wave === wave)?.size ?? 0
  for (const { stage, wave } of inOrder(before, after)) {
    changes.set(`${stage}/${wave}`, {
      stage,
      wave,
      before: sizeIn(before, stage, wave),
      after: sizeIn(after, stage, wave),
      added: [],
      removed: [],
    })
  }
  const keys = (assessment: Assessment) => {
    const starts: number[] = []
    let waves = 0
    for (const sizes of assessment.assignment.sizes) {
      starts.push(waves)
      waves += sizes.length
    }
    return (place: Place) => {
      const { stage, wave } = assessment.waves[(starts[place.stage] ?? 0) + place.wave - 1] ?? { stage: '', wave: 0 }
      return `${stage}/${wave}`
    }
  }
  const keyBefore = keys(before)
  const keyAfter = keys(after)
  const known = new Map<string, string>()
  for (const [index, place] of before.assignment.places.entries()) {
    if (place) known.set(before.targets[index]?.id ?? '', keyBefore(place))
  }
  let joined = 0
  let moved = 0
  for (const [index, place] of after.assignment.places.entries()) {
    if (!place) continue
    const id = after.targets[index]?.id ?? ''
    const is = keyAfter(place)
    const was = known.get(id)
    known.delete(id)
    if (was === is) continue
    if (was === undefined) joined++
    else {
      moved++
      changes.get(was)?.removed.push(id)
    }
    changes.get(is)?.added.push(id)
  }
  for (const [id, was] of known) changes.get(was)?.removed.push(id)
  const waves = Array.from(changes.values()).filter(({ added, removed }) => added.length + removed.length > 0)
  for (const { added, removed } of waves) {
    added.sort()
    removed.sort()
  }
  const later = (quantile: keyof Forecast) => difference(before.eta[quantile], after.eta[quantile])
  return {
    waves,
    joined,
    left: known.size,
    moved,
    eta: { p50: later('p50'), p80: later('p80'), p95: later('p95') },
    harm: {
      total: after.harm.total - before.harm.total,
      waiting: after.harm.waiting - before.harm.waiting,
      defect: after.harm.defect - before.harm.defect,
    },
    exposed: after.harm.exposed - before.harm.exposed,
    hurt: after.harm.hurt - before.harm.hurt,
    feasible: { before: before.feasibility.feasible, after: after.feasibility.feasible },
  }
}

/** Two that never end differ by nothing. */
function difference(before: number, after: number): number {
  return before === after ? 0 : after - before
}

/** The waves of both: stages in the order of `after`, then those that are no more. */
function inOrder(before: Assessment, after: Assessment): { readonly stage: string; readonly wave: number }[] {
  const stages = new Set([...after.waves, ...before.waves].map(({ stage }) => stage))
  return Array.from(stages).flatMap((stage) => {
    const most = (assessment: Assessment) => assessment.waves.filter((each) => each.stage === stage).length
    return Array.from({ length: Math.max(most(before), most(after)) }, (_, index) => ({ stage, wave: index + 1 }))
  })
}
