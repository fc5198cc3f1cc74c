import { renderTable, type Column } from '../output.ts'
import { momentCell } from '../times.ts'
import type { EvidenceDocument, WaveEvidence } from './evidence.ts'
import { percent, renderSuspect, renderVerdict } from './explanation-view.ts'

type StageEvidence = EvidenceDocument['stages'][number]

/** The evidence for people: what it comes to, then stage by stage, or (wide) wave by wave. */
export function renderEvidence(evidence: EvidenceDocument, now: number, wide: boolean): string {
  const { rollout, phase, treated, failed, verdict, exposure, credit, signals, suspects, stages, waves } = evidence
  const lines = [
    `rollout ${rollout}  ${phase}  ${failed} of ${treated} control planes that are through failed or became unhealthy`,
    ...(verdict === undefined ? ['VERDICT   none yet: nobody is through'] : renderVerdict(verdict, now)),
    ...(verdict?.evidence.llr === undefined
      ? []
      : [
          `WEIGHT    ${verdict.evidence.llr} for a bad fix against a good one, held against ${verdict.evidence.limit} (log likelihood ratio)`,
        ]),
    ...(exposure === undefined ? [] : [renderExposure(exposure)]),
    ...(credit ?? []).map(renderCredit),
    ...(signals ?? []).map(renderSignal),
    ...suspects.map(renderSuspect),
    ...rulesOf(evidence),
  ]
  const table = renderTable(stageColumns, stages)
  const detail = waves.length === 0 ? '' : `\n${renderTable(waveColumns(now), waves, wide)}`
  return `${lines.join('\n')}\n\n${table}${detail}`
}

function renderExposure({ hours, onsets, atMostPerHour }: NonNullable<EvidenceDocument['exposure']>): string {
  const bound =
    atMostPerHour === undefined
      ? ''
      : `: at most ${Number((Number(atMostPerHour) * 100).toPrecision(2))} in 100 hours, with 95 % confidence`
  return `EXPOSURE  ${hours} healthy control-plane hours with the fix, ${onsets} became unhealthy${bound}`
}

function renderCredit({ stratum, treated, healthy, hours, asked }: NonNullable<EvidenceDocument['credit']>[number]) {
  const by = treated === 0 ? 'by all kinds, as none of it is treated' : `by ${healthy} healthy of ${treated} treated`
  return `EARNED    ${hours} of ${asked} hours for ${stratum}, ${by}`
}

function renderSignal({ name, bad, total, evidence, limit }: NonNullable<EvidenceDocument['signals']>[number]): string {
  return `SIGNAL    ${name} in ${bad} of ${total} windows of treated control planes: ${evidence} for a bad fix, held against ${limit}`
}

/** What would halt it. */
function rulesOf({ rules }: EvidenceDocument): string[] {
  const { failureBudget, sequentialTest, haltBy, haltReasons, compareUntreated, signals } = rules
  const { goodRate, badRate, alpha } = sequentialTest
  const lines: string[] = []
  if (haltBy !== 'Budget') {
    lines.push(
      `HALTS IF  failures look like a fix that breaks ${percent(badRate)} rather than ${percent(goodRate)} (a good fix is halted with a chance of ${percent(alpha)})`,
    )
  }
  lines.push(
    `          or more than ${failureBudget.percent} % of a stage fail, and more than ${failureBudget.minimum} control planes of it`,
    `          or one reports ${(haltReasons ?? ['UnexpectedNodeRollout', 'EtcdQuorumLost']).join(' or ')}`,
  )
  if (compareUntreated === true)
    lines.push('          or treated ones fall ill much more often than untreated ones of their kind')
  for (const { name, goodShare, window, alpha } of signals ?? []) {
    lines.push(
      `          or ${name} happens in more than ${percent(goodShare)} of the windows of ${window} (a good fix is halted with a chance of ${percent(alpha)})`,
    )
  }
  return haltBy === 'Budget'
    ? lines.map((line, index) => (index === 0 ? line.replace(/^ {10}or/, 'HALTS IF ') : line))
    : lines
}

const stageColumns: Column<StageEvidence>[] = [
  { title: 'STAGE', cell: ({ stage }) => stage },
  { title: 'CONTROL-PLANES', cell: ({ controlPlanes }) => controlPlanes },
  { title: 'THROUGH', cell: ({ treated }) => treated },
  { title: 'FAILED', cell: ({ failed }) => failed },
  { title: 'FAIL-AT-LEAST', cell: ({ bounds }) => (bounds === undefined ? undefined : percent(bounds.lower)) },
  { title: 'FAIL-AT-MOST', cell: ({ bounds }) => (bounds === undefined ? undefined : percent(bounds.upper)) },
]

function waveColumns(now: number): Column<WaveEvidence>[] {
  const at = (time: string | undefined) => momentCell(time === undefined ? undefined : Date.parse(time), now)
  return [
    { title: 'STAGE', cell: ({ stage }) => stage },
    { title: 'WAVE', cell: ({ wave }) => wave },
    { title: 'CONTROL-PLANES', cell: ({ controlPlanes }) => controlPlanes },
    { title: 'APPLIED', cell: ({ applied }) => applied },
    { title: 'FAILED', cell: ({ failed }) => failed },
    { title: 'UNHEALTHY', cell: ({ broken }) => broken },
    {
      title: 'FAIL-AT-LEAST',
      wide: true,
      cell: ({ bounds }) => (bounds === undefined ? undefined : percent(bounds.lower)),
    },
    {
      title: 'FAIL-AT-MOST',
      wide: true,
      cell: ({ bounds }) => (bounds === undefined ? undefined : percent(bounds.upper)),
    },
    { title: 'OPENED', cell: ({ openedAt }) => at(openedAt) },
    { title: 'CLOSED', cell: ({ closedAt }) => at(closedAt) },
  ]
}
