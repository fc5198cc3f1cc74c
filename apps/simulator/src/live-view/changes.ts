import type { Rollout, RolloutStatus } from '@locktender/fleet'
import { plainOutlook } from './prospects.ts'
import { explain } from './render.ts'
import type { Screen } from './render.ts'
import { formatOffset } from './text.ts'

interface Line {
  readonly text: string
  /** When it happened, as the object says; now when it does not say. */
  readonly at?: string | undefined
}

/**
 * What became different between two screens, a line each, for logs and pipes where nothing can be redrawn. Pure; the
 * first screen of all is compared with nothing.
 */
export function changeLines(before: Screen | undefined, after: Screen): string[] {
  const lines: Line[] = []
  const { fix, rollout, now } = after
  if (fix === undefined) return []
  if (before?.fix === undefined) {
    const text = `fix ${fix.metadata.name} requested by ${fix.spec.requestedBy ?? 'nobody'}`
    lines.push({ text, at: fix.metadata.creationTimestamp })
  }
  const start = Date.parse(fix.metadata.creationTimestamp ?? new Date(now).toISOString())
  if (rollout !== undefined) lines.push(...rolloutLines(before?.rollout, rollout, start))
  const refused = fix.status?.phase === 'Refused' && before?.fix?.status?.phase !== 'Refused'
  if (refused) lines.push({ text: `fix ${fix.metadata.name} refused: ${fix.status?.message ?? ''}` })
  return lines
    .map(({ text, at }) => ({ text, at: at === undefined ? now : Date.parse(at) }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ text, at }) => `${formatOffset(at - start)}  ${text}`)
}

function rolloutLines(before: Rollout | undefined, after: Rollout, start: number): Line[] {
  const lines: Line[] = []
  const [old, now] = [before?.status, after.status]
  const { name, creationTimestamp } = after.metadata
  if (before === undefined) {
    const { plan } = after.spec
    const waves = plan.stages.map((stage) => `${stage.name} ${stage.waves.join('+') || 'nothing'}`)
    const text = `rollout ${name} planned: ${plan.targets} control planes, ${waves.join(', ')}`
    lines.push({ text, at: creationTimestamp })
  }
  if (now === undefined) return lines
  if (now.outlook !== undefined && old?.outlook === undefined) {
    lines.push({ text: `rollout ${name} outlook: ${plainOutlook(now.outlook, start)}`, at: now.outlook.startTime })
  }
  for (const { user, time } of now.approvals.slice(old?.approvals.length ?? 0)) {
    lines.push({ text: `approved by ${user}`, at: time })
  }
  lines.push(...waveLines(old, now))
  const known = new Set(old?.problems.map(({ controlPlane, reason }) => `${controlPlane}/${reason}`))
  for (const problem of now.problems) {
    if (known.has(`${problem.controlPlane}/${problem.reason}`)) continue
    lines.push({ text: `${problem.controlPlane} ${problem.state}: ${explain(problem)}` })
  }
  if (now.verdict?.outcome === 'Halt' && old?.verdict?.outcome !== 'Halt') {
    lines.push({ text: `halted by ${now.verdict.rule}: ${now.verdict.message}`, at: now.verdict.time })
  }
  if (now.phase !== old?.phase) lines.push({ text: `rollout ${name} is ${now.phase}`, at: now.completionTime })
  return lines
}

function waveLines(old: RolloutStatus | undefined, now: RolloutStatus): Line[] {
  const lines: Line[] = []
  for (const stage of now.stages) {
    const oldStage = old?.stages.find(({ name }) => name === stage.name)
    for (const wave of stage.waves) {
      const oldWave = oldStage?.waves.find(({ number }) => number === wave.number)
      const name = `${stage.name} wave ${wave.number}`
      if (wave.openedAt !== undefined && oldWave?.openedAt === undefined) {
        lines.push({ text: `${name} opened: ${wave.size} control planes`, at: wave.openedAt })
      }
      if (wave.closedAt !== undefined && oldWave?.closedAt === undefined) {
        const bad = wave.failed + wave.broken
        const rest = bad > 0 ? `, ${bad} failed or broken` : ''
        lines.push({ text: `${name} passed: ${wave.applied} applied${rest}`, at: wave.closedAt })
      }
    }
  }
  return lines
}
