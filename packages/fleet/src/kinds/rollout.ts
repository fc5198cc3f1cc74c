import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, boolean, integer, object, oneOf, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { conditions, count, objectName, prose, time, userName, word } from '../schema/common.ts'
import { stateCounts } from '../schema/state-counts.ts'
import { TARGET_STATES } from '../states.ts'
import { rollouts } from '../well-known.ts'
import { frozenStrategy } from './rollout-strategy.ts'

/** Waves of one stage: doubling, so 32 are more than any fleet needs; factor 1 may need many. */
const MAX_WAVES = 1000

/** Kinds of control planes whose past is kept with a rollout. */
export const MAX_STRATA = 256

const plan = object('What was approved: who gets the fix in which stage and wave.', {
  hash: string('Digest of the plan; approvals bind to it.', { maxLength: 71, pattern: '^sha256:[0-9a-f]{64}$' }),
  targets: count('Control planes in the plan.'),
  stages: array(
    'Stages in order.',
    object('One stage.', {
      name: word('Name.'),
      targets: count('Control planes in the stage.'),
      waves: array('Sizes of its waves.', count('Control planes in the wave.'), { maxItems: MAX_WAVES }),
    }),
    { maxItems: 32, keys: ['name'] },
  ),
})

function request(description: string) {
  return object(description, {
    reason: prose('Why.'),
    by: optional(userName('Who. Set by the API server; anything given is replaced.')),
  })
}

/** Control planes that people may leave out of one rollout, and attempts they may ask for. */
export const MAX_SINGLED_OUT = 256

function singledOut(description: string) {
  return object(description, {
    controlPlane: string('Namespace and name.', { maxLength: 507, pattern: '^[^/]+/[^/]+$' }),
    reason: prose('Why.'),
    by: optional(userName('Who. Set by the API server; anything given is replaced.')),
  })
}

const spec = object(
  'The run as planned. Only pause, abort, revert, expedite, skip and retry can be changed.',
  {
    fix: objectName('ComponentFix it delivers.'),
    fixUid: string('UID of that ComponentFix.', { minLength: 1, maxLength: 64 }),
    strategy: frozenStrategy,
    followUpOf: optional(
      objectName(
        'Completed Rollout of the same fix, by the same strategy, whose approvals hold for this one as well: it treats control planes that came later.',
      ),
    ),
    seed: integer('Seed of the assignment of control planes to waves.', { minimum: 0, maximum: 4_294_967_295 }),
    plan,
    history: optional(
      array(
        'How often earlier fixes of the component failed on control planes of a kind; kinds where none did are left out.',
        object('One kind of control planes.', {
          stratum: string('Release line, platform, architecture, topology and region.', { maxLength: 256 }),
          treated: count('Control planes that were changed, with success or without.'),
          failed: count('Of these, failed.'),
        }),
        { maxItems: MAX_STRATA, keys: ['stratum'] },
      ),
    ),
    deadline: time('When the whole fleet should have it.'),
    pause: optional(request('Present while nothing new may be started.')),
    abort: optional(request('Ends the rollout for good; control planes that have the fix keep it.')),
    revert: optional(request('Halts the rollout and takes the fix back everywhere, for good.')),
    expedite: optional(
      object('Ends the soak after one wave early.', {
        stage: word('Stage.'),
        wave: integer('Wave, from 1.', { minimum: 1, maximum: MAX_WAVES }),
        reason: prose('Why.'),
        by: optional(userName('Who. Set by the API server; anything given is replaced.')),
      }),
    ),
    skip: optional(
      array(
        'Control planes that are left out of this rollout for good. Entries can be added, not taken away; one that was asked already goes on.',
        singledOut('A control plane that is left out.'),
        { maxItems: MAX_SINGLED_OUT, keys: ['controlPlane'] },
      ),
    ),
    retry: optional(
      array(
        'Control planes on which the fix is tried again after it failed. Each entry is worth one attempt; entries can be added, not taken away.',
        singledOut('A control plane on which it is tried again.'),
        { maxItems: MAX_SINGLED_OUT },
      ),
    ),
  },
  {
    rules: [
      {
        rule: 'self.fix == oldSelf.fix && self.fixUid == oldSelf.fixUid && self.seed == oldSelf.seed && self.plan == oldSelf.plan && self.deadline == oldSelf.deadline && self.strategy == oldSelf.strategy && (has(self.followUpOf) ? self.followUpOf : "") == (has(oldSelf.followUpOf) ? oldSelf.followUpOf : "") && has(self.history) == has(oldSelf.history) && (!has(self.history) || self.history == oldSelf.history)',
        message:
          'only pause, abort, revert, expedite, skip and retry can be changed; approvals bind to everything else',
      },
    ],
  },
)

