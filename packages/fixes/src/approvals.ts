import type { Approval, Rollout, RolloutStatus } from '@locktender/fleet'
import { timestamp } from './timestamps.ts'

/** Approvals as a rollout's status has them. */
export type CountedApprovals = RolloutStatus['approvals']

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
  // The API limits the list to as many as a strategy can ask for.
  return [...firsts].slice(0, 16).map(([user, time]) => ({ user, time }))
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
