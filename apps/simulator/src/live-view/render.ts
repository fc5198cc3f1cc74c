import type {
  ComponentFix,
  Rollout,
  RolloutProblem,
  RolloutStageStatus,
  StateCounts,
  TargetState,
} from '@locktender/fleet'
import { prospects } from './prospects.ts'
import { columns, cut, fit, formatHours, formatMoment, formatOffset, formatSpan, paintWith } from './text.ts'
import type { Paint, Tone } from './text.ts'

/** Everything that is on the screen, as it is in the API. */
export interface Screen {
  readonly controlPlanes: number
  readonly managementClusters: number
  /** How fast the clock runs, in words. */
  readonly speed: string
  /** Milliseconds since the epoch of the simulation's clock. */
  readonly now: number
  readonly fix?: ComponentFix | undefined
  readonly rollout?: Rollout | undefined
}

export interface RenderOptions {
  /** Columns of the terminal. */
  readonly width: number
  readonly colour: boolean
}

const glyphs: Readonly<Record<TargetState, readonly [glyph: string, tone: Tone]>> = {
  NotAffected: ['·', 'neutral'],
  Pending: ['○', 'waiting'],
  Scheduled: ['◔', 'waiting'],
  Applying: ['◑', 'active'],
  Verifying: ['◕', 'active'],
  Applied: ['●', 'good'],
  Native: ['◆', 'good'],
  Held: ['‖', 'neutral'],
  Blocked: ['▲', 'attention'],
  Failed: ['✕', 'bad'],
  Reverting: ['↺', 'attention'],
  Reverted: ['↩', 'attention'],
  Regressed: ['⚠', 'bad'],
  Unknown: ['?', 'attention'],
}

/** Attention lines beyond this are counted, not shown. */
const attentionLines = 6

/** Draws the screen: a pure function from what the API says to lines of at most `width` columns. */
export function render(screen: Screen, { width, colour }: RenderOptions): string[] {
  const paint = paintWith(colour)
  const inner = Math.max(40, width)
  return [
    ...header(screen, inner, paint),
    '',
    ...clock(screen, inner, paint),
    ...stages(screen, inner, paint),
    ...states(screen, inner, paint),
    ...attention(screen, inner, paint),
  ].map((line) => fit(line, width))
}

function header(screen: Screen, width: number, paint: Paint): string[] {
  const { fix, rollout } = screen
  const name = fix === undefined ? 'no fix yet' : `${fix.metadata.name}  ${fix.spec.summary ?? fix.spec.ticket}`
  const phase = rollout?.status?.phase ?? fix?.status?.phase ?? 'Starting'
  const title = cut(`Locktender  ${name}`, width - phase.length - 2)
  return [
    `${paint('title', title.padEnd(width - phase.length))}${paint(phaseTone(phase), phase)}`,
    cut(
      `${screen.controlPlanes} control planes on ${screen.managementClusters} management clusters · ` +
        `${formatMoment(screen.now)} · ${screen.speed}`,
      width,
    ),
  ]
}

function phaseTone(phase: string): Tone {
  if (phase === 'Completed' || phase === 'Delivered') return 'good'
  if (phase === 'Halted' || phase === 'Aborted' || phase === 'Refused') return 'bad'
  if (phase === 'Reverting' || phase === 'Reverted' || phase === 'Paused') return 'attention'
  return 'active'
}

function clock(screen: Screen, width: number, paint: Paint): string[] {
  const { fix, rollout, now } = screen
  if (fix === undefined || rollout === undefined) return [paint('waiting', 'Clock   starts with the fix'), '']
  const start = Date.parse(fix.metadata.creationTimestamp ?? new Date(now).toISOString())
  const deadline = Date.parse(rollout.spec.deadline)
  const { status } = rollout
  const end = status?.completionTime === undefined ? undefined : Date.parse(status.completionTime)
  const at = end ?? now
  const right = end === undefined ? estimate(rollout, start, paint) : `took ${formatSpan(end - start)}`
  const total = deadline - start
  const text = `Clock   ${formatOffset(at - start)} of ${formatHours(total)}  `
  const size = Math.max(10, Math.min(40, width - text.length - 40))
  const filled = Math.min(size, Math.floor(((at - start) / total) * size))
  const bar = paint(at > deadline ? 'bad' : 'active', '█'.repeat(filled)) + paint('waiting', '·'.repeat(size - filled))
  return [`${text}${bar}  ${right}`, ...prospects(rollout, start, paint), ...approvals(rollout, paint), '']
}

