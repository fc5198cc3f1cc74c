import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, boolean, integer, object, oneOf, optional } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { duration, ENVIRONMENTS, label, probability, word } from '../schema/common.ts'
import { rolloutStrategies } from '../well-known.ts'

const stage = object('A part of the fleet that is finished before the next one begins.', {
  name: word('Name, unique in the strategy.'),
  selector: object('Control planes that belong to the stage.', {
    environment: oneOf('Their environment.', ENVIRONMENTS),
    sector: optional(word('Their sector; every sector of the environment when absent.')),
  }),
  canary: integer('Size of the first wave.', { minimum: 1, maximum: 1000 }),
  sizes: optional(
    array(
      'Sizes of the first waves, where canary and factor do not say them; later ones grow from the last by the factor.',
      integer('Size of the wave.', { minimum: 1, maximum: 100_000 }),
      { maxItems: 32 },
    ),
  ),
  factor: integer('Each wave is this many times the one before.', { minimum: 1, maximum: 10, default: 2 }),
  soak: duration('Healthy time after a wave before the next.', { default: '30m' }),
  finalSoak: duration('Healthy time after the last wave before the next stage.', { default: '1h' }),
  earned: optional(
    object(
      'Lets a soak last until enough healthy hours were earned, in whatever stage; soak and finalSoak are then the shortest. The hours are those of each release line, platform, architecture, topology and region of which a control plane waits for the next wave.',
      {
        hours: integer(
          'Healthy control-plane hours. None ill in so many hours is less than three in so many, with 95 % confidence.',
          { minimum: 1, maximum: 1_000_000 },
        ),
        atMost: duration('The soak is over after so long, whatever was earned.', { default: '24h' }),
      },
    ),
  ),
})

const budget = object(
  'Failures that are tolerated; one more halts the rollout.',
  {
    percent: integer('Share of the treated control planes.', { minimum: 0, maximum: 100, default: 5 }),
    minimum: integer('Failures tolerated however few were treated.', { minimum: 0, maximum: 1000, default: 3 }),
  },
  { default: { percent: 5, minimum: 3 } },
)

const sequentialTest = object(
  'Sequential probability ratio test: weighs after every result whether the fix breaks control planes.',
  {
    goodRate: probability('Failure rate of a good fix.', { default: '0.005' }),
    badRate: probability('Failure rate of a bad fix.', { default: '0.05' }),
    alpha: probability('Risk of halting a good fix.', { default: '0.01' }),
    beta: probability('Risk of clearing a bad fix.', { default: '0.01' }),
  },
  { default: { goodRate: '0.005', badRate: '0.05', alpha: '0.01', beta: '0.01' } },
)

const signal = object('Something that control planes count, and how often it may happen with a good fix.', {
  name: word('Signal in the status of control planes, as DegradedChanges.'),
  goodShare: probability('Share of the windows of a treated control plane in which it happens with a good fix.'),
  window: duration('Length of a window, counted from the change on; long against one such trouble.', { default: '1h' }),
  alpha: probability('Risk of halting a good fix for it, however long it is watched.', { default: '0.01' }),
})

const fields = {
  approvals: integer('Approvals needed before anything is changed, each by another person.', {
    minimum: 0,
    maximum: 16,
    default: 2,
  }),
  stages: array('Stages in order.', stage, { minItems: 1, maxItems: 32, keys: ['name'] }),
  maxConcurrentPerManagementCluster: optional(
    integer('Control planes changing at the same time on one management cluster; its own limit holds as well.', {
      minimum: 1,
      maximum: 1000,
    }),
  ),
  maxConcurrent: optional(
    integer('Control planes changing at the same time in the whole rollout.', { minimum: 1, maximum: 100_000 }),
  ),
  customerShare: optional(
    integer('Percent of the control planes of one customer that may be in one wave; one always may. 20 when absent.', {
      minimum: 1,
      maximum: 100,
    }),
  ),
  tiersNotFirst: optional(
    array(
      'Support tiers whose control planes are not in the first wave of a stage, as long as it has others. None when absent.',
      label('Tier.'),
      { maxItems: 16, unique: true },
    ),
  ),
  failureBudget: budget,
  sequentialTest,
  haltBy: optional(
    oneOf(
      'Budget: only the failure budget and signals halt. Evidence, also when absent: the sequential test as well.',
      ['Evidence', 'Budget'],
    ),
  ),
  haltReasons: optional(
    array(
      'Reasons that halt at once when a treated control plane reports them. UnexpectedNodeRollout and EtcdQuorumLost when absent.',
      word('Reason, one CamelCase word.'),
      { maxItems: 32, unique: true },
    ),
  ),
  compareUntreated: optional(
    boolean(
      'Whether to halt, too, when treated control planes fall ill much more often than untreated ones of their kind.',
    ),
  ),
  signals: optional(
    array(
      'Signals that halt when they happen more often than with a good fix, although nobody is ill. None when absent.',
      signal,
      { maxItems: 8, keys: ['name'] },
    ),
  ),
  onsetGrace: optional(
    duration('A control plane must be unhealthy for so long after the change before that counts; at once when absent.'),
  ),
  operationTimeout: duration('A change on one control plane that takes longer has failed.', { default: '45m' }),
  autoRevert: boolean('Whether a halted rollout is reverted everywhere by itself.', { default: true }),
}

const spec = object('How to travel the fleet.', fields)
/** The same fields as a copy frozen in a rollout. */
export const frozenStrategy = object('The strategy as it was when the rollout was planned.', fields)

export type RolloutStrategySpec = Infer<typeof spec>
export type StrategySignal = Infer<typeof signal>
export type StrategyStage = Infer<typeof stage>

/** Reusable rules for rollouts. */
export interface RolloutStrategy extends KubeObject {
  readonly spec: RolloutStrategySpec
}

export const rolloutStrategyKind: KindDefinition = {
  resource: rolloutStrategies,
  description: 'Reusable rules for rollouts: stages, waves, soak times, limits and what halts them.',
  shortNames: ['strat'],
  columns: [
    { name: 'Approvals', type: 'integer', jsonPath: '.spec.approvals', description: 'Approvals needed.' },
    { name: 'First-Stage', type: 'string', jsonPath: '.spec.stages[0].name', description: 'Where rollouts begin.' },
    {
      name: 'Budget',
      type: 'integer',
      jsonPath: '.spec.failureBudget.percent',
      description: 'Tolerated failures, percent.',
    },
    {
      name: 'Auto-Revert',
      type: 'boolean',
      jsonPath: '.spec.autoRevert',
      description: 'Reverts by itself after a halt.',
    },
    AGE,
  ],
  spec,
}
