import { duration, renderTable, type Column } from '../output.ts'
import { moment, momentCell } from '../times.ts'
import { planes } from '../words.ts'
import type { PlanDocument, PlanWave } from './plan-document.ts'

/** Control planes on hold that are named one by one; the others are counted. */
const NAMED = 5

/** A plan for people: what it comes to, then its waves. */
export function renderPlan(plan: PlanDocument, now: number, wide: boolean): string {
  return `${[...headOf(plan, now), '', 'Times are UTC.'].join('\n')}\n${renderTable(columns(plan, now), plan.waves, wide)}`
}

function headOf(plan: PlanDocument, now: number): string[] {
  const { end, harm, stakes, held } = plan
  const begun = plan.waves.some(({ state }) => state !== undefined)
  const name = plan.rollout === undefined ? `plan for fix ${plan.fix}` : `rollout ${plan.rollout}`
  const by = (text: string | undefined) => (text === undefined ? 'never' : moment(Date.parse(text), now))
  const lines = [
    `${name}  ${planes(plan.controlPlanes)} in ${plan.waves.length} waves by strategy ${plan.strategy}${plan.phase === undefined ? '' : `  ${plan.phase}`}`,
    ...(plan.hash === undefined ? [] : [`PLAN      ${plan.hash}`]),
    `START     ${by(plan.startTime)}${begun ? '; planned from there on, with the freezes and holds of now; "lkt rollout explain" says how it goes' : ', if it may begin at once'}`,
    `END       with a chance of 50 % by ${by(end.p50)}, 80 % by ${by(end.p80)}, 95 % by ${by(end.p95)}`,
    `SCHEDULE  ends ${by(end.planned)}; it takes operations to be slow`,
    `DEADLINE  ${by(plan.deadline)}: ${deadlineOf(plan)}`,
    ...plan.blockers.map(({ message }) => `AGAINST   ${message}`),
    `HARM      ${harm.total} control-plane hours expected: ${harm.waiting} of waiting for the fix, ${harm.badFix} of a bad fix`,
    `IF BAD    ${whole(harm.exposed)} would get the fix before it is stopped, and ${whole(harm.hurt)} of these be harmed`,
    `ASSUMES   ${percent(stakes.hazard)} suffer at any moment without the fix (--hazard); it is bad with a chance of ${percent(stakes.prior)} (--prior)`,
  ]
  const { pairs, notFirst } = plan
  if (pairs.groups > 0) {
    lines.push(
      `PAIRS     ${planes(pairs.controlPlanes)} in ${pairs.groups} ${pairs.groups === 1 ? 'group' : 'groups'} that stand in for each other: no two of one in a wave, nor at the same time`,
    )
  }
  if (notFirst > 0) lines.push(`TIERS     ${planes(notFirst)} kept out of first waves for their tier`)
  if (held.length > 0) lines.push(`HELD      ${planes(held.length)} left out while on hold:`)
  for (const { controlPlane, reason, owner, until } of held.slice(0, NAMED)) {
    lines.push(`          ${controlPlane}  ${reason} (ask ${owner}), until ${moment(Date.parse(until), now)}`)
  }
  if (held.length > NAMED) lines.push(`          and ${held.length - NAMED} more; -o json lists them all`)
  for (const { message } of plan.reasons ?? []) lines.push(`WHY       ${message}`)
  return lines
}

/** Whether the deadline is kept, and by how much. */
function deadlineOf({ deadline, feasible, end }: PlanDocument): string {
  const latest = Date.parse(deadline)
  if (!feasible) {
    return end.planned === undefined
      ? 'CANNOT BE KEPT, it never ends'
      : `CANNOT BE KEPT, it ends ${duration(Date.parse(end.planned) - latest)} later`
  }
  if (end.p80 === undefined || Date.parse(end.p80) > latest) return 'AT RISK, the chance to keep it is below 80 %'
  return `kept with ${duration(latest - Date.parse(end.p80))} to spare, with a chance of at least 80 %`
}

function columns({ waves }: PlanDocument, now: number): Column<PlanWave>[] {
  const at = (text: string | undefined) => (text === undefined ? 'never' : momentCell(Date.parse(text), now))
  const begun = waves.some(({ state }) => state !== undefined)
  return [
    { title: 'STAGE', cell: ({ stage }) => stage },
    { title: 'WAVE', cell: ({ wave }) => wave },
    { title: 'CONTROL-PLANES', cell: ({ controlPlanes }) => controlPlanes },
    { title: 'STARTS', cell: ({ startsAt }) => at(startsAt) },
    { title: 'ENDS', cell: ({ endsAt }) => at(endsAt) },
    { title: 'SOAK', cell: ({ soak }) => soak },
    { title: 'MANAGEMENT-CLUSTERS', wide: true, cell: ({ managementClusters }) => managementClusters },
    { title: 'CUSTOMERS', wide: true, cell: ({ customers }) => customers },
    { title: 'KINDS', wide: true, cell: ({ kinds }) => kinds },
    ...(begun ? [{ title: 'STATE', cell: ({ state }: PlanWave) => state }] : []),
  ]
}

function whole(count: number): string {
  return count < 1 ? 'fewer than 1' : String(Math.round(count))
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}
