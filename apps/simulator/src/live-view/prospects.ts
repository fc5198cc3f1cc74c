import type { Rollout, RolloutForecast, RolloutOutlook } from '@locktender/fleet'
import { formatOffset, formatSpan } from './text.ts'
import type { Paint } from './text.ts'

/** Being so few minutes off the plan is being on it. */
const ON_PLAN_MINUTES = 5

/** When a rollout will end and how far it is from its plan, in one line; before it starts, what the plan is worth. */
export function prospects({ status }: Rollout, start: number, paint: Paint): string[] {
  const { outlook, forecast, minutesBehind } = status ?? {}
  switch (status?.phase) {
    case 'AwaitingApproval':
      return outlook === undefined ? [] : [`Plan    ${outlookWords(outlook, start, paint)}`]
    case 'Progressing':
    case 'Paused': {
      const words = [
        ...(forecast === undefined ? [] : [quantileWords(forecast, start)]),
        ...(minutesBehind === undefined ? [] : [distanceWords(minutesBehind, paint)]),
      ]
      return words.length === 0 ? [] : [`Ends    ${words.join(' · ')}`]
    }
    case 'Completed':
      return minutesBehind === undefined ? [] : [`Plan    ${endWords(minutesBehind, paint)}`]
    default:
      return []
  }
}

/** What a plan is worth, without colour. */
export function plainOutlook(outlook: RolloutOutlook, start: number): string {
  return outlookWords(outlook, start, (_tone, text) => text)
}

function outlookWords(outlook: RolloutOutlook, start: number, paint: Paint): string {
  const { p50, p80, p95, feasible, blockers, harmHours } = outlook
  const known = p50 !== undefined && p80 !== undefined && p95 !== undefined
  const ends = known ? `ends ${quantileWords({ p50, p80, p95 }, start)}` : 'no end'
  const judgement = feasible
    ? paint('good', 'in time')
    : paint('bad', `too late: ${blockers[0]?.message.replace(/\.$/, '') ?? ''}`)
  // What matters comes first: a narrow terminal cuts the rest.
  return `${judgement} · ${ends} · ${harmHours} h of harm expected`
}

function quantileWords({ p50, p80, p95 }: Pick<RolloutForecast, 'p50' | 'p80' | 'p95'>, start: number): string {
  const at = (time: string) => formatOffset(Date.parse(time) - start)
  return `50 % ${at(p50)}, 80 % ${at(p80)}, 95 % ${at(p95)}`
}

function distanceWords(minutes: number, paint: Paint): string {
  const span = formatSpan(Math.abs(minutes) * 60_000)
  if (Math.abs(minutes) < ON_PLAN_MINUTES) return paint('good', 'on plan')
  return minutes > 0 ? paint('attention', `${span} behind the plan`) : paint('good', `${span} ahead of the plan`)
}

function endWords(minutes: number, paint: Paint): string {
  const span = formatSpan(Math.abs(minutes) * 60_000)
  if (Math.abs(minutes) < ON_PLAN_MINUTES) return paint('good', 'ended as planned')
  return minutes > 0 ? paint('attention', `ended ${span} later than planned`) : `ended ${span} earlier than planned`
}
