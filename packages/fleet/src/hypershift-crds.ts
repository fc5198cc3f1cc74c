import { crd } from './crds.ts'
import type { CustomResourceDefinition } from './crds.ts'
import { AGE } from './kind.ts'
import type { Column, KindDefinition } from './kind.ts'
import { array, integer, object, oneOf, opaque, optional, string } from './schema/builder.ts'
import { anyImage, objectName, PLATFORMS } from './schema/common.ts'
import { controlPlaneComponents, hostedClusters, nodePools } from './well-known.ts'

const releaseImage = { image: anyImage('Release image.') }

function condition(name: string, type: string, field: 'status' | 'message', priority = 0): Column {
  return {
    name,
    type: 'string',
    jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`,
    description: field === 'status' ? `Condition ${type}.` : `Message of the condition ${type}.`,
    ...(priority === 0 ? {} : { priority }),
  }
}

const hostedCluster: KindDefinition = {
  resource: hostedClusters,
  description: 'A hosted cluster, as far as Locktender and its simulator need the kind of HyperShift.',
  shortNames: ['hc', 'hcs'],
  columns: [
    {
      name: 'Version',
      type: 'string',
      jsonPath: '.status.version.history[?(@.state=="Completed")].version',
      description: 'Last completed version.',
    },
    {
      name: 'CP-Version',
      type: 'string',
      jsonPath: '.status.controlPlaneVersion.history[?(@.state=="Completed")].version',
      description: 'Last completed version of the control plane.',
    },
    {
      name: 'Progress',
      type: 'string',
      jsonPath: '.status.version.history[0].state',
      description: 'State of the newest version.',
    },
    condition('Available', 'Available', 'status'),
    condition('Progressing', 'Progressing', 'status'),
    condition('Degraded', 'Degraded', 'status', 1),
    condition('Message', 'Available', 'message'),
    AGE,
  ],
  spec: object('What should be.', {
    release: object('Release of the whole cluster.', releaseImage),
    controlPlaneRelease: optional(object('Release of the control plane when it differs.', releaseImage)),
    channel: optional(string('Update channel.', { minLength: 1, maxLength: 100 })),
    clusterID: optional(string('Identity of the cluster.', { maxLength: 36 })),
    platform: object('Where it runs.', { type: oneOf('Platform.', PLATFORMS) }),
    controllerAvailabilityPolicy: optional(
      oneOf('Replicas of the control plane.', ['HighlyAvailable', 'SingleReplica']),
    ),
    pausedUntil: optional(string('A time, or true: reconciliation is paused.', { minLength: 4, maxLength: 35 })),
  }),
  status: opaque('What is.'),
}

const nodePool: KindDefinition = {
  resource: nodePools,
  description: 'A pool of worker nodes, as far as Locktender and its simulator need the kind of HyperShift.',
  shortNames: ['np', 'nps'],
  columns: [
    { name: 'Cluster', type: 'string', jsonPath: '.spec.clusterName', description: 'Hosted cluster.' },
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas', description: 'Desired nodes.' },
    { name: 'Current', type: 'integer', jsonPath: '.status.replicas', description: 'Nodes.' },
    { name: 'Version', type: 'string', jsonPath: '.status.version', description: 'Version of the nodes.' },
    condition('UpdatingVersion', 'UpdatingVersion', 'status'),
    condition('UpdatingConfig', 'UpdatingConfig', 'status'),
    AGE,
  ],
  spec: object('What should be.', {
    clusterName: objectName('Hosted cluster it belongs to.'),
    release: object('Release of the nodes.', releaseImage),
    replicas: optional(integer('Nodes.', { minimum: 0, maximum: 100_000 })),
    arch: optional(string('CPU architecture.', { maxLength: 16 })),
    management: optional(
      object('How nodes are updated.', { upgradeType: oneOf('Replace or in place.', ['Replace', 'InPlace']) }),
    ),
    config: optional(array('Configuration of the nodes.', opaque('A reference.'), { maxItems: 64 })),
  }),
  status: opaque('What is.'),
}

const controlPlaneComponent: KindDefinition = {
  resource: controlPlaneComponents,
  description: 'One component of a control plane, as far as Locktender and its simulator need the kind of HyperShift.',
  shortNames: ['cpc', 'cpcs'],
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.status.version', description: 'Version that was rolled out.' },
    condition('Available', 'Available', 'status'),
    condition('RolloutComplete', 'RolloutComplete', 'status'),
    condition('Message', 'RolloutComplete', 'message'),
    AGE,
  ],
  spec: opaque('Nothing.'),
  specOptional: true,
  status: opaque('What is.'),
}

/** Small CRDs of the HyperShift kinds (v1beta1) for simulated management clusters. */
export function hypershiftCrds(): CustomResourceDefinition[] {
  return [hostedCluster, nodePool, controlPlaneComponent].map((kind) => crd(kind, []))
}
