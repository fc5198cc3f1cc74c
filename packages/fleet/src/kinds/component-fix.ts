import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, object, oneOf, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { conditions, count, duration, objectName, PLATFORMS, prose, userName, version } from '../schema/common.ts'
import { stateCounts } from '../schema/state-counts.ts'
import { componentFixes, DEFAULT_COMPONENT } from '../well-known.ts'

const versions = object('Versions of one release line, both ends included.', {
  from: version('First version.'),
  to: version('Last version.'),
  exclude: optional(
    array('Versions in between that are left out.', version('Version.'), { maxItems: 64, unique: true }),
  ),
})

const target = object('One image and the releases it is for.', {
  platforms: array('Platforms it is for.', oneOf('Platform.', PLATFORMS), { minItems: 1, maxItems: 9, unique: true }),
  versions,
  // No pattern: admission refuses a tag in words, and the rule does where admission is not ours.
  image: string('Image that contains the fix, by digest.', {
    minLength: 1,
    maxLength: 512,
    rules: [
      {
        rule: "self.matches('^[^@]+@sha256:[0-9a-f]{64}$')",
        message:
          'must name its content by digest (registry/repository@sha256:…), since a tag can change under a rollout',
      },
    ],
  }),
})

const spec = object(
  'What to deliver. Cannot be changed; a different content is a different fix.',
  {
    ticket: string('Ticket of the defect.', { minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][-A-Za-z0-9_./#]*$' }),
    summary: optional(prose('What the fix does, in a sentence.', 256)),
    component: string('Component to replace, by its name in the release.', {
      minLength: 1,
      maxLength: 63,
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      default: DEFAULT_COMPONENT,
    }),
    targets: array('Images by platform and version.', target, { minItems: 1, maxItems: 64 }),
    strategy: objectName('RolloutStrategy to follow.'),
    deadline: duration('Time from creation to the whole fleet.', { default: '24h' }),
    supersedes: optional(
      array('Fixes whose content these images include; they may be replaced.', objectName('ComponentFix.'), {
        maxItems: 32,
        unique: true,
      }),
    ),
    requestedBy: optional(userName('Who created it. Set by the API server; anything given is replaced.')),
  },
  {
    rules: [
      { rule: 'self == oldSelf', message: 'cannot be changed; create another ComponentFix that supersedes this one' },
    ],
  },
)

const status = object('How far the delivery is.', {
  phase: oneOf('State in one word.', [
    'Pending',
    'AwaitingApproval',
    'Delivering',
    'Delivered',
    'Halted',
    'Reverted',
    'Aborted',
    'Refused',
  ]),
  rollout: optional(objectName('Rollout that delivers it.')),
  affected: count('Control planes that need the fix.'),
  counts: stateCounts('Affected control planes by state.'),
  message: optional(prose('Why it is in this phase and what to do, for people.')),
  conditions: conditions(),
})

export type ComponentFixSpec = Infer<typeof spec>
export type ComponentFixStatus = Infer<typeof status>
export type ComponentFixTarget = Infer<typeof target>
export type ComponentFixPhase = ComponentFixStatus['phase']

/** Replaced component images for given releases, to be delivered to every control plane on them. */
export interface ComponentFix extends KubeObject {
  readonly spec: ComponentFixSpec
  readonly status?: ComponentFixStatus
}

export const componentFixKind: KindDefinition = {
  resource: componentFixes,
  description: 'Replaced component images for given releases, to be delivered to every control plane on them.',
  shortNames: ['fix'],
  columns: [
    { name: 'Ticket', type: 'string', jsonPath: '.spec.ticket', description: 'Ticket.' },
    { name: 'Component', type: 'string', jsonPath: '.spec.component', description: 'Replaced component.' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'State of the delivery.' },
    { name: 'Affected', type: 'integer', jsonPath: '.status.affected', description: 'Control planes that need it.' },
    {
      name: 'Applied',
      type: 'integer',
      jsonPath: '.status.counts.Applied',
      description: 'Control planes that have it.',
    },
    {
      name: 'Failed',
      type: 'integer',
      jsonPath: '.status.counts.Failed',
      description: 'Control planes where it failed.',
    },
    { name: 'Deadline', type: 'string', jsonPath: '.spec.deadline', description: 'Time allowed from creation.' },
    { name: 'Requested-By', type: 'string', jsonPath: '.spec.requestedBy', description: 'Requester.', priority: 1 },
    { name: 'Rollout', type: 'string', jsonPath: '.status.rollout', description: 'Rollout.', priority: 1 },
    AGE,
  ],
  spec,
  status,
}
