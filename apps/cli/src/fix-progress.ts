import { parseDuration, type ComponentFix, type Rollout, type RolloutOutlook } from '@locktender/fleet'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { duration } from './output.ts'
import { distanceFromPlan, ON_PLAN_MINUTES } from './plan-distance.ts'

/** Cells of a progress bar. */
const BAR = 28

/** The screen of `lkt fix status`: one line for the whole, one for each stage, then what needs attention. */
export function renderFixProgress(fix: ComponentFix, rollout: Rollout | undefined, now: number): string[] {
  const phase = fix.status?.phase ?? 'Pending'
  const lines = [`${fix.metadata.name}  ${fix.spec.summary ?? fix.spec.ticket}  ${phase.toUpperCase()}`]
  if (fix.status?.message !== undefined && fix.status.message !== '') lines.push(fix.status.message)
  if (rollout === undefined) return lines
  const { plan, followUpOf } = rollout.spec
  // Once a fix was delivered, what counts is the whole fleet; the rollout is of those that came later.
  const counts = (followUpOf === undefined ? rollout.status?.counts : fix.status?.counts) ?? {}
  const all = followUpOf === undefined ? plan.targets : (fix.status?.affected ?? 0)
  const applied = counts.Applied ?? 0
  const percent = all === 0 ? 100 : Math.floor((100 * applied) / all)
  lines.push(`${bar(applied, all)} ${applied}/${all}  ${percent}%   ${clock(fix, rollout, now)}`)
  if (followUpOf !== undefined) {
    const state = (rollout.status?.phase ?? 'AwaitingApproval').toLowerCase()
    lines.push(`FOLLOW-UP  ${rollout.metadata.name}: ${plan.targets} planned that came after ${followUpOf}, ${state}`)
  }
  const width = Math.max(5, ...plan.stages.map((stage) => stage.name.length))
  lines.push(`${'STAGE'.padEnd(width)}  ${'DONE/ALL'.padStart(11)}  WAVES  STATE`)
  for (const stage of plan.stages) {
    const reported = rollout.status?.stages.find(({ name }) => name === stage.name)
    const waves = reported?.waves ?? []
    const done = waves.reduce((sum, wave) => sum + wave.applied, 0)
    const failed = waves.reduce((sum, wave) => sum + wave.failed + wave.broken, 0)
    const opened = waves.filter((wave) => wave.openedAt !== undefined).length
    lines.push(
      [
        stage.name.padEnd(width),
        `${done}/${stage.targets}`.padStart(11),
        `${opened}/${stage.waves.length}`.padEnd(5),
        `${(reported?.phase ?? 'Waiting').toLowerCase()}${failed === 0 ? '' : `, ${failed} failed`}`,
      ].join('  '),
    )
  }
  const states = Object.entries(counts).filter(([, count]) => count !== undefined && count > 0)
  if (states.length > 0) lines.push(`COUNTS     ${states.map(([state, count]) => `${state} ${count}`).join('  ')}`)
  const { outlook, verdict } = rollout.status ?? {}
  if (phase === 'AwaitingApproval' && outlook !== undefined) lines.push(expectation(outlook, now))
  if (verdict?.outcome === 'Halt') lines.push(`HALTED     ${verdict.message}`)
  for (const problem of rollout.status?.problems ?? []) {
    lines.push(`ATTENTION  ${problem.controlPlane}  ${problem.state}  ${problem.message}`)
  }
  return lines
}

function clock(fix: ComponentFix, rollout: Rollout, now: number): string {
  const { status, spec } = rollout
  const allowed = duration(parseDuration(fix.spec.deadline))
  const created = (spec.followUpOf === undefined ? fix : rollout).metadata.creationTimestamp
  const begun = created === undefined ? now : Date.parse(created)
  if (status?.completionTime !== undefined) {
    return `took ${duration(Date.parse(status.completionTime) - begun)} of ${allowed}`
  }
  const end = status?.forecast?.p50 ?? status?.eta
  const eta = end === undefined ? '' : `   ETA in ${duration(Date.parse(end) - now)}${forecast(rollout, now)}`
  const risk = status?.deadlineAtRisk === true || now > Date.parse(spec.deadline) ? '   DEADLINE AT RISK' : ''
  return `T+${duration(now - begun)} of ${allowed}${eta}${risk}`
}

/** How sure the expected end is, and how it compares with the plan. */
function forecast({ status }: Rollout, now: number): string {
  const { forecast: quantiles, minutesBehind = 0 } = status ?? {}
  const sure = quantiles === undefined ? '' : `, with 80 % in ${duration(Date.parse(quantiles.p80) - now)}`
  return Math.abs(minutesBehind) < ON_PLAN_MINUTES ? sure : `${sure}, ${distanceFromPlan(minutesBehind)}`
}

/** What approvers decide about. */
function expectation({ p50, p80, feasible, harmHours }: RolloutOutlook, now: number): string {
  const within = (time: string | undefined) => (time === undefined ? 'never' : `in ${duration(Date.parse(time) - now)}`)
  const deadline = feasible ? 'deadline kept' : 'DEADLINE CANNOT BE KEPT'
  return `EXPECTED   ends ${within(p50)}, with 80 % ${within(p80)}; ${deadline}; harm ${harmHours} control-plane hours`
}

function bar(done: number, all: number): string {
  const filled = all === 0 ? BAR : Math.floor((BAR * done) / all)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}]`
}

/** The exit code for a fix in its present phase, or undefined while it is under way. */
export function fixExitCode(fix: ComponentFix): ExitCode | undefined {
  switch (fix.status?.phase) {
    case 'Delivered':
      return (fix.status.counts.Failed ?? 0) + (fix.status.counts.Blocked ?? 0) > 0
        ? exitCodes.finishedWithFailures
        : exitCodes.done
    case 'Halted':
    case 'Reverted':
    case 'Aborted':
      return exitCodes.stopped
    case 'Refused':
      return exitCodes.refused
    default:
      return undefined
  }
}