function estimate(rollout: Rollout, start: number, paint: Paint): string {
  const { status } = rollout
  if (status?.phase === 'Reverting') {
    const { Reverting: going = 0, Reverted: back = 0 } = status.counts
    return paint('attention', `taking it back: ${back} done, ${going} under way`)
  }
  if (status?.phase === 'Halted') return paint('bad', 'halted')
  if (status?.eta === undefined) return paint('waiting', 'no ETA yet')
  const eta = Date.parse(status.eta)
  const slack = Date.parse(rollout.spec.deadline) - eta
  const judgement =
    slack < 0 || status.deadlineAtRisk === true
      ? paint('bad', 'deadline at risk')
      : paint('good', `on track, slack ${formatSpan(slack)}`)
  return `ETA ${formatOffset(eta - start)}  ${judgement}`
}

function approvals(rollout: Rollout, paint: Paint): string[] {
  if (rollout.status?.phase !== 'AwaitingApproval') return []
  const given = rollout.status.approvals.map(({ user }) => user)
  const names = given.length === 0 ? '' : ` (${given.join(', ')})`
  const text = `Waiting for approvals of plan ${rollout.spec.plan.hash.slice(0, 19)}: ${given.length} of ${rollout.spec.strategy.approvals}${names}`
  return [paint('attention', text)]
}

function stages(screen: Screen, width: number, paint: Paint): string[] {
  const { rollout } = screen
  if (rollout === undefined) return []
  const isBack = rollout.status?.phase === 'Reverting' || rollout.status?.phase === 'Reverted'
  const longest = Math.max(...rollout.spec.plan.stages.map(({ name }) => name.length))
  const size = Math.max(10, Math.min(48, width - longest - 50))
  const lines = rollout.spec.plan.stages.map((planned) => {
    const status = rollout.status?.stages.find(({ name }) => name === planned.name)
    const sums = sumsOf(status)
    const bad = sums.failed + sums.broken
    // After a halt nothing is on its way forward any more.
    const moving = isBack ? 0 : Math.max(0, sums.opened - sums.applied - bad)
    const rest = Math.max(0, planned.targets - sums.applied - bad - moving)
    const [good, active, failed, waiting] = columns([sums.applied, moving, bad, rest], size)
    const bar =
      paint(isBack ? 'attention' : 'good', (isBack ? '↩' : '█').repeat(good!)) +
      paint('active', '▒'.repeat(active!)) +
      paint('bad', '✕'.repeat(failed!)) +
      paint('waiting', '·'.repeat(waiting!))
    const count = `${sums.applied}/${planned.targets}`.padStart(9)
    const detail = stageDetail(status, planned.waves, sums)
    return `${planned.name.padEnd(longest)}  ${planned.targets === 0 ? ' '.repeat(size) : bar} ${count}  ${paint(stageTone(status), detail)}`
  })
  return [...(isBack ? ['How far it came before it was halted; all of it is taken back:'] : []), ...lines, '']
}

interface WaveSums {
  readonly opened: number
  readonly applied: number
  readonly failed: number
  readonly broken: number
}

function sumsOf(status: RolloutStageStatus | undefined): WaveSums {
  let [opened, applied, failed, broken] = [0, 0, 0, 0]
  for (const wave of status?.waves ?? []) {
    if (wave.openedAt === undefined) continue
    opened += wave.size
    applied += wave.applied
    failed += wave.failed
    broken += wave.broken
  }
  return { opened, applied, failed, broken }
}