const wave = object('A wave that was opened.', {
  number: integer('Position in the stage, from 1.', { minimum: 1, maximum: MAX_WAVES }),
  size: count('Control planes in it.'),
  openedAt: optional(time('When it was opened; nothing in it was touched before.')),
  closedAt: optional(time('When it passed its gate.')),
  expedited: optional(boolean('Whether somebody ended its soak early.')),
  applied: count('Control planes that have the fix.'),
  failed: count('Control planes where the change failed.'),
  broken: count('Control planes that became unhealthy after it.'),
})

const stage = object('How far one stage is.', {
  name: word('Name.'),
  phase: oneOf('Not begun, being treated, waiting for its gate, or through it.', [
    'Waiting',
    'Open',
    'Soaking',
    'Passed',
  ]),
  waves: array('Waves so far.', wave, { maxItems: MAX_WAVES, keys: ['number'] }),
})

const verdict = object('The last judgement on the fix and what it rests on.', {
  outcome: oneOf('Halt or go on.', ['Halt', 'Clear']),
  rule: word('Rule that decided.'),
  reason: word('The judgement, one CamelCase word for programs.'),
  message: prose('The judgement in a sentence.'),
  evidence: object('Numbers it rests on.', {
    treated: count('Control planes the rule looked at: changed with success or without.'),
    failed: count('Of these, failed or broken.'),
    llr: optional(string('Log likelihood ratio of a bad fix against a good one, decimal.', { maxLength: 32 })),
    limit: optional(string('What the ratio, or the number of failures, was held against, decimal.', { maxLength: 32 })),
    stratum: optional(string('Kind of control planes concerned, when not all.', { maxLength: 256 })),
    stage: optional(word('Stage concerned, when not all.')),
    target: optional(string('Control plane that decided, as namespace/name.', { maxLength: 507 })),
  }),
  bounds: optional(
    object('The share that fails is at least and at most this, each with 95 % confidence.', {
      lower: decimal('Lower bound.'),
      upper: decimal('Upper bound.'),
    }),
  ),
  outlook: optional(prose('What would change the judgement.')),
  time: time('When.'),
})

function decimal(description: string) {
  return string(description, { maxLength: 32, pattern: '^[0-9]+(\\.[0-9]+)?$' })
}

const exposure = object('What the fix has earned: healthy time of treated control planes, in all stages together.', {
  hours: decimal('Healthy control-plane hours.'),
  onsets: count('Treated control planes that became unhealthy.'),
  atMostPerHour: optional(decimal('The rate of onsets per hour is below this with 95 % confidence.')),
})

/** Kinds of control planes whose hours are told: those that lack most. */
export const MAX_CREDIT = 16

const credit = object('What control planes of a kind have earned towards the end of the soak.', {
  stratum: string('Release line, platform, architecture, topology and region.', { maxLength: 256 }),
  treated: count('Of these, treated; while there are none the hours are those of all that are treated.'),
  healthy: count('Of the treated, healthy now.'),
  hours: decimal('Healthy control-plane hours.'),
  asked: decimal('Hours that are asked for.'),
})

