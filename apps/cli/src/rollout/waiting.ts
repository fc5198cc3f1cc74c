import type { Rollout, RolloutPhase } from '@locktender/fleet'
import { planes } from '../words.ts'

/** Something that can be done. */
export interface Step {
  readonly what: string
  readonly command: string
}

/** What keeps a rollout from going on, whose it is, and what to do. */
export interface Waiting {
  /** One CamelCase word. */
  readonly reason: string
  readonly message: string
  /** When it ends by itself, as far as is known. */
  readonly until?: string
  /** Who can change it. */
  readonly owner: string
  /** What can be done, the most useful first. */
  readonly next: readonly Step[]
}

/** What a rollout waits for, by what was asked of it and by its status. */
export function waitingOf(rollout: Rollout): Waiting {
  const { metadata, spec, status } = rollout
  const { name } = metadata
  const progressing = status?.conditions?.find(({ type }) => type === 'Progressing')
  const message = progressing?.message ?? ''
  const itself = 'nobody: it goes on by itself'
  const clusters = (what: string, states: string): Step => ({
    what,
    command: `lkt fix clusters ${spec.fix} --state ${states} -o wide`,
  })
  const evidence = { what: 'see what the judgement rests on', command: `lkt rollout evidence ${name}` }
  const asked = requested(rollout)
  if (asked !== undefined) return asked
  switch (status?.phase) {
    case undefined:
    case 'AwaitingApproval': {
      if (status?.waitsFor !== undefined) return waitsForOther(status.waitsFor)
      const missing = Math.max(0, spec.strategy.approvals - (status?.approvals.length ?? 0))
      return {
        reason: 'AwaitingApproval',
        message:
          missing === 0
            ? 'all approvals are there; it begins shortly'
            : `${missing} more ${missing === 1 ? 'person' : 'people'} must approve the plan; its requester cannot`,
        owner: missing === 0 ? itself : 'the approvers',
        next:
          missing === 0
            ? []
            : [
                { what: 'see what it will do, and when', command: `lkt rollout plan ${name}` },
                { what: 'approve it', command: `lkt approvals approve ${name}` },
              ],
      }
    }
    case 'Paused': {
      const by = spec.pause?.by ?? 'whoever paused it'
      return {
        reason: 'Paused',
        message: `paused by ${by}: ${spec.pause?.reason ?? message}`,
        owner: by,
        next: [{ what: 'go on', command: `lkt rollout resume ${name}` }],
      }
    }
    case 'Halted':
      return {
        reason: 'Halted',
        message: `halted, and not reverted by itself: ${status.verdict?.message ?? message}`,
        owner: 'whoever answers for the fix',
        next: [
          evidence,
          { what: 'take the fix back everywhere', command: `lkt rollout revert ${name} --reason WHY` },
          { what: 'end it and leave the fix where it is', command: `lkt rollout abort ${name} --reason WHY` },
        ],
      }
    case 'Reverting':
      return {
        reason: 'Reverting',
        message,
        owner: itself,
        next: [clusters('see who is being reverted', 'Reverting,Failed'), evidence],
      }
    case 'Reverted':
      return {
        reason: 'Reverted',
        message: `the fix was taken back. ${status.verdict?.message ?? message}`.trim(),
        owner: 'whoever answers for the fix',
        next: [evidence, clusters('see whom it concerned', 'Failed,Reverted')],
      }
    case 'Aborted':
      return {
        reason: 'Aborted',
        message: spec.abort === undefined ? message : `by ${spec.abort.by ?? 'somebody'}: ${spec.abort.reason}`,
        owner: 'whoever answers for the fix',
        next: [clusters('see who has the fix', 'Applied')],
      }
    case 'Completed': {
      const left = (status.counts.Failed ?? 0) + (status.counts.Blocked ?? 0)
      return left === 0
        ? {
            reason: 'Completed',
            message: 'every control plane that it can treat has the fix',
            owner: 'nobody',
            next: [],
          }
        : {
            reason: 'Completed',
            message: `${planes(left)} failed or ${left === 1 ? 'is' : 'are'} blocked`,
            owner: 'whoever answers for the fix',
            next: [clusters('see them', 'Failed,Blocked')],
          }
    }
    case 'Progressing':
      return status.waitsFor === undefined
        ? {
            ...gate(progressing?.reason ?? 'Nothing', message, name, clusters),
            ...(status.waitsUntil === undefined ? {} : { until: status.waitsUntil }),
          }
        : waitsForOther(status.waitsFor)
  }
}

/** It is being taken back, or has been, or there was nothing to take back. */
function isUndone(phase: RolloutPhase): boolean {
  return phase === 'Reverting' || phase === 'Reverted' || phase === 'Aborted' || phase === 'AwaitingApproval'
}

/** What somebody asked for and the manager has not yet carried out. */
function requested({ spec, status }: Rollout): Waiting | undefined {
  const phase = status?.phase ?? 'AwaitingApproval'
  const pending =
    spec.revert !== undefined && !isUndone(phase)
      ? { reason: 'RevertRequested', what: 'revert', by: spec.revert }
      : spec.abort !== undefined && phase !== 'Aborted' && status?.completionTime === undefined && phase !== 'Reverting'
        ? { reason: 'AbortRequested', what: 'abort', by: spec.abort }
        : undefined
  if (pending === undefined) return undefined
  const { reason, what, by } = pending
  return {
    reason,
    message: `the ${what} that ${by.by ?? 'somebody'} asked for is not carried out yet: ${by.reason}`,
    owner: 'the manager; if this stays so for a minute, it is not running',
    next: [{ what: 'see who leads', command: 'kubectl get leases -A' }],
  }
}

function waitsForOther({ rollout, message }: { readonly rollout: string; readonly message: string }): Waiting {
  return {
    reason: 'WaitsForRollout',
    message: `rollout ${rollout} must go on or end first: ${message}`,
    owner: `whoever answers for ${rollout}`,
    next: [{ what: 'see why that one does not go on', command: `lkt rollout explain ${rollout}` }],
  }
}

function gate(
  reason: string,
  message: string,
  name: string,
  clusters: (what: string, states: string) => Step,
): Waiting {
  const itself = 'nobody: it goes on by itself'
  switch (reason) {
    case 'Soak':
      return {
        reason,
        message,
        owner: itself,
        next: [{ what: 'wait, or end this soak early', command: `lkt rollout expedite ${name} --reason WHY` }],
      }
    case 'Operations':
      return {
        reason,
        message,
        owner: itself,
        next: [clusters('wait; see who is changing', 'Scheduled,Applying,Verifying')],
      }
    case 'Onsets':
      return {
        reason,
        message,
        owner: 'whoever answers for the control planes that are unhealthy',
        next: [{ what: 'see what the judgement rests on', command: `lkt rollout evidence ${name}` }],
      }
    case 'Slots':
      return {
        reason,
        message,
        owner: 'whoever sets the limits of the management clusters',
        next: [{ what: 'see how many may change at once', command: 'kubectl get managementclusters' }],
      }
    case 'Window':
      return {
        reason,
        message,
        owner: 'the owners of the freezes',
        next: [{ what: 'see until when, and whom to ask', command: 'lkt freeze list -o wide' }],
      }
    default:
      return {
        reason,
        message,
        owner: itself,
        next: [clusters('wait; see who is to come', 'Pending,Scheduled,Applying,Verifying')],
      }
  }
}
