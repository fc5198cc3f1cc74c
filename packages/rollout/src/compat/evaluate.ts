import type { KeptQuirks } from './quirks.ts'
import type { OcmGroupKey, OcmStatus } from './types.ts'

/** When soaks and deadlines end. */
export interface Timing {
  /** Milliseconds. */
  readonly now: number
  /** Undefined for none. */
  readonly soak: number | undefined
  /** Undefined for none. */
  readonly deadline: number | undefined
  readonly kept: KeptQuirks
}

/**
 * What a status amounts to: it waits to be started, holds a slot, has failed for good and is listed without a slot, has
 * timed out, or is finished and not listed.
 */
export type Standing = 'waits' | 'holds' | 'failed' | 'timedOut' | 'finished'

/** One status evaluated at one moment. */
export class Evaluator {
  readonly #timing: Timing
  /** Whether the deadline also runs for clusters that were told to start and have not. */
  readonly waitingTimesOut: boolean
  readonly #failedIsOver: boolean
  readonly #stampsSoak: boolean
  readonly #stampsDeadline: boolean

  constructor(timing: Timing) {
    const { kept, deadline } = timing
    this.#timing = timing
    this.waitingTimesOut = !kept.has('waitingNeverTimesOut') && deadline !== undefined
    this.#failedIsOver = !kept.has('failedWithoutDeadlineKeepsSlot') && deadline === undefined
    this.#stampsSoak = !kept.has('soakWithoutTimeNeverEnds')
    this.#stampsDeadline = !kept.has('deadlineWithoutTimeNeverComes')
  }

  standingOf(status: OcmStatus): Standing {
    const { now, soak, deadline } = this.#timing
    switch (status.status) {
      case 'ToApply':
        return this.waitingTimesOut && status.transitionAt !== undefined && isOver(status.transitionAt, deadline, now)
          ? 'timedOut'
          : 'waits'
      case 'Succeeded':
        return soak !== undefined && !isOver(status.transitionAt, soak, now) ? 'holds' : 'finished'
      case 'TimeOut':
      case 'Skip':
        return 'finished'
      default:
        if (isOver(status.transitionAt, deadline, now)) return 'timedOut'
        return this.#failedIsOver && status.status === 'Failed' ? 'failed' : 'holds'
    }
  }

  /** As it is listed. A cluster told to start before is listed with the time from which its deadline runs. */
  listed(status: OcmStatus, standing: Standing, group: OcmGroupKey = status.group): OcmStatus {
    const { now, soak, deadline } = this.#timing
    const { cluster, transitionAt } = status
    if (standing === 'waits') {
      const due = this.waitingTimesOut && transitionAt !== undefined ? end(transitionAt, deadline, now) : undefined
      return entry(cluster, group, status.status, transitionAt, due ?? status.recheckAt)
    }
    if (standing === 'timedOut') return entry(cluster, group, 'TimeOut', transitionAt, end(transitionAt, deadline, now))
    const soaks = status.status === 'Succeeded'
    const recheckAt = end(transitionAt, soaks ? soak : deadline, now)
    const stamped = recheckAt !== undefined && (soaks ? this.#stampsSoak : this.#stampsDeadline) ? now : undefined
    return entry(cluster, group, status.status, transitionAt ?? stamped, recheckAt)
  }

  /**
   * When to look again at a listed status that was handed in as waiting and has no time of its own: told to start now, its
   * deadline passes then.
   */
  startDueAt(status: OcmStatus): number | undefined {
    const { now, deadline } = this.#timing
    if (!this.waitingTimesOut || status.status !== 'ToApply' || status.transitionAt !== undefined) return undefined
    return end(now, deadline, now)
  }
}

/** Whether this standing counts against maxFailures. */
export function isFailure(status: OcmStatus, standing: Standing): boolean {
  return standing === 'timedOut' || status.status === 'Failed' || status.status === 'TimeOut'
}

/** Without a start it is counted from now. */
function end(start: number | undefined, duration: number | undefined, now: number): number | undefined {
  return duration === undefined ? undefined : (start ?? now) + duration
}

function isOver(start: number | undefined, duration: number | undefined, now: number): boolean {
  return duration !== undefined && now >= (start ?? now) + duration
}

function entry(
  cluster: string,
  group: OcmGroupKey,
  status: string,
  transitionAt: number | undefined,
  recheckAt: number | undefined,
): OcmStatus {
  if (transitionAt === undefined)
    return recheckAt === undefined ? { cluster, group, status } : { cluster, group, status, recheckAt }
  if (recheckAt === undefined) return { cluster, group, status, transitionAt }
  return { cluster, group, status, transitionAt, recheckAt }
}

/** The smallest time after `now`, as milliseconds from now. */
export function recheckAfter(times: Iterable<number | undefined>, now: number): number | undefined {
  let least = Infinity
  for (const time of times) if (time !== undefined && time > now && time - now < least) least = time - now
  return least === Infinity ? undefined : least
}
