import { dataDigest, unpackedLines } from '@locktender/fixes'
import { fixMatcher, rolloutLogs, targetState, type Rollout, type RolloutLog } from '@locktender/fleet'
import { deepEqual, objectKey } from '@locktender/kube'
import { parseLog, replay } from '@locktender/rollout'
import type { Step, WorldState } from '@locktender/runtime/explore'
import { HUB } from './fleet.ts'
import { Fleet, isInFlight, operationOf, overrideOf } from './history.ts'

export type Check = (state: WorldState) => string | undefined

/** Settles, and judges what has become of it. */
export function expect(what: string, ...checks: readonly Check[]): Step {
  return {
    expect: what,
    that: (state) => {
      for (const check of checks) {
        const wrong = check(state)
        if (wrong !== undefined) return wrong
      }
      return undefined
    },
  }
}

export function phaseIs(name: string, phase: string): Check {
  return (state) => {
    const { status } = new Fleet(state).rollout(name) ?? {}
    return status?.phase === phase ? undefined : `${name} is ${status?.phase ?? 'not there'} instead of ${phase}`
  }
}

/** Exactly these have the fix, by name of their control plane; all others were left alone or taken back. */
export function fixed(names: readonly string[]): Check {
  return (state) => {
    const found = new Fleet(state).planes.filter((plane) => overrideOf(plane) !== undefined)
    const present = found.map(({ metadata }) => metadata.name).sort()
    const wanted = [...names].sort()
    return deepEqual(present, wanted) ? undefined : `fixed are ${present.join(', ')} instead of ${wanted.join(', ')}`
  }
}

export const nobodyOnTheWay: Check = (state) => {
  const flying = new Fleet(state).planes.filter(isInFlight)
  return flying.length === 0 ? undefined : `still on the way: ${flying.map(objectKey).join(', ')}`
}

/** What statuses of rollouts count is what counting the control planes gives. */
export const countsAreRight: Check = (state) => {
  const fleet = new Fleet(state)
  for (const rollout of fleet.rollouts) {
    const wrong = countsOf(rollout, fleet)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function countsOf({ metadata, spec, status }: Rollout, fleet: Fleet): string | undefined {
  const fix = fleet.fix(spec.fix)
  if (fix === undefined || status === undefined) return undefined
  const matcher = fixMatcher(fix)
  const counts: Record<string, number> = {}
  for (const plane of fleet.planes) {
    const { state } = targetState(plane, matcher, { now: fleet.now, rollout: metadata.name })
    const isSkipped = state === 'Pending' && spec.skip?.some(({ controlPlane }) => controlPlane === objectKey(plane))
    const operation = operationOf(plane)
    const isNotRestored = state === 'Reverting' && operation?.phase === 'Failed' && operation.image === undefined
    const counted = isSkipped === true ? 'Held' : isNotRestored ? 'Failed' : state
    if (counted !== 'NotAffected') counts[counted] = (counts[counted] ?? 0) + 1
  }
  if (deepEqual(status.counts, counts)) return undefined
  return `${metadata.name} counts ${JSON.stringify(status.counts)}, and it is ${JSON.stringify(counts)}`
}

/** The pieces of each log are a chain, and every decision in it is made again from what is in it. */
export const logsReplay: Check = (state) => {
  const fleet = new Fleet(state)
  const all = state.cluster(HUB).list<RolloutLog>(rolloutLogs)
  for (const { metadata, status } of fleet.rollouts) {
    const pieces = all
      .filter(({ spec }) => spec.rolloutUid === metadata.uid)
      .toSorted((left, right) => left.spec.sequence - right.spec.sequence)
    // What was written after the status is found by its name.
    const known = status?.log?.pieces ?? 0
    if (pieces.length < known)
      return `${metadata.name} speaks of ${known} pieces of its log, there are ${pieces.length}`
    for (const [index, { spec }] of pieces.entries()) {
      const before = pieces[index - 1]
      const digest = before === undefined ? undefined : dataDigest(before.spec.data)
      if (spec.sequence !== index + 1 || spec.previous !== digest)
        return `piece ${index + 1} does not follow in the log`
    }
    if (pieces.length === 0) continue
    // A crash takes the end of the log along, never anything before it.
    const { mismatches } = replay(parseLog([...unpackedLines(pieces)].join('')))
    if (mismatches.length > 0) return `the log of ${metadata.name} does not replay: ${JSON.stringify(mismatches[0])}`
  }
  return undefined
}