const signal = object('How often something happens to treated control planes that may get worse without an illness.', {
  name: word('Signal of the strategy.'),
  bad: count('Windows in which it happened.'),
  total: count('Windows of treated control planes.'),
  evidence: string('Log of the evidence that it is worse than it may be, decimal.', { maxLength: 32 }),
  limit: string('What that is held against, decimal.', { maxLength: 32 }),
})

const suspect = object('A way to be unhealthy that is seen while several rollouts overlap, and whose fault it is.', {
  signature: word('Reason that the control planes report.'),
  onsets: count('Control planes with it.'),
  guilty: optional(objectName('Rollout that is named; absent while none stands out.')),
  message: prose('Why, in a sentence.'),
})

/** More waves than any plan that anybody would approve; without them nothing can be said about how far behind it is. */
export const MAX_OUTLOOK_WAVES = 500

const outlook = object('What was expected of the plan when it was made: shown before anybody approves.', {
  startTime: time('Start that was assumed.'),
  end: optional(time('End with the planned durations; absent when there is none.')),
  feasible: boolean('Whether that is before the deadline.'),
  blockers: array(
    'What stands against the deadline.',
    object('One reason.', { kind: word('What it is, one CamelCase word.'), message: prose('Why, in a sentence.') }),
    { maxItems: 8 },
  ),
  harmHours: decimal('Expected control-plane hours of harm: waiting for the fix, and a bad fix before it is stopped.'),
  p50: optional(time('End with a chance of 50 %.')),
  p80: optional(time('End with a chance of 80 %.')),
  p95: optional(time('End with a chance of 95 %.')),
  waves: optional(
    array(
      'Waves in order, with the planned durations; absent when some can never run.',
      object('One wave.', {
        stage: word('Stage.'),
        wave: integer('Position in the stage, from 1.', { minimum: 1, maximum: MAX_WAVES }),
        size: count('Control planes in it, without those that are held.'),
        startTime: time('Start.'),
        endTime: time('End of its last change; its soak follows.'),
      }),
      { maxItems: MAX_OUTLOOK_WAVES },
    ),
  ),
})

const forecast = object('Quantiles of the end.', {
  time: time('When it was made.'),
  p50: time('With a chance of 50 % it ends before.'),
  p80: time('With a chance of 80 %.'),
  p95: time('With a chance of 95 %.'),
})

const problem = object('A control plane that needs attention.', {
  controlPlane: string('Namespace and name.', { maxLength: 507, pattern: '^[^/]+/[^/]+$' }),
  state: oneOf('Its state.', TARGET_STATES),
  reason: word('Why, one CamelCase word for programs.'),
  message: prose('Why, for people.'),
})

