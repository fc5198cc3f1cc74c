import { duration, renderTable } from '../output.ts'
import { moment, momentCell } from '../times.ts'
import type { PlanDocument } from './plan-document.ts'
import type { WaveDifference, WhatIfDocument } from './what-if-document.ts'

interface Row {
  readonly what: string
  readonly before: string
  readonly after: string
  readonly change: string
}

/** Two plans side by side, for people. */
export function renderWhatIf(document: WhatIfDocument, now: number): string {
  const { rollout, before, after, moved, joined, left, waves } = document
  const summary = renderTable<Row>(
    [
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'AS-PLANNED', cell: (row) => row.before },
      { title: 'INSTEAD', cell: (row) => row.after },
      { title: 'CHANGE', cell: ({ change }) => change },
    ],
    rows(before, after, now),
  )
  const whereabouts = `${moved} control planes would be in another wave, ${joined} would join, ${left} would leave.`
  const begun = before.waves.some(({ state }) => state !== undefined)
  const since = begun ? `, as if it had begun with it ${moment(Date.parse(before.startTime), now)}` : ', beginning now'
  const head = `rollout ${rollout}  by strategy ${after.strategy} instead of ${before.strategy}${since}. Nothing is changed. Times are UTC.`
  const table = waves.length === 0 ? '' : `\n${renderTable(waveColumns, waves)}`
  return `${head}\n${summary}${whereabouts}\n${table}`
}

function rows(before: PlanDocument, after: PlanDocument, now: number): Row[] {
  const time = (what: string, of: (plan: PlanDocument) => string | undefined): Row => {
    const [was, is] = [of(before), of(after)].map((text) => (text === undefined ? Infinity : Date.parse(text)))
    return { what, before: momentCell(was, now)!, after: momentCell(is, now)!, change: later(was!, is!) }
  }
  const number = (what: string, of: (plan: PlanDocument) => number): Row => {
    const [was, is] = [of(before), of(after)]
    return { what, before: String(was), after: String(is), change: signed(is - was) }
  }
  const feasible = (plan: PlanDocument) => (plan.feasible ? 'kept' : 'MISSED')
  return [
    time('end, 50 % chance', ({ end }) => end.p50),
    time('end, 80 % chance', ({ end }) => end.p80),
    time('end, 95 % chance', ({ end }) => end.p95),
    time('end of the schedule', ({ end }) => end.planned),
    {
      what: 'deadline',
      before: feasible(before),
      after: feasible(after),
      change: feasible(before) === feasible(after) ? 'same' : feasible(after),
    },
    number('waves', ({ waves }) => waves.length),
    number('control planes', ({ controlPlanes }) => controlPlanes),
    number('harm, control-plane hours', ({ harm }) => harm.total),
    number('  of waiting', ({ harm }) => harm.waiting),
    number('  of a bad fix', ({ harm }) => harm.badFix),
    number('a bad fix reaches', ({ harm }) => harm.exposed),
    number('  and harms', ({ harm }) => harm.hurt),
  ]
}

const waveColumns = [
  { title: 'STAGE', cell: ({ stage }: WaveDifference) => stage },
  { title: 'WAVE', cell: ({ wave }: WaveDifference) => wave },
  { title: 'AS-PLANNED', cell: ({ before }: WaveDifference) => before },
  { title: 'INSTEAD', cell: ({ after }: WaveDifference) => after },
  { title: 'COME', cell: ({ added }: WaveDifference) => added },
  { title: 'GO', cell: ({ removed }: WaveDifference) => removed },
]

function later(before: number, after: number): string {
  if (before === after) return 'same'
  if (!Number.isFinite(before)) return 'ends at all'
  if (!Number.isFinite(after)) return 'never ends'
  return `${duration(Math.abs(after - before))} ${after > before ? 'later' : 'earlier'}`
}

function signed(difference: number): string {
  if (difference === 0) return 'same'
  const text = String(Number(difference.toPrecision(3)))
  return difference > 0 ? `+${text}` : text
}
