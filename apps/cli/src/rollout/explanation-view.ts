import type { RolloutSuspect, RolloutVerdict } from '@locktender/fleet'
import { duration } from '../output.ts'
import { fromNow, moment } from '../times.ts'
import { planes } from '../words.ts'
import type { RolloutExplanation } from './explanation.ts'

/** The whole explanation, for people. */
export function renderExplanation(explanation: RolloutExplanation, now: number): string[] {
  const { rollout, phase, stage, wave, waves, controlPlanes, counts, verdict, suspects, problems } = explanation
  const place = stage === undefined ? '' : `  stage ${stage}, wave ${wave} of ${waves}`
  const states = Object.entries(counts).flatMap(([state, count]) =>
    count === undefined || count === 0 ? [] : [`${count} ${state}`],
  )
  return [
    `rollout ${rollout}  ${phase}${place}  ${planes(controlPlanes)}: ${states.join(', ') || 'none looked at yet'}`,
    ...renderWaiting(explanation),
    ...(verdict === undefined ? [] : renderVerdict(verdict, now)),
    ...suspects.map(renderSuspect),
    renderDeadline(explanation, now),
    ...problems.map(
      ({ controlPlane, state, reason, message }) => `ATTENTION ${controlPlane}  ${state}  ${reason}: ${message}`,
    ),
    ...renderNext(explanation),
  ]
}

/** What it waits for, or how it ended, and who can change that. */
export function renderWaiting({ phase, waiting: { reason, message, owner } }: RolloutExplanation): string[] {
  const label = phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted' ? 'ENDED    ' : 'WAITS    '
  return [`${label} ${reason}${message === '' ? '' : `: ${message}`}`, `OWNER     ${owner}`]
}

export function renderNext({ waiting: { next } }: RolloutExplanation): string[] {
  return next.length === 0
    ? ['NEXT      nothing to do']
    : next.map(({ what, command }) => `NEXT      ${what}: ${command}`)
}

/** The judgement, with its bounds and what would change it. */
export function renderVerdict(verdict: RolloutVerdict, now: number): string[] {
  const { outcome, rule, message, bounds, outlook, time } = verdict
  const judged = outcome === 'Halt' ? `HALT by ${rule}` : 'go on'
  const lines = [`VERDICT   ${judged}, as of ${moment(Date.parse(time), now)}: ${message}`]
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

function renderDeadline({ deadline, phase }: RolloutExplanation, now: number): string {
  const { time, atRisk, eta, p80, minutesBehind } = deadline
  const at = Date.parse(time)
  const parts = [moment(at, now)]
  if (atRisk) parts.push(now > at ? `MISSED, it passed ${fromNow(at, now)}` : 'AT RISK')
  if (eta !== undefined) parts.push(`ends about ${moment(Date.parse(eta), now)}`)
  if (p80 !== undefined) parts.push(`with a chance of 80 % by ${moment(Date.parse(p80), now)}`)
  if (minutesBehind !== undefined && phase !== 'AwaitingApproval') parts.push(behind(minutesBehind))
  return `DEADLINE  ${parts.join(', ')}`
}

function behind(minutes: number): string {
  if (minutes === 0) return 'on plan'
  return `${duration(Math.abs(minutes) * 60_000)} ${minutes > 0 ? 'behind' : 'ahead of'} its plan`
}

/** A decimal share as `4.8 %`. */
export function percent(share: string): string {
  return `${Number((Number(share) * 100).toPrecision(2))} %`
}
