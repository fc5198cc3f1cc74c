import { shareBounds } from '@locktender/rollout'
import type {
  Rollout,
  RolloutCredit,
  RolloutExposure,
  RolloutPhase,
  RolloutSignal,
  RolloutSpec,
  RolloutSuspect,
  RolloutVerdict,
} from '@locktender/fleet'

/** What the control planes of a wave say. */
export interface WaveEvidence {
  readonly stage: string
  readonly wave: number
  readonly controlPlanes: number
  readonly applied: number
  /** The change failed. */
  readonly failed: number
  /** Became unhealthy after it. */
  readonly broken: number
  /** The share that fails or breaks, each bound with 95 % confidence; absent while none is through. */
  readonly bounds?: { readonly lower: string; readonly upper: string }
  readonly openedAt?: string
  readonly closedAt?: string
}

/** What `lkt rollout evidence -o json` prints. Fields may be added, never changed. */
export interface EvidenceDocument {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'RolloutEvidence'
  readonly rollout: string
  readonly fix: string
  readonly phase: RolloutPhase
  readonly verdict?: RolloutVerdict
  /** Control planes that are through, and those of them that failed or broke. */
  readonly treated: number
  readonly failed: number
  readonly exposure?: RolloutExposure
  /** Hours earned towards the end of the soak, by kinds of control planes; those that lack most first. */
  readonly credit?: readonly RolloutCredit[]
  /** What the strategy watches besides. */
  readonly signals?: readonly RolloutSignal[]
  readonly suspects: readonly RolloutSuspect[]
  /** What halts it, as frozen with the plan. */
  readonly rules: Pick<
    RolloutSpec['strategy'],
    'failureBudget' | 'sequentialTest' | 'haltBy' | 'haltReasons' | 'compareUntreated' | 'signals'
  >
  readonly stages: readonly {
    readonly stage: string
    readonly controlPlanes: number
    readonly treated: number
    readonly failed: number
    readonly bounds?: { readonly lower: string; readonly upper: string }
  }[]
  readonly waves: readonly WaveEvidence[]
}

/** What the judgement of a rollout rests on, as its status tells. */
export function evidenceOf({ metadata, spec, status }: Rollout): EvidenceDocument {
  const { failureBudget, sequentialTest, haltBy, haltReasons, compareUntreated, signals } = spec.strategy
  const waves = (status?.stages ?? []).flatMap((stage) =>
    stage.waves.map(({ number, size, applied, failed, broken, openedAt, closedAt }): WaveEvidence => {
      return {
        stage: stage.name,
        wave: number,
        controlPlanes: size,
        applied,
        failed,
        broken,
        ...boundsOf(failed + broken, applied + failed + broken),
        ...(openedAt === undefined ? {} : { openedAt }),
        ...(closedAt === undefined ? {} : { closedAt }),
      }
    }),
  )
  const all = totals(waves)
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutEvidence',
    rollout: metadata.name,
    fix: spec.fix,
    phase: status?.phase ?? 'AwaitingApproval',
    ...(status?.verdict === undefined ? {} : { verdict: status.verdict }),
    ...all,
    ...(status?.exposure === undefined ? {} : { exposure: status.exposure }),
    ...(status?.credit === undefined ? {} : { credit: status.credit }),
    ...(status?.signals === undefined ? {} : { signals: status.signals }),
    suspects: status?.suspects ?? [],
    rules: {
      failureBudget,
      sequentialTest,
      ...(haltBy === undefined ? {} : { haltBy }),
      ...(haltReasons === undefined ? {} : { haltReasons }),
      ...(compareUntreated === undefined ? {} : { compareUntreated }),
      ...(signals === undefined ? {} : { signals }),
    },
    stages: spec.plan.stages.map(({ name, targets }) => {
      const sums = totals(waves.filter(({ stage }) => stage === name))
      return { stage: name, controlPlanes: targets, ...sums, ...boundsOf(sums.failed, sums.treated) }
    }),
    waves,
  }
}

function totals(waves: readonly WaveEvidence[]): { readonly treated: number; readonly failed: number } {
  const failed = waves.reduce((sum, wave) => sum + wave.failed + wave.broken, 0)
  return { treated: waves.reduce((sum, wave) => sum + wave.applied, failed), failed }
}

function boundsOf(failed: number, treated: number): Pick<WaveEvidence, 'bounds'> {
  if (treated === 0) return {}
  const { lower, upper } = shareBounds(failed, treated)
  return { bounds: { lower: lower.toFixed(4), upper: upper.toFixed(4) } }
}
