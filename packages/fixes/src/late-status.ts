import { activeHold, heldStatus, targetState } from '@locktender/fleet'
import type { ControlPlane, FixMatcher, TargetState, TargetStatus } from '@locktender/fleet'

/** States in which nothing was done for a fix yet. */
const UNTREATED: ReadonlySet<TargetState> = new Set(['Pending', 'Held', 'Blocked', 'Unknown'])

/**
 * What a fix that was delivered has yet to do for one control plane: Pending when it can be treated now, or what keeps
 * it from that. Undefined when there is nothing to do: it has the fix, had it, or does not need it. `now` is milliseconds
 * since the epoch.
 */
export function lateStatus(controlPlane: ControlPlane, matcher: FixMatcher, now: number): TargetStatus | undefined {
  const status = targetState(controlPlane, matcher, { now })
  if (UNTREATED.has(status.state)) {
    // Another change of the component was taken back here; whether this one may come instead is for people to say.
    const last = controlPlane.status?.operations?.find(({ component }) => component === matcher.component)
    return last?.phase === 'Reverting' || last?.phase === 'Reverted' ? undefined : status
  }
  // It has the image for the release it came from.
  const moved = status.state === 'Regressed' && status.reason === 'VersionChanged' && status.image !== undefined
  if (!moved) return undefined
  const hold = activeHold(controlPlane, now)
  return { ...(hold === undefined ? { state: 'Pending' as const } : heldStatus(hold)), image: status.image! }
}
