import { createHash } from 'node:crypto'
import { API_VERSION, parseDuration, rollouts } from '@locktender/fleet'
import type { ComponentFix, Rollout, RolloutHistory, RolloutSpec, RolloutStrategySpec } from '@locktender/fleet'
import { hash32, timestamp } from '@locktender/kube'
import { planDigestInput, planRollout } from '@locktender/rollout'
import type { TargetMeta } from '@locktender/rollout'
import { strategyInput } from './strategy-input.ts'

export interface RolloutProposal {
  /** As stored: with uid and creation time. */
  readonly fix: ComponentFix
  readonly strategy: RolloutStrategySpec
  readonly targets: readonly TargetMeta[]
  /** Name of the rollout. */
  readonly name: string
  /** How often earlier fixes of the component failed. */
  readonly history?: RolloutHistory
  /** For a rollout that follows a completed one. */
  readonly followUp?: FollowUp
}

export interface FollowUp {
  /** Name of the completed rollout. */
  readonly of: string
  /** Control planes that were left out of it and of those that followed it: they stay so. */
  readonly skip?: RolloutSpec['skip']
  /** When it was found that control planes came later, milliseconds since the epoch: its deadline counts from here. */
  readonly from: number
}

/**
 * The rollout of a fix with its plan frozen. The same fix, strategy and fleet (and time, for a follow-up) give the same rollout, so that proposing
 * again after a crash cannot give a second plan.
 *
 * @throws TypeError for a fix that was never stored
 */
export function proposeRollout({ fix, strategy, targets, name, history = [], followUp }: RolloutProposal): Rollout {
  const { uid, creationTimestamp } = fix.metadata
  if (uid === undefined || creationTimestamp === undefined) {
    throw new TypeError(
      `ComponentFix ${fix.metadata.name} has no uid or creation time, so it was not read from a server`,
    )
  }
  const seed = hash32(uid)
  // Caps do not decide who is in which wave.
  const input = strategyInput(strategy, () => 1)
  const plan = planRollout(targets, input, seed)
  const from = followUp?.from ?? Date.parse(creationTimestamp)
  const deadline = timestamp(from + parseDuration(fix.spec.deadline))
  const what = [
    'locktender fix 1',
    JSON.stringify([fix.metadata.name, uid, fix.spec.component, deadline]),
    ...fix.spec.targets.map(({ platforms, versions, image }) =>
      JSON.stringify([platforms, versions.from, versions.to, versions.exclude ?? [], image]),
    ),
    JSON.stringify([
      strategy.approvals,
      strategy.maxConcurrent ?? 0,
      strategy.maxConcurrentPerManagementCluster ?? 0,
      ...strategy.stages.map(({ selector }) => [selector.environment, selector.sector ?? '']),
    ]),
    ...(strategy.tiersNotFirst === undefined ? [] : [JSON.stringify(['not first', ...strategy.tiersNotFirst])]),
    ...(followUp === undefined ? [] : [JSON.stringify([followUp.of])]),
    ...(history.length === 0
      ? []
      : [JSON.stringify(history.map(({ stratum, treated, failed }) => [stratum, treated, failed]))]),
  ].join('\n')
  const digest = createHash('sha256')
    .update(`${what}\n${planDigestInput(targets, input, plan)}`)
    .digest('hex')
  return {
    apiVersion: API_VERSION,
    kind: rollouts.kind,
    metadata: { name },
    spec: {
      fix: fix.metadata.name,
      fixUid: uid,
      strategy,
      ...(followUp === undefined ? {} : { followUpOf: followUp.of }),
      seed,
      plan: {
        hash: `sha256:${digest}`,
        targets: plan.stages.reduce((sum, stage) => sum + stage.targets, 0),
        stages: plan.stages.map(({ name: stage, targets: count, waves }) => ({ name: stage, targets: count, waves })),
      },
      ...(history.length === 0 ? {} : { history }),
      deadline,
      ...(followUp?.skip === undefined || followUp.skip.length === 0 ? {} : { skip: followUp.skip }),
    },
  }
}