const status = object('How far the run is.', {
  phase: oneOf('State in one word.', [
    'AwaitingApproval',
    'Progressing',
    'Paused',
    'Halted',
    'Reverting',
    'Reverted',
    'Completed',
    'Aborted',
  ]),
  stage: optional(word('Stage in progress.')),
  wave: optional(integer('Wave in progress, from 1.', { minimum: 1, maximum: MAX_WAVES })),
  startTime: optional(time('When the first wave was opened.')),
  completionTime: optional(time('When it ended, in whichever way.')),
  approvals: array(
    'Approvals that count.',
    object('One approval.', { user: userName('Approver.'), time: time('When.') }),
    { maxItems: 16, keys: ['user'] },
  ),
  stages: array('Stages in order.', stage, { maxItems: 32, keys: ['name'] }),
  counts: stateCounts('Control planes of the plan by state.'),
  verdict: optional(verdict),
  eta: optional(time('Expected end.')),
  outlook: optional(outlook),
  forecast: optional(forecast),
  minutesBehind: optional(
    integer('Minutes behind the plan as it was expected; negative when ahead.', {
      minimum: -1_000_000,
      maximum: 1_000_000,
    }),
  ),
  exposure: optional(exposure),
  credit: optional(
    array('Hours earned by kinds of which control planes wait for the next wave, those that lack most first.', credit, {
      maxItems: MAX_CREDIT,
      keys: ['stratum'],
    }),
  ),
  signals: optional(array('Signals that the strategy watches.', signal, { maxItems: 8, keys: ['name'] })),
  suspects: optional(array('Who causes what, while rollouts overlap.', suspect, { maxItems: 16, keys: ['signature'] })),
  waitsFor: optional(
    object('Another rollout that must end or go on first.', {
      rollout: objectName('That rollout.'),
      message: prose('Why, in a sentence.'),
    }),
  ),
  waitsUntil: optional(time('When the soak or the freeze that it waits for ends, as far as is known.')),
  deadlineAtRisk: optional(boolean('Whether it ends after the deadline with a chance of one in five or more.')),
  problems: array('First control planes that need attention.', problem, { maxItems: 10 }),
  log: optional(
    object('How much of what the rollout observed and decided is stored, at least; see RolloutLog.', {
      pieces: count('Pieces.'),
      digest: optional(
        string('Digest of the data of the last one.', { maxLength: 71, pattern: '^sha256:[0-9a-f]{64}$' }),
      ),
    }),
  ),
  decisions: integer('Decisions taken so far.', { minimum: 0, maximum: 2_147_483_647 }),
  conditions: conditions(),
})

export type RolloutSpec = Infer<typeof spec>
export type SingledOut = NonNullable<RolloutSpec['skip']>[number]
export type RolloutStatus = Infer<typeof status>
export type RolloutPlan = Infer<typeof plan>
export type RolloutHistory = NonNullable<RolloutSpec['history']>
export type RolloutPhase = RolloutStatus['phase']
export type RolloutStageStatus = Infer<typeof stage>
export type RolloutWaveStatus = Infer<typeof wave>
export type RolloutVerdict = Infer<typeof verdict>
export type RolloutProblem = Infer<typeof problem>
export type RolloutOutlook = Infer<typeof outlook>
export type RolloutForecast = Infer<typeof forecast>
export type RolloutExposure = Infer<typeof exposure>
export type RolloutCredit = Infer<typeof credit>
export type RolloutSignal = Infer<typeof signal>
export type RolloutSuspect = Infer<typeof suspect>

/** One change travelling through the fleet. */
export interface Rollout extends KubeObject {
  readonly spec: RolloutSpec
  readonly status?: RolloutStatus
}

export const rolloutKind: KindDefinition = {
  resource: rollouts,
  description: 'One fix travelling through the fleet by an approved plan, in stages and waves.',
  shortNames: ['ro'],
  columns: [
    { name: 'Fix', type: 'string', jsonPath: '.spec.fix', description: 'ComponentFix being delivered.' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'State of the run.' },
    { name: 'Stage', type: 'string', jsonPath: '.status.stage', description: 'Stage in progress.' },
    { name: 'Wave', type: 'integer', jsonPath: '.status.wave', description: 'Wave in progress.' },
    {
      name: 'Applied',
      type: 'integer',
      jsonPath: '.status.counts.Applied',
      description: 'Control planes that have the fix.',
    },
    {
      name: 'Failed',
      type: 'integer',
      jsonPath: '.status.counts.Failed',
      description: 'Control planes where it failed.',
    },
    { name: 'Targets', type: 'integer', jsonPath: '.spec.plan.targets', description: 'Control planes in the plan.' },
    { name: 'ETA', type: 'string', jsonPath: '.status.eta', description: 'Expected end.' },
    { name: 'Deadline', type: 'string', jsonPath: '.spec.deadline', description: 'Deadline.', priority: 1 },
    {
      name: 'Verdict',
      type: 'string',
      jsonPath: '.status.verdict.message',
      description: 'Last judgement.',
      priority: 1,
    },
    AGE,
  ],
  spec,
  status,
}
