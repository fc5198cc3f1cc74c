import type { JsonObject } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from '../testing/test-cluster.ts'
import type { CustomResourceDefinition, DefinitionVersion } from './definition.ts'
import { baseObject, collectionPath, merge } from './fixture-base-objects.ts'
import { fixtureDefinitions, haveFixtures } from './fixture-definitions.ts'
import { sampleValue } from './sample-values.ts'

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** File of a definition, what an object says beyond the smallest one, and what is said of it. */
type Fact = readonly [file: string, change: JsonObject, field: string, message: string]

const nodePools = 'hypershift/nodepools.yaml'
const hostedClusters = 'hypershift/hostedclusters.yaml'
const infrastructures = 'openshift/infrastructures.yaml'
const clusterVersions = 'openshift/clusterversions.yaml'
const works = 'ocm/manifestworks.yaml'
const healthInsights = 'openshift/healthinsights-pr2233.yaml'
const pools = 'openshift/machineconfigpools.yaml'

const bareMetal = (part: JsonObject): JsonObject => ({ spec: { platformSpec: { type: 'BareMetal', baremetal: part } } })
const placement = (part: JsonObject): JsonObject => ({
  spec: {
    platform: {
      type: 'AWS',
      aws: {
        instanceType: 'm5.large',
        instanceProfile: 'p',
        subnet: { id: 'subnet-1' },
        placement: part,
      },
    },
  },
})
const publishing = (strategy: JsonObject, others = 'Route'): JsonObject => ({
  spec: {
    services: [
      { service: 'APIServer', servicePublishingStrategy: strategy },
      ...['OAuthServer', 'Konnectivity', 'Ignition'].map((service) => ({
        service,
        servicePublishingStrategy: { type: others },
      })),
    ],
  },
})
const synchronizer = (counts: JsonObject): JsonObject => ({
  status: {
    poolSynchronizersStatus: [
      {
        poolSynchronizerType: 'PinnedImageSets',
        machineCount: 5,
        updatedMachineCount: 1,
        readyMachineCount: 1,
        availableMachineCount: 1,
        unavailableMachineCount: 0,
        ...counts,
      },
    ],
  },
})

const pausedUntil = "PausedUntil must be a date in RFC3339 format or 'True', 'true', 'False' or 'false'"

