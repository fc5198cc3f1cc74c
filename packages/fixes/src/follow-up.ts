import { fixMatcher, imageForControlPlane, MAX_SINGLED_OUT } from '@locktender/fleet'
import type { ComponentFix, ComponentFixPhase, ControlPlane, Rollout, SingledOut } from '@locktender/fleet'

/** A follow-up that could treat nobody is repeated after so long, in milliseconds: what stood in the way may be gone. */
const RETRY_MS = 6 * 3_600_000

const SUFFIX = '-follow-up-'

/** A fix in one of these phases looks after the control planes that it concerns itself. */
const IN_CHARGE: ReadonlySet<ComponentFixPhase | undefined> = new Set(['Delivering', 'Delivered', 'Halted'])

/** The rollouts of a fix: the first one, then those that follow it, oldest first. */
export function inOrder(rollouts: readonly Rollout[]): Rollout[] {
  return rollouts.toSorted((left, right) => numberOf(left) - numberOf(right))
}

/** Name of the next rollout that follows the first of `rollouts`, which are in order. */
export function nextFollowUpName(rollouts: readonly Rollout[]): string {
  const first = rollouts[0]?.metadata.name ?? ''
  const last = rollouts.at(-1)
  return `${first.slice(0, 230)}${SUFFIX}${(last === undefined ? 0 : numberOf(last)) + 1}`
}

/**
 * Control planes that people left out of the rollouts of a fix, to be left out of the next one, too: a reason names who
 * said so, as the author of the next rollout is the manager.
 */
export function leftOutOf(rollouts: readonly Rollout[]): SingledOut[] {
  const found = new Map<string, SingledOut>()
  for (const { metadata, spec } of rollouts) {
    for (const { controlPlane, reason, by = 'somebody' } of spec.skip ?? []) {
      if (found.has(controlPlane)) continue
      found.set(controlPlane, { controlPlane, reason: `${by} in rollout ${metadata.name}: ${reason}`.slice(0, 1024) })
    }
  }
  return [...found.values()].slice(0, MAX_SINGLED_OUT)
}

/** When the next rollout may follow `latest`, which is complete; milliseconds since the epoch, 0 for at once. */
export function nextFollowUpAt(latest: Rollout): number {
  const { completionTime, stages = [] } = latest.status ?? {}
  if (latest.spec.followUpOf === undefined || completionTime === undefined) return 0
  const treated = stages.flatMap(({ waves }) => waves).some((wave) => wave.applied + wave.failed + wave.broken > 0)
  return treated ? 0 : Date.parse(completionTime) + RETRY_MS
}

/** Those of `controlPlanes` that are not the concern of another fix that supersedes `fix`. */
export function notSuperseded(
  fix: ComponentFix,
  controlPlanes: readonly ControlPlane[],
  fixes: Iterable<ComponentFix>,
): ControlPlane[] {
  if (controlPlanes.length === 0) return []
  const matchers = [...fixes]
    .filter(({ spec, status }) => spec.supersedes?.includes(fix.metadata.name) === true && IN_CHARGE.has(status?.phase))
    .filter(({ spec }) => spec.component === fix.spec.component)
    .map((other) => fixMatcher(other))
  return controlPlanes.filter((each) => matchers.every((matcher) => imageForControlPlane(matcher, each) === undefined))
}

function numberOf({ metadata, spec }: Rollout): number {
  if (spec.followUpOf === undefined) return 0
  return Number(metadata.name.slice(metadata.name.lastIndexOf(SUFFIX) + SUFFIX.length)) || 0
}
