import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, integer, object, oneOf, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import {
  anyImage,
  conditions,
  count,
  digestImage,
  ENVIRONMENTS,
  label,
  objectName,
  PLATFORMS,
  prose,
  time,
  version,
  word,
} from '../schema/common.ts'
import { controlPlanes } from '../well-known.ts'

const override = object('A component image that replaces the one of the release.', {
  component: word('Component by its name in the release.'),
  image: digestImage('Image to run, by digest.'),
  fix: objectName('ComponentFix it belongs to.'),
  rollout: objectName('Rollout that wrote it.'),
  wave: optional(integer('Wave of its stage in which it was written, from 1.', { minimum: 1, maximum: 1000 })),
  attempt: optional(
    integer('Present when the change failed and is tried again: 2 for the second attempt.', {
      minimum: 2,
      maximum: 1000,
    }),
  ),
})

const hold = object('A reason not to change this control plane.', {
  name: word('Name of the hold, unique here.'),
  reason: prose('Why nothing may change.'),
  owner: prose('Who to ask.', 256),
  expires: optional(time('When the hold ends by itself; without it somebody must remove it.')),
})

const spec = object('What should be. Written by the manager.', {
  hostedCluster: object('The HostedCluster on the management cluster.', {
    namespace: objectName('Its namespace.'),
    name: objectName('Its name.'),
  }),
  overrides: optional(array('Component images to replace.', override, { maxItems: 64, keys: ['component'] })),
  holds: optional(array('Reasons not to change this control plane.', hold, { maxItems: 16, keys: ['name'] })),
})

const identity = object('What kind of control plane this is; what it is compared with.', {
  environment: oneOf('Environment.', ENVIRONMENTS),
  sector: word('Sector within the environment.'),
  region: word('Region.'),
  platform: oneOf('HostedCluster.spec.platform.type.', PLATFORMS),
  architecture: word('CPU architecture of the data plane.'),
  topology: oneOf('HostedCluster.spec.controllerAvailabilityPolicy.', ['HighlyAvailable', 'SingleReplica']),
  customer: label('Customer it belongs to; no customer gets too large a share of one wave.'),
  tier: label('Support tier of the customer.'),
  pair: optional(
    label('Pair or group of control planes that stand in for each other; no two of it are changed at the same time.'),
  ),
  features: optional(
    array('Features that make it behave differently.', word('Feature.'), { maxItems: 32, unique: true }),
  ),
})

const componentImage = object('The image one component runs, and why.', {
  component: word('Component by its name in the release.'),
  image: anyImage('Image it runs.'),
  origin: oneOf('Where the image comes from: the release payload, an override file, an annotation.', [
    'payload',
    'file',
    'annotation',
    'unknown',
  ]),
  fix: optional(objectName('ComponentFix that put it there.')),
})

const operation = object('The change of one component that is in progress, or the last one.', {
  component: word('Component being changed.'),
  image: optional(digestImage('Image being put in place; absent when going back to what was there before.')),
  fix: optional(objectName('ComponentFix it belongs to.')),
  rollout: optional(objectName('Rollout that asked for it.')),
  attempt: optional(integer('Which attempt it is, when it is not the first.', { minimum: 2, maximum: 1000 })),
  phase: oneOf('How far it is.', ['Applying', 'Verifying', 'Applied', 'Failed', 'Reverting', 'Reverted']),
  startTime: time('When it was first written to the management cluster.'),
  completionTime: optional(time('When it came to its end, good or bad.')),
  reason: optional(word('Why it is in this phase, one CamelCase word for programs.')),
  message: optional(prose('Why it is in this phase, for people.')),
})

const health = object('Whether the control plane does its work.', {
  state: oneOf('Health in one word.', ['Healthy', 'Degraded', 'Unavailable', 'Unknown']),
  since: time('When it became so.'),
  reason: optional(word('Why, one CamelCase word for programs.')),
  message: optional(prose('Why, for people.')),
})

/** Signals of one control plane: few, as every status is read by everybody. */
const MAX_SIGNALS = 8

const signal = object('Something that is counted, that may get worse without an illness.', {
  name: word('What is counted. DegradedChanges: how often the condition Degraded of the HostedCluster changed.'),
  value: count('How often so far, since the agent began to count.'),
  at: time('The last time.'),
})

const status = object('What is. Written by the agent of the management cluster.', {
  identity,
  version: object('Versions it runs.', {
    controlPlane: version('Version of the control plane.'),
    dataPlane: version('Version of the data plane.'),
  }),
  images: array('Images of its components.', componentImage, { maxItems: 64, keys: ['component'] }),
  operations: optional(
    array('Changes of its components, the newest first.', operation, { maxItems: 64, keys: ['component'] }),
  ),
  health,
  signals: optional(array('What is counted.', signal, { maxItems: MAX_SIGNALS, keys: ['name'] })),
  nodeFingerprint: string('Changes whenever nodes are replaced or reconfigured, and only then.', { maxLength: 128 }),
  conditions: conditions(),
})

export type ControlPlaneSpec = Infer<typeof spec>
export type ControlPlaneStatus = Infer<typeof status>
export type ControlPlaneIdentity = Infer<typeof identity>
export type ComponentOverride = Infer<typeof override>
export type ComponentImage = Infer<typeof componentImage>
export type ControlPlaneOperation = Infer<typeof operation>
export type ControlPlaneHealth = Infer<typeof health>
export type ControlPlaneSignal = Infer<typeof signal>
export type Hold = Infer<typeof hold>

/** One hosted control plane. Its namespace is the name of its management cluster. */
export interface ControlPlane extends KubeObject {
  readonly spec: ControlPlaneSpec
  readonly status?: ControlPlaneStatus
}

export const controlPlaneKind: KindDefinition = {
  resource: controlPlanes,
  description: 'One hosted control plane: what it should run and what it does run.',
  shortNames: ['cp'],
  columns: [
    {
      name: 'Version',
      type: 'string',
      jsonPath: '.status.version.controlPlane',
      description: 'Version of the control plane.',
    },
    {
      name: 'Fix',
      type: 'string',
      jsonPath: '.status.images[?(@.component=="control-plane-operator")].fix',
      description: 'Fix in place for the control-plane operator.',
    },
    {
      name: 'State',
      type: 'string',
      jsonPath: '.status.operations[0].phase',
      description: 'Phase of the last change.',
    },
    { name: 'Health', type: 'string', jsonPath: '.status.health.state', description: 'Health.' },
    { name: 'Region', type: 'string', jsonPath: '.status.identity.region', description: 'Region.' },
    { name: 'Platform', type: 'string', jsonPath: '.status.identity.platform', description: 'Platform.' },
    {
      name: 'Topology',
      type: 'string',
      jsonPath: '.status.identity.topology',
      description: 'HighlyAvailable or SingleReplica.',
      priority: 1,
    },
    {
      name: 'Data-Plane',
      type: 'string',
      jsonPath: '.status.version.dataPlane',
      description: 'Version of the data plane.',
      priority: 1,
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.operations[0].reason',
      description: 'Why the change is in its phase.',
      priority: 1,
    },
    AGE,
  ],
  spec,
  status,
}