const creations: readonly Fact[] = [
  [
    nodePools,
    { spec: { replicas: 1, autoScaling: { min: 1, max: 2 } } },
    'spec',
    'Both replicas or autoScaling should not be set',
  ],
  [
    nodePools,
    { spec: { autoScaling: { min: 3, max: 2 } } },
    'spec.autoScaling',
    'max must be equal or greater than min',
  ],
  [nodePools, { spec: { arch: 's390x' } }, 'spec', 's390x is only supported on KubeVirt platform'],
  [
    nodePools,
    { spec: { clusterName: 'Not_A_Label' } },
    'spec.clusterName',
    'clusterName must consist of lowercase alphanumeric characters',
  ],
  [nodePools, { spec: { pausedUntil: 'tomorrow' } }, 'spec.pausedUntil', pausedUntil],
  [
    nodePools,
    { spec: { management: { upgradeType: 'Replace', inPlace: {} } } },
    'spec.management',
    "The 'inPlace' field can only be set when 'upgradeType' is 'InPlace'",
  ],
  [
    nodePools,
    { spec: { management: { upgradeType: 'Replace', replace: { strategy: 'OnDelete', rollingUpdate: {} } } } },
    'spec.management.replace',
    "The 'rollingUpdate' field can only be set when 'strategy' is 'RollingUpdate'",
  ],
  [
    nodePools,
    placement({ tenancy: 'host', capacityReservation: { id: 'cr-0123456789abcdef0' } }),
    'spec.platform.aws.placement',
    "AWS Capacity Reservations cannot be used with Dedicated Hosts (tenancy 'host')",
  ],
  [
    nodePools,
    placement({ marketType: 'Spot', tenancy: 'dedicated' }),
    'spec.platform.aws.placement',
    'Spot instances require default tenancy or unset',
  ],
  [
    nodePools,
    placement({ marketType: 'CapacityBlocks' }),
    'spec.platform.aws.placement',
    'CapacityBlocks market type requires capacityReservation to be specified',
  ],
  [
    nodePools,
    placement({ capacityReservation: { id: 'cr-0123456789abcdef0', preference: 'Open' } }),
    'spec.platform.aws.placement.capacityReservation',
    "AWS Capacity Reservation preference 'None' or 'Open' is incompatible",
  ],
  [
    hostedClusters,
    { spec: { services: [] } },
    'spec',
    'spec.services in body should have at least 4 items or 3 for IBMCloud',
  ],
  [
    hostedClusters,
    { spec: { etcd: { managementType: 'Unmanaged' } } },
    'spec.etcd',
    'Only unmanaged configuration must be set when managementType is Unmanaged',
  ],
  [
    hostedClusters,
    publishing({ type: 'NodePort' }),
    'spec.services[0].servicePublishingStrategy',
    'nodePort is required when type is NodePort, and forbidden otherwise',
  ],
  [
    hostedClusters,
    publishing({ type: 'Route', loadBalancer: { hostname: 'a.example' } }),
    'spec.services[0].servicePublishingStrategy',
    'only route is allowed when type is Route, and forbidden otherwise',
  ],
  [
    hostedClusters,
    publishing({ type: 'None', route: { hostname: 'a.example' } }),
    'spec.services[0].servicePublishingStrategy',
    'None does not allowed any configuration for loadBalancer, nodePort, or route',
  ],
  [
    hostedClusters,
    { spec: { platform: { type: 'Azure' }, ...(publishing({ type: 'Route' }, 'LoadBalancer')['spec'] as JsonObject) } },
    'spec',
    'Azure platform requires Konnectivity to use Route service publishing strategy',
  ],
  [
    hostedClusters,
    {
      spec: {
        networking: { networkType: 'Calico' },
        operatorConfiguration: { clusterNetworkOperator: { disableMultiNetwork: true } },
      },
    },
    'spec',
    "disableMultiNetwork can only be set to true when networkType is 'Other'",
  ],
  [
    infrastructures,
    bareMetal({ apiServerInternalIPs: ['192.0.2.1', '192.0.2.2'] }),
    'spec.platformSpec.baremetal.apiServerInternalIPs',
    'apiServerInternalIPs must contain at most one IPv4 address and at most one IPv6 address',
  ],
  [
    infrastructures,
    bareMetal({ ingressIPs: ['192.0.2.300'] }),
    'spec.platformSpec.baremetal.ingressIPs[0]',
    'value must be a valid IP address',
  ],
  [
    infrastructures,
    bareMetal({ machineNetworks: ['10.0.0.0'] }),
    'spec.platformSpec.baremetal.machineNetworks[0]',
    'value must be a valid CIDR network address',
  ],
  [
    infrastructures,
    bareMetal({ machineNetworks: ['10.0.0.0/8', '10.0.0.0/8'] }),
    'spec.platformSpec.baremetal.machineNetworks',
    'failed rule: self.all(x, self.exists_one(y, x == y))',
  ],
  [
    clusterVersions,
    { spec: { desiredUpdate: { architecture: 'Multi', image: 'a', version: '4.20.1' } } },
    'spec.desiredUpdate',
    'cannot set both Architecture and Image',
  ],
  [
    clusterVersions,
    { spec: { desiredUpdate: { architecture: 'Multi', version: '' } } },
    'spec.desiredUpdate',
    'Version must be set if Architecture is set',
  ],
  [
    clusterVersions,
    { spec: { capabilities: { baselineCapabilitySet: 'None', additionalEnabledCapabilities: ['marketplace'] } } },
    '<nil>',
    'the `marketplace` capability requires the `OperatorLifecycleManager` capability',
  ],
  [
    works,
    {
      spec: {
        manifestConfigs: [
          { resourceIdentifier: { resource: 'pods', name: 'a' }, conditionRules: [{ type: 'CEL', condition: '' }] },
        ],
      },
    },
    'spec.manifestConfigs[0].conditionRules[0]',
    'Condition is required for CEL rules',
  ],
]

const pool = { scope: { type: 'WorkerPool', resources: [{ resource: 'nodes', name: 'a' }] } }

const statusWrites: readonly Fact[] = [
  [
    pools,
    synchronizer({ updatedMachineCount: 6 }),
    'status.poolSynchronizersStatus[0]',
    'machineCount must be greater than or equal to updatedMachineCount',
  ],
  [
    pools,
    synchronizer({ readyMachineCount: 2 }),
    'status.poolSynchronizersStatus[0]',
    'availableMachineCount must be greater than or equal to readyMachineCount',
  ],
  [
    pools,
    synchronizer({ unavailableMachineCount: 7 }),
    'status.poolSynchronizersStatus[0]',
    'machineCount must be greater than or equal to unavailableMachineCount',
  ],
  [
    healthInsights,
    { status: { remediation: { reference: 'nowhere' } } },
    'status.remediation.reference',
    'reference must a valid URL',
  ],
  [
    healthInsights,
    { status: { scope: { ...pool.scope, resources: [{ resource: 'nodes', name: 'No!' }] } } },
    'status.scope.resources[0].name',
    'a lowercase RFC 1123 subdomain must consist of',
  ],
]

/** File, what the object says first and afterwards, and what is said of the change; nothing when it is fine. */
type Transition = readonly [file: string, before: JsonObject, after: JsonObject, field: string, message: string]

const featureSet = (name: string): JsonObject => ({ spec: { featureSet: name } })

