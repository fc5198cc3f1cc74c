import { duration, renderTable } from '../output.ts'
import { planes } from '../words.ts'
import type { ReplayDocument, RunDocument } from './replay-document.ts'

type Wave = RunDocument['waves'][number]

interface Row {
  readonly what: string
  readonly recorded: string
  readonly instead: string
}

/** Longest text of a decision that is shown; `-o json` has all of it. */
const LONGEST = 200

/** A replay for people. */
export function renderReplay(document: ReplayDocument): string {
  const { record, instead } = document
  if (record === undefined) return `${headOf(document).join('\n')}\nNothing was decided yet.\n`
  if (instead === undefined) {
    return `${[...headOf(document), ...runOf(record)].join('\n')}\n\nTimes are UTC.\n${wavesOf(record)}`
  }
  const table = renderTable<Row>(
    [
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'RECORDED', cell: ({ recorded }) => recorded },
      { title: 'INSTEAD', cell: (row) => row.instead },
    ],
    rows(record, instead.run),
  )
  return [
    ...headOf(document),
    `INSTEAD   by strategy ${instead.strategy}, with what was recorded of the fleet. Times are UTC.`,
    '',
    `${table}${supposedIn(instead).join('\n')}`,
    '',
    'AS RECORDED',
    wavesOf(record),
    'INSTEAD',
    wavesOf(instead.run),
  ].join('\n')
}

/** How far the answer can be relied upon. */
function supposedIn({ unknown, unplaced }: NonNullable<ReplayDocument['instead']>): string[] {
  const supposed = [
    ...(unknown.treated === 0
      ? []
      : [
          `SUPPOSED  ${planes(unknown.treated)} that the record did not treat to the end: taken to go well in the median time`,
        ]),
    ...(unknown.reverted === 0
      ? []
      : [`SUPPOSED  ${unknown.reverted} reverts that the record does not have: taken to go well in the median time`]),
    ...(unknown.caps === 0
      ? []
      : [
          `SUPPOSED  limits of ${unknown.caps} management clusters that nobody asked for: taken to be the smallest known one`,
        ]),
    ...(unplaced === 0
      ? []
      : [`LEFT OUT  ${planes(unplaced)} in no stage of this strategy; stages are told by their names`]),
  ]
  return supposed.length === 0 ? ['Nothing had to be supposed: all of it is in the record.'] : supposed
}

function headOf({ entries, lives, decisions, reproduced, differences, firstDifference }: ReplayDocument): string[] {
  const log = `${entries} entries, ${lives} ${lives === 1 ? 'life' : 'lives'} of the engine`
  if (reproduced) return [`REPLAYED  ${log}: all ${decisions} decisions are the same, bit for bit`]
  const { line, recorded, decidedNow } = firstDifference!
  return [
    `DIFFERENT ${log}: ${differences} ${differences === 1 ? 'step is' : 'steps are'} not what the log says; the first at line ${line}`,
    `RECORDED  ${shortened(recorded)}`,
    `NOW       ${shortened(decidedNow)}`,
    'WHY       the log was changed after it was written, or another version of the engine decided it',
  ]
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

function runOf(run: RunDocument): string[] {
  const { phase, verdict, treated, failed, unhealthy, reverted, exposedAtHalt } = run
  const ended =
    run.endedAt === undefined ? '' : ` ${clock(run.endedAt)} UTC, ${sinceStart(run, run.endedAt)} after the first wave`
  const lines = [
    `PHASE     ${phase}${ended}`,
    `RESULT    ${planes(treated)} asked, ${failed} failed, ${unhealthy} became unhealthy, ${reverted} reverted`,
  ]
  if (run.haltedAt !== undefined) {
    lines.push(
      `HALTED    ${clock(run.haltedAt)} UTC, ${sinceStart(run, run.haltedAt)} after the first wave, when ${exposedAtHalt} had been asked`,
    )
  }
  if (verdict !== undefined)
    lines.push(`VERDICT   ${verdict.outcome === 'Halt' ? `HALT by ${verdict.rule}` : 'go on'}: ${verdict.message}`)
  return lines
}

function rows(record: RunDocument, instead: RunDocument): Row[] {
  const row = (what: string, of: (run: RunDocument) => string | number | undefined): Row => ({
    what,
    recorded: String(of(record) ?? '<none>'),
    instead: String(of(instead) ?? '<none>'),
  })
  const after = (run: RunDocument, time: string | undefined) =>
    time === undefined ? undefined : `${clock(time)} (after ${sinceStart(run, time)})`
  return [
    row('phase', ({ phase }) => phase),
    row('first wave', ({ waves }) => (waves[0] === undefined ? undefined : clock(waves[0].openedAt))),
    row('waves', ({ waves }) => waves.length),
    row('halted', (run) => after(run, run.haltedAt)),
    row('  by', ({ verdict }) => (verdict?.outcome === 'Halt' ? verdict.rule : undefined)),
    row('  asked by then', ({ exposedAtHalt }) => exposedAtHalt),
    row('ended', (run) => after(run, run.endedAt)),
    row('asked', ({ treated }) => treated),
    row('failed', ({ failed }) => failed),
    row('became unhealthy', ({ unhealthy }) => unhealthy),
    row('reverted', ({ reverted }) => reverted),
  ]
}

function wavesOf(run: RunDocument): string {
  if (run.waves.length === 0) return 'No wave was opened.\n'
  return renderTable<Wave>(
    [
      { title: 'STAGE', cell: ({ stage }) => stage },
      { title: 'WAVE', cell: ({ wave }) => wave },
      { title: 'CONTROL-PLANES', cell: ({ controlPlanes }) => controlPlanes },
      { title: 'OPENED', cell: ({ openedAt }) => clock(openedAt) },
      { title: 'AFTER', cell: ({ openedAt }) => sinceStart(run, openedAt) },
      {
        title: 'TOOK',
        cell: ({ openedAt, closedAt }) =>
          closedAt === undefined ? undefined : duration(Date.parse(closedAt) - Date.parse(openedAt)),
      },
    ],
    run.waves,
  )
}

/** A record may be old, so the day is always said. */
function clock(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

function sinceStart({ waves }: RunDocument, time: string): string {
  return duration(Date.parse(time) - Date.parse(waves[0]?.openedAt ?? time))
}