function stageDetail(status: RolloutStageStatus | undefined, planned: readonly number[], sums: WaveSums): string {
  const words: string[] = []
  const opened = status?.waves.filter(({ openedAt }) => openedAt !== undefined) ?? []
  if (planned.length === 0) words.push('nothing to do')
  else if (status === undefined || opened.length === 0) words.push(`${waves(planned.length)}: ${planned.join(' ')}`)
  else if (status.phase === 'Passed') words.push(`passed, ${waves(opened.length)}`)
  else
    words.push(
      `wave ${opened.length}/${planned.length} (${opened.at(-1)!.size})${status.phase === 'Soaking' ? ' soaking' : ''}`,
    )
  if (sums.failed > 0) words.push(`${sums.failed} failed`)
  if (sums.broken > 0) words.push(`${sums.broken} broken`)
  return words.join(' · ')
}

function waves(count: number): string {
  return count === 1 ? '1 wave' : `${count} waves`
}

function stageTone(status: RolloutStageStatus | undefined): Tone {
  if (status?.waves.some(({ failed, broken }) => failed + broken > 0) === true) return 'bad'
  if (status?.phase === 'Passed') return 'good'
  return status?.phase === 'Open' || status?.phase === 'Soaking' ? 'active' : 'waiting'
}

function states(screen: Screen, width: number, paint: Paint): string[] {
  const counts: StateCounts = screen.rollout?.status?.counts ?? screen.fix?.status?.counts ?? {}
  const cells: { readonly plain: string; readonly painted: string }[] = []
  for (const [state, [glyph, tone]] of Object.entries(glyphs) as [TargetState, readonly [string, Tone]][]) {
    const count = counts[state] ?? 0
    if (count > 0)
      cells.push({ plain: `${glyph} ${count} ${state}`, painted: `${paint(tone, `${glyph} ${count}`)} ${state}` })
  }
  if (cells.length === 0) return []
  const lines: string[] = []
  let [line, length] = ['States ', 7]
  for (const { plain, painted } of cells) {
    if (length + plain.length + 2 > width) {
      lines.push(line)
      ;[line, length] = [' '.repeat(7), 7]
    }
    line += ` ${painted} `
    length += plain.length + 2
  }
  return [...[...lines, line].map((each) => each.trimEnd()), '']
}

function attention(screen: Screen, width: number, paint: Paint): string[] {
  const lines: string[] = []
  const { rollout, fix } = screen
  const verdict = rollout?.status?.verdict
  if (verdict?.outcome === 'Halt') {
    lines.push(paint('bad', cut(`✕ Halted by ${verdict.rule}: ${verdict.message}`, width)))
  }
  if (rollout?.spec.pause !== undefined) {
    lines.push(
      paint('attention', cut(`‖ Paused by ${rollout.spec.pause.by ?? 'someone'}: ${rollout.spec.pause.reason}`, width)),
    )
  }
  if (fix?.status?.phase === 'Refused') lines.push(paint('bad', cut(`✕ Refused: ${fix.status.message ?? ''}`, width)))
  const all = rollout?.status?.problems ?? []
  const problems = all.filter(({ state }) => state !== 'Reverted')
  const back = all.filter(({ state }) => state === 'Reverted').map(({ controlPlane }) => controlPlane)
  if (back.length > 0) lines.push(paint('good', cut(`↩ Failed or broke, back and healthy: ${back.join(', ')}`, width)))
  for (const problem of problems.slice(0, attentionLines)) lines.push(problemLine(problem, width, paint))
  if (problems.length > attentionLines) lines.push(paint('attention', `  and ${problems.length - attentionLines} more`))
  return lines.length === 0 ? [] : [paint('title', 'Attention'), ...lines, '']
}

function problemLine(problem: RolloutProblem, width: number, paint: Paint): string {
  const [glyph, tone] = glyphs[problem.state]
  return paint(tone, cut(`${glyph} ${problem.controlPlane}  ${explain(problem)}`, width))
}

/** The reason of a problem, with its message when there is one. */
export function explain({ reason, message }: Pick<RolloutProblem, 'reason' | 'message'>): string {
  return message === '' ? reason : `${reason}: ${message}`
}