const transitions: readonly Transition[] = [
  [nodePools, { spec: { arch: 'amd64' } }, { spec: { arch: 'arm64' } }, 'spec.arch', 'Arch is immutable'],
  [
    nodePools,
    { spec: { clusterName: 'a' } },
    { spec: { clusterName: 'b' } },
    'spec.clusterName',
    'ClusterName is immutable',
  ],
  [
    nodePools,
    { spec: { management: { upgradeType: 'Replace' } } },
    { spec: { management: { upgradeType: 'InPlace' } } },
    'spec.management.upgradeType',
    'UpgradeType is immutable',
  ],
  [
    hostedClusters,
    publishing({ type: 'Route' }),
    publishing({ type: 'LoadBalancer' }),
    'spec',
    'Services is immutable. Changes might result in unpredictable and disruptive behavior.',
  ],
  [
    'openshift/featuregates.yaml',
    featureSet('CustomNoUpgrade'),
    featureSet('TechPreviewNoUpgrade'),
    'spec.featureSet',
    'CustomNoUpgrade may not be changed',
  ],
  [
    'openshift/featuregates.yaml',
    featureSet('TechPreviewNoUpgrade'),
    featureSet('CustomNoUpgrade'),
    'spec.featureSet',
    'TechPreviewNoUpgrade may not be changed',
  ],
  [
    'openshift/ingresses.yaml',
    { spec: { domain: 'a.example' } },
    { spec: { domain: 'b.example' } },
    'spec.domain',
    'domain is immutable once set',
  ],
  [
    infrastructures,
    { spec: { platformSpec: { type: 'External', external: { platformName: 'one' } } } },
    { spec: { platformSpec: { external: { platformName: 'two' } } } },
    'spec.platformSpec.external.platformName',
    'platform name cannot be changed once set',
  ],
  [
    infrastructures,
    { spec: { platformSpec: { type: 'External', external: { platformName: 'Unknown' } } } },
    { spec: { platformSpec: { external: { platformName: 'two' } } } },
    '',
    '',
  ],
  [nodePools, { spec: { replicas: 1 } }, { spec: { replicas: 2 } }, '', ''],
]

function fixture(file: string): { definition: CustomResourceDefinition; version: DefinitionVersion } {
  const { definition } = fixtureDefinitions().find((one) => one.file === file)!
  return { definition, version: definition.spec.versions.find(({ served }) => served)! }
}

async function open(file: string): Promise<{ cluster: TestCluster; path: string; smallest: JsonObject }> {
  const { definition, version } = fixture(file)
  const cluster = await openTestCluster()
  await cluster.send('POST', CRD, { body: definition })
  return { cluster, path: collectionPath(definition, version), smallest: baseObject(definition, version) }
}

/** What a refusal says of a field; all it says when that is nothing. */
function saidOf(answer: RawAnswer, field: string): string {
  if (answer.code !== 422) return answer.text
  const causes = statusOf(answer).details?.causes ?? []
  const said = causes.filter((cause) => cause.field === field)
  return JSON.stringify((said.length > 0 ? said : causes).map(({ message }) => message))
}

/** Rules in the schemas of real products, as a reader understands them. */
describe.skipIf(!haveFixtures)('an object is refused by the rule', () => {
  test.each(creations)('%s %j: %s %s', async (file, change, field, message) => {
    const { cluster, path, smallest } = await open(file)
    const name = file === infrastructures || file === clusterVersions ? 'version' : 'cluster'
    const body = { ...(merge(smallest, change) as JsonObject), metadata: { name } }
    // Lists of a change stand for themselves.
    expect(saidOf(await cluster.send('POST', path, { body: { ...body, ...replaced(body, change) } }), field)).toContain(
      message,
    )
  })

  test.each(statusWrites)('%s %j: %s %s', async (file, change, field, message) => {
    const { cluster, path, smallest } = await open(file)
    const created = (await cluster.send('POST', path, { body: smallest })).json<JsonObject>()
    const sample = sampleValue(fixture(file).version.schema!.openAPIV3Schema!, 0, [
      { property: 'status' },
    ]) as JsonObject
    const status = merge(sample['status']!, change['status']!)
    expect(
      saidOf(await cluster.send('PUT', `${path}/cluster/status`, { body: { ...created, status } }), field),
    ).toContain(message)
  })

  test.each(transitions)('%s %j to %j: %s %s', async (file, before, after, field, message) => {
    const { cluster, path, smallest } = await open(file)
    const created = await cluster.send('POST', path, { body: merge(smallest, before) })
    expect(created.code === 201 ? '' : created.text).toBe('')
    const body = merge(created.json<JsonObject>(), after)
    const answer = await cluster.send('PUT', `${path}/cluster`, { body })
    if (message === '') expect(answer.code).toBe(200)
    else expect(saidOf(answer, field)).toContain(message)
  })
})

function replaced(body: JsonObject, change: JsonObject): JsonObject {
  const services = (change['spec'] as JsonObject | undefined)?.['services']
  return Array.isArray(services) ? { spec: { ...(body['spec'] as JsonObject), services } } : {}
}
