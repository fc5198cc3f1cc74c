import { allowedFailures } from './evidence/budget.ts'
import type { FleetState } from './fleet-state.ts'
import type { StageState, WaveState } from './stage-state.ts'
import { attemptOf } from './target.ts'
import type {
  Decision,
  FailureBudget,
  PersistedRollout,
  Problem,
  RolloutSummary,
  SignalSummary,
  StageSummary,
  WaveSummary,
} from './types.ts'

/** Enough to see what is wrong; everything else is a query over the objects. */
const PROBLEMS_SHOWN = 10

function summarizeWave(wave: WaveState): WaveSummary {
  const { reported } = wave
  return {
    number: wave.number,
    size: wave.size,
    ...(wave.acknowledged ? { openedAt: wave.openedAt } : {}),
    ...(wave.closedAt === undefined ? {} : { closedAt: wave.closedAt }),
    ...(wave.expedited ? { expedited: true } : {}),
    requested: wave.requested,
    applied: Math.max(wave.applied, reported.applied ?? 0),
    failed: Math.max(wave.failed, reported.failed ?? 0),
    broken: Math.max(wave.broken, reported.broken ?? 0),
  }
}

function stagePhase(stage: StageState): StageSummary['phase'] {
  if (stage.passed) return 'Passed'
  if (stage.waves.length === 0) return 'Waiting'
  return stage.busy > 0 || stage.idle > 0 ? 'Open' : 'Soaking'
}

export function summarizeStage(stage: StageState, budget: FailureBudget | undefined): StageSummary {
  const waves = stage.waves.map(summarizeWave)
  const sum = (key: 'applied' | 'failed' | 'broken') =>
    Math.max(
      stage[key],
      waves.reduce((total, wave) => total + wave[key], 0),
    )
  const startedAt = waves[0]?.openedAt
  return {
    name: stage.strategy.name,
    phase: stagePhase(stage),
    targets: stage.targets,
    allowedFailures: allowedFailures(budget, stage.targets),
    applied: sum('applied'),
    failed: sum('failed'),
    broken: sum('broken'),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(stage.lastCompletionAt === undefined ? {} : { lastCompletionAt: stage.lastCompletionAt }),
    waves,
  }
}

/** Continuous signals as they are. */
export function summarizeSignals({ watches }: FleetState): SignalSummary[] {
  return Array.from(watches, ([name, { bad, total, evidence, limit }]) => {
    return { name, bad, total, evidence: evidence.toFixed(2), limit: limit.toFixed(2) }
  })
}

/** The first few targets that need somebody: failures, then those that could not be treated. */
export function listProblems(fleet: FleetState): Problem[] {
  const problems: Problem[] = []
  for (const records of [fleet.failed, fleet.excluded]) {
    for (const record of records) {
      if (problems.length === PROBLEMS_SHOWN) return problems
      if (records === fleet.excluded && fleet.failed.has(record)) continue
      const { phase, reason, message, onsetAt } = record.input
      // Another attempt has mended it.
      if (phase === 'Applied' && attemptOf(record) > 1 && onsetAt === undefined) continue
      const late = record.timedOutSince !== undefined && record.timedOutSince === record.input.since
      const cause = reason ?? (late ? 'OperationTimeout' : record.history.outcome === 'broken' ? 'Unhealthy' : phase)
      const isLeftOut = phase === 'Pending' && records === fleet.excluded
      problems.push({ id: record.id, phase, reason: isLeftOut ? 'Skipped' : cause, message: message ?? '' })
    }
  }
  return problems
}

/**
 * What must be stored of a rollout so that `RolloutEngine.create` can go on with it; `opening` is the wave that is to
 * be acknowledged once this is stored. A pause is not part of it: whoever asked for it asks again.
 */
export function persistedFrom(
  { stages, skipped, verdict, phase, decisions, signals }: RolloutSummary,
  opening?: Extract<Decision, { type: 'open-wave' }>,
): PersistedRollout {
  const ended = phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted'
  return {
    stages: stages.map(({ name, waves }) => ({
      name,
      waves: waves.flatMap(({ number, size, closedAt, expedited, applied, failed, broken, ...wave }) => {
        const isOpening = opening?.stage === name && opening.wave === number
        const openedAt = isOpening ? opening.at : wave.openedAt
        if (openedAt === undefined) return []
        const times = { openedAt, ...(closedAt === undefined ? {} : { closedAt }) }
        return [{ size, ...times, ...(expedited ? { expedited } : {}), applied, failed, broken }]
      }),
    })),
    ...(skipped ? { skipped } : {}),
    ...(verdict?.outcome === 'Halt' ? { verdict } : {}),
    ...(ended ? { outcome: phase } : {}),
    decisions,
    ...(signals ? { signals: signals.map(({ name, bad, total }) => ({ name, bad, total })) } : {}),
  }
}
