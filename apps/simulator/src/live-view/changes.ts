import type { Rollout } from '@locktender/fleet'
import { explain } from './render.ts'
import type { Screen } from './render.ts'
import { formatOffset } from './text.ts'

/**
 * What became different between two screens, a line each, for logs and pipes where nothing can be redrawn. Pure; the
 * first screen of all is compared with nothing.
 */
export function changeLines(before: Screen | undefined, after: Screen): string[] {
  const lines: string[] = []
  if (after.fix !== undefined && before?.fix === undefined) {
    lines.push(`fix ${after.fix.metadata.name} requested by ${after.fix.spec.requestedBy ?? 'nobody'}`)
  }
  const [old, now] = [before?.rollout, after.rollout]
  if (now !== undefined) lines.push(...rolloutLines(old, now))
  const refused = after.fix?.status?.phase === 'Refused' && before?.fix?.status?.phase !== 'Refused'
  if (refused) lines.push(`fix ${after.fix.metadata.name} refused: ${after.fix.status!.message ?? ''}`)
  const start = Date.parse(after.fix?.metadata.creationTimestamp ?? '')
  const offset = Number.isNaN(start) ? 'T+00:00' : formatOffset(after.now - start)
  return lines.map((line) => `${offset}  ${line}`)
}

function rolloutLines(before: Rollout | undefined, after: Rollout): string[] {
  const lines: string[] = []
  const [old, now] = [before?.status, after.status]
  if (before === undefined) {
    const { plan } = after.spec
    const waves = plan.stages.map(({ name, waves }) => `${name} ${waves.join('+') || 'nothing'}`)
    lines.push(`rollout ${after.metadata.name} planned: ${plan.targets} control planes, ${waves.join(', ')}`)
  }
  if (now === undefined) return lines
  for (const { user } of now.approvals.slice(old?.approvals.length ?? 0)) lines.push(`approved by ${user}`)
  for (const stage of now.stages) {
    const oldStage = old?.stages.find(({ name }) => name === stage.name)
    for (const wave of stage.waves) {
      const oldWave = oldStage?.waves.find(({ number }) => number === wave.number)
      const name = `${stage.name} wave ${wave.number}`
      if (wave.openedAt !== undefined && oldWave?.openedAt === undefined) {
        lines.push(`${name} opened: ${wave.size} control planes`)
      }
      if (wave.closedAt !== undefined && oldWave?.closedAt === undefined) {
        const bad = wave.failed + wave.broken
        lines.push(`${name} passed: ${wave.applied} applied${bad > 0 ? `, ${bad} failed or broken` : ''}`)
      }
    }
  }
  const known = new Set(old?.problems.map(({ controlPlane, reason }) => `${controlPlane}/${reason}`))
  for (const problem of now.problems) {
    if (known.has(`${problem.controlPlane}/${problem.reason}`)) continue
    lines.push(`${problem.controlPlane} ${problem.state}: ${explain(problem)}`)
  }
  if (now.verdict?.outcome === 'Halt' && old?.verdict?.outcome !== 'Halt') {
    lines.push(`halted by ${now.verdict.rule}: ${now.verdict.message}`)
  }
  if (now.phase !== old?.phase) lines.push(`rollout ${after.metadata.name} is ${now.phase}`)
  return lines
}
