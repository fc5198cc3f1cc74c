import { type Condition, timestamp } from '@locktender/kube'
import type { ControllerResult } from '../once/output-directory.ts'

/** How a run as a whole ended, beside its controllers. */
export interface RunVerdict {
  readonly reason: 'AsExpected' | 'RunFailed' | 'Undeclared' | 'WritesRefused'
  readonly message: string
}

/** The condition of runs; those of controllers are called after them. */
const RUN = 'OperatorRun'
/** As the API limits it. */
const MESSAGE_LENGTH = 32_768

/**
 * What to tell of a run on the operator's own object, by the convention of OpenShift's operators: for each controller a
 * condition `<name>Degraded`. Of those that did not run, what was said before stays.
 */
export function degradedConditions(
  results: readonly ControllerResult[],
  verdict: RunVerdict,
  before: readonly Partial<Condition>[],
  now: number,
): Condition[] {
  const conditions: Condition[] = []
  const say = (name: string, reason: string, message: string) => {
    const type = typeOf(name)
    const status = reason === 'AsExpected' ? 'False' : 'True'
    const known = before.find((condition) => condition.type === type)
    const lastTransitionTime = known?.status === status ? (known.lastTransitionTime ?? timestamp(now)) : timestamp(now)
    conditions.push({ type, status, reason, message: message.slice(0, MESSAGE_LENGTH), lastTransitionTime })
  }
  say(RUN, verdict.reason, verdict.message)
  for (const { controllerName, status, errors = [] } of results) {
    const known = before.find((condition) => condition.type === typeOf(controllerName))
    const message = errors.map((error) => error.message).join('\n')
    if (status === 'Succeeded') say(controllerName, 'AsExpected', '')
    else if (status !== 'Skipped') say(controllerName, status === 'Panicked' ? 'Panicked' : 'SyncError', message)
    else if (isCondition(known)) conditions.push(known)
  }
  return conditions
}

/** Controllers may be called as they like, types of conditions not. */
function typeOf(name: string): string {
  return `${name.replaceAll(/[^-A-Za-z0-9_.]/g, '_')}Degraded`
}

/** Whether both say the same, in whatever order. */
export function saysTheSame(wanted: readonly Condition[], present: readonly Partial<Condition>[]): boolean {
  return wanted.every(({ type, status, reason, message }) =>
    present.some(
      (other) => other.type === type && other.status === status && other.reason === reason && other.message === message,
    ),
  )
}

function isCondition(condition: Partial<Condition> | undefined): condition is Condition {
  const { type, status, reason, message, lastTransitionTime } = condition ?? {}
  return [type, status, reason, message, lastTransitionTime].every((member) => member !== undefined)
}
