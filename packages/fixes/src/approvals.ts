import type { Approval, Rollout, RolloutStatus } from '@locktender/fleet'
import { deepEqual, timestamp } from '@locktender/kube'

/** Approvals as a rollout's status has them. */
export type CountedApprovals = RolloutStatus['approvals']

/** The API limits the list to as many as a strategy can ask for. */
const MOST = 16

/**
 * The approvals that hold for a rollout: its own and, when it follows a completed one, those of that one too. Who
 * consented then consented to this fix, by this strategy, for every control plane that needs it; so they hold as long as
 * neither is another one.
 *
 * @param followed the rollout that `rollout.spec.followUpOf` names, if there is such a one
 */
export function approvalsFor(
  rollout: Rollout,
  followed: Rollout | undefined,
  approvals: Iterable<Approval>,
  requester: string | undefined,
): CountedApprovals {
  const given = [...approvals]
  const own = countApprovals(given, rollout, requester)
  if (followed === undefined || !continues(rollout, followed)) return own
  const both = [...countApprovals(given, followed, requester), ...own]
  return both.filter(({ user }, index) => both.findIndex((other) => other.user === user) === index).slice(0, MOST)
}

function continues({ spec }: Rollout, followed: Rollout): boolean {
  return (
    spec.followUpOf === followed.metadata.name &&
    followed.spec.followUpOf === undefined &&
    followed.status?.phase === 'Completed' &&
    followed.spec.fixUid === spec.fixUid &&
    deepEqual(followed.spec.strategy, spec.strategy)
  )
}

/**
 * The approvals that count for a rollout, oldest first: for this very plan, one for each person, none by the requester
 * of the fix. Admission refuses the others when they are given; this holds also where admission is not ours.
 */
export function countApprovals(
  approvals: Iterable<Approval>,
  rollout: Rollout,
  requester: string | undefined,
): CountedApprovals {
  // Without a known requester nobody can be shown to be somebody else.
  if (requester === undefined) return []
  const valid = [...approvals]
    .filter(({ spec }) => spec.rollout === rollout.metadata.name && spec.planHash === rollout.spec.plan.hash)
    .map(({ spec, metadata }) => ({
      user: spec.approver ?? '',
      time: metadata.creationTimestamp ?? timestamp(0),
      name: metadata.name,
    }))
    .filter(({ user }) => user !== '' && user !== requester)
    .sort((left, right) => compare(left.time, right.time) || compare(left.name, right.name))
  const firsts = new Map<string, string>()
  for (const { user, time } of valid) if (!firsts.has(user)) firsts.set(user, time)
  return [...firsts].slice(0, MOST).map(([user, time]) => ({ user, time }))
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
