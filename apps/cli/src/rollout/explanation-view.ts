import type { RolloutProblem, RolloutSuspect, RolloutVerdict } from '@locktender/fleet'
import { duration } from '../output.ts'
import { distanceFromPlan } from '../plan-distance.ts'
import { moment } from '../times.ts'
import { planes } from '../words.ts'
import type { Request, RolloutExplanation } from './explanation.ts'

/** The whole explanation, for people. */
export function renderExplanation(explanation: RolloutExplanation, now: number): string[] {
  const { rollout, phase, stage, wave, waves, controlPlanes, counts, verdict, suspects, problems, asked } = explanation
  const place = stage === undefined ? '' : `  stage ${stage}, wave ${wave} of ${waves}`
  const states = Object.entries(counts).flatMap(([state, count]) =>
    count === undefined || count === 0 ? [] : [`${count} ${state}`],
  )
  return [
    `rollout ${rollout}  ${phase}${place}  ${planes(controlPlanes)}: ${states.join(', ') || 'none looked at yet'}`,
    ...renderWaiting(explanation, now),
    ...asked.map(renderRequest),
    ...(verdict === undefined ? [] : renderVerdict(verdict, now)),
    ...suspects.map(renderSuspect),
    ...renderDeadline(explanation, now),
    ...problems.map(renderProblem),
    ...renderNext(explanation),
    ...explanation.retries.map(
      (id) => `NEXT      once it is mended there: lkt rollout retry ${rollout} ${id} --reason WHY`,
    ),
  ]
}

/** What it waits for, or how it ended, and who can change that. */
export function renderWaiting({ phase, waiting }: RolloutExplanation, now: number): string[] {
  const { reason, message, owner, until } = waiting
  const label = phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted' ? 'ENDED    ' : 'WAITS    '
  const when = until === undefined ? '' : `, until ${moment(Date.parse(until), now)}`
  return [`${label} ${reason}${when}${message === '' ? '' : `: ${message}`}`, `OWNER     ${owner}`]
}

export function renderNext({ waiting: { next } }: RolloutExplanation): string[] {
  return next.length === 0
    ? ['NEXT      nothing to do']
    : next.map(({ what, command }) => `NEXT      ${what}: ${command}`)
}

/** The judgement, with its bounds and what would change it. */
export function renderVerdict(verdict: RolloutVerdict, now: number): string[] {
  const { outcome, rule, message, bounds, outlook, time } = verdict
  const at = moment(Date.parse(time), now)
  const judged = outcome === 'Halt' ? `HALT by ${rule}, decided ${at}` : `go on, unchanged since ${at}`
  const lines = [`VERDICT   ${judged}: ${message}`]
  if (bounds !== undefined) lines.push(`BOUNDS    ${renderBounds(bounds)}`)
  if (outlook !== undefined) lines.push(`OUTLOOK   ${outlook}`)
  return lines
}

function renderBounds({ lower, upper }: NonNullable<RolloutVerdict['bounds']>): string {
  const atMost = `at most ${percent(upper)} of the control planes fail with it`
  return Number(lower) === 0
    ? `${atMost}, with 95 % confidence`
    : `${atMost}, and at least ${percent(lower)}, each with 95 % confidence`
}

/** Whose fault a way to be unhealthy is. */
export function renderSuspect({ signature, onsets, guilty, message }: RolloutSuspect): string {
  const who = guilty === undefined ? 'nobody stands out' : `rollout ${guilty}`
  return `SUSPECT   ${signature} on ${planes(onsets)}: ${who}. ${message}`
}

/** Nothing for a rollout that will not deliver the fix any more. */
function renderDeadline({ deadline, phase }: RolloutExplanation, now: number): string[] {
  if (phase === 'Reverted' || phase === 'Aborted' || phase === 'Reverting' || phase === 'Halted') return []
  const { time, atRisk, ended, eta, p80, minutesBehind } = deadline
  const at = Date.parse(time)
  const parts = [moment(at, now)]
  if (ended !== undefined) {
    const spare = duration(Math.abs(at - Date.parse(ended)))
    parts.push(
      `${atRisk ? `MISSED by ${spare}` : `kept with ${spare} to spare`}: it ended ${moment(Date.parse(ended), now)}`,
    )
    return [`DEADLINE  ${parts.join(', ')}`]
  }
  if (atRisk) parts.push(now > at ? 'MISSED' : 'AT RISK')
  const before = phase === 'Paused' ? 'before the pause it was to end' : 'ends'
  if (eta !== undefined) parts.push(`${before} about ${moment(Date.parse(eta), now)}`)
  if (p80 !== undefined) parts.push(`with a chance of 80 % by ${moment(Date.parse(p80), now)}`)
  if (minutesBehind !== undefined && phase !== 'AwaitingApproval') parts.push(distanceFromPlan(minutesBehind))
  return [`DEADLINE  ${parts.join(', ')}`]
}

function renderRequest({ what, by, reason, stage, wave, controlPlane }: Request): string {
  const soak = stage === undefined ? '' : ` of the soak after wave ${wave} of ${stage}`
  const where = controlPlane === undefined ? soak : ` of ${controlPlane}`
  return `ASKED     ${what}${where} by ${by ?? 'somebody'}: ${reason}`
}

/** What went back is well again, but it is what the judgement rests on. */
function renderProblem({ controlPlane, state, reason, message }: RolloutProblem): string {
  return `${state === 'Reverted' ? 'HARMED   ' : 'ATTENTION'} ${controlPlane}  ${state}  ${reason}: ${message}`
}

/** A decimal share as `4.8 %`. */
export function percent(share: string): string {
  return `${Number((Number(share) * 100).toPrecision(2))} %`
}
