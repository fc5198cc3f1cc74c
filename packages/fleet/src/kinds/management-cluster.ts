import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { integer, object, oneOf, optional } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { conditions, count, ENVIRONMENTS, PLATFORMS, word } from '../schema/common.ts'
import { managementClusters } from '../well-known.ts'

const spec = object('What the platform admin says about this management cluster.', {
  environment: oneOf('Environment all its control planes belong to.', ENVIRONMENTS),
  sector: word('Part of the environment; in production `canary` goes before `main`.'),
  region: word('Region it runs in.'),
  platform: optional(oneOf('Platform of its control planes, when they all share one.', PLATFORMS)),
  maxConcurrent: integer('Control planes that may be changing here at the same time.', { minimum: 1, maximum: 1000 }),
})

const status = object('What is known about this management cluster.', {
  controlPlanes: count('Control planes of it that are registered here.'),
  unregistered: optional(
    count('HostedClusters on it that no ControlPlane speaks of, so that nothing reaches them; absent while not known.'),
  ),
  conditions: conditions(),
})

export type ManagementClusterSpec = Infer<typeof spec>
export type ManagementClusterStatus = Infer<typeof status>

/** A cluster that hosts control planes. Its name is also the namespace of their ControlPlane objects. */
export interface ManagementCluster extends KubeObject {
  readonly spec: ManagementClusterSpec
  readonly status?: ManagementClusterStatus
}

export const managementClusterKind: KindDefinition = {
  resource: managementClusters,
  description:
    'A cluster that hosts control planes. The ControlPlane objects of its control planes live in the namespace of the same name.',
  shortNames: ['mc'],
  columns: [
    { name: 'Environment', type: 'string', jsonPath: '.spec.environment', description: 'Environment.' },
    { name: 'Sector', type: 'string', jsonPath: '.spec.sector', description: 'Sector within the environment.' },
    { name: 'Region', type: 'string', jsonPath: '.spec.region', description: 'Region.' },
    { name: 'Platform', type: 'string', jsonPath: '.spec.platform', description: 'Platform.', priority: 1 },
    {
      name: 'Control-Planes',
      type: 'integer',
      jsonPath: '.status.controlPlanes',
      description: 'Registered control planes.',
    },
    {
      name: 'Unregistered',
      type: 'integer',
      jsonPath: '.status.unregistered',
      description: 'HostedClusters without a ControlPlane.',
    },
    { name: 'Max', type: 'integer', jsonPath: '.spec.maxConcurrent', description: 'Changes at the same time.' },
    AGE,
  ],
  spec,
  status,
}
