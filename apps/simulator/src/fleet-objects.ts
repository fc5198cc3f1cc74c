import { apiVersionOf } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import {
  API_VERSION,
  controlPlanes,
  managementClusters,
  namespaces,
  releases,
  rolloutStrategies,
} from '@locktender/fleet'
import type {
  ComponentFix,
  ControlPlane,
  ManagementCluster,
  Release,
  RolloutStrategy,
  RolloutStrategySpec,
} from '@locktender/fleet'
import type { SimulatedFleet } from './fleet-generator.ts'
import { simulatedImage } from './fleet-generator.ts'
import { componentNames, operatorComponent } from './hosted-control-plane/components.ts'
import type { ComponentSet } from './hosted-control-plane/components.ts'
import type { ControlPlaneFacts } from './hosted-control-plane/view.ts'

/** The namespace of all HostedClusters on every simulated management cluster. */
export const hostedClusterNamespace = 'clusters'

/** The fix that travels the fleet. */
export const fixName = 'fix-90001'
const ticket = 'OCPBUGS-90001'
/** What `lkt fix request` asks for unless told otherwise. */
const strategyName = 'default'

/** An object to create on the hub. */
export interface HubObject {
  readonly resource: Resource
  readonly object: KubeObject
}

/** Everything that platform admins put on the hub before anything is fixed, in the order in which to create it. */
export function hubObjects(fleet: SimulatedFleet): HubObject[] {
  return [
    ...fleet.managementClusters.map(({ name }) => ({
      resource: namespaces,
      object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    })),
    ...fleet.managementClusters.map(({ name, ...spec }) => ({
      resource: managementClusters,
      object: { ...head(managementClusters, name), spec } as ManagementCluster,
    })),
    ...fleet.releases.map((release) => ({ resource: releases, object: releaseObject(release) })),
    {
      resource: rolloutStrategies,
      object: { ...head(rolloutStrategies, strategyName), spec: standardStrategy } as RolloutStrategy,
    },
    ...fleet.controlPlanes.map(({ name, managementCluster }) => ({
      resource: controlPlanes,
      object: {
        ...head(controlPlanes, name, managementCluster),
        spec: { hostedCluster: { namespace: hostedClusterNamespace, name } },
      } as ControlPlane,
    })),
  ]
}

/**
 * Integration, stage, the canary sector, then the rest of production, with half an hour between the waves. Waves
 * grow faster where no customer is, so that a fleet of a thousand is through within its day.
 */
const standardStrategy: RolloutStrategySpec = {
  approvals: 2,
  stages: [
    {
      name: 'integration',
      selector: { environment: 'integration' },
      canary: 3,
      factor: 3,
      soak: '30m',
      finalSoak: '30m',
    },
    { name: 'stage', selector: { environment: 'stage' }, canary: 5, factor: 3, soak: '30m', finalSoak: '30m' },
    {
      name: 'canary',
      selector: { environment: 'production', sector: 'canary' },
      canary: 5,
      factor: 2,
      soak: '30m',
      finalSoak: '1h',
    },
    {
      name: 'production',
      selector: { environment: 'production', sector: 'main' },
      canary: 20,
      factor: 2,
      soak: '30m',
      finalSoak: '30m',
    },
  ],
  failureBudget: { percent: 5, minimum: 3 },
  sequentialTest: { goodRate: '0.005', badRate: '0.05', alpha: '0.01', beta: '0.01' },
  operationTimeout: '45m',
  autoRevert: true,
}

/** The image of the fix for each release line, by line. */
export function fixImages(fleet: SimulatedFleet): ReadonlyMap<string, string> {
  const lines = new Set(fleet.releases.map(({ line }) => line))
  return new Map(
    [...lines].map((line) => [line, simulatedImage(`${operatorComponent}-${line.replace('.', '-')}`, ticket)]),
  )
}

/** The fix as its requester writes it: one range and one image for each release line of the fleet. */
export function componentFix(fleet: SimulatedFleet): ComponentFix {
  const platforms = [...new Set(fleet.managementClusters.map(({ platform }) => platform))].sort()
  return {
    apiVersion: API_VERSION,
    kind: 'ComponentFix',
    metadata: { name: fixName },
    spec: {
      ticket,
      summary: 'Close idle watches of the hosted API server',
      component: operatorComponent,
      targets: [...fixImages(fleet)].map(([line, image]) => {
        const versions = fleet.releases.filter((release) => release.line === line).map(({ version }) => version)
        return { platforms, versions: { from: versions[0]!, to: versions.at(-1)! }, image }
      }),
      strategy: strategyName,
      deadline: '24h',
    },
  }
}

/** What the simulated HyperShift of `managementCluster` needs to know of its control planes. */
export function factsOf(
  fleet: SimulatedFleet,
  managementCluster: string,
  components: ComponentSet,
  createdAt: number,
): ControlPlaneFacts[] {
  const place = fleet.managementClusters.find(({ name }) => name === managementCluster)!
  const catalogue = new Map(fleet.releases.map((release) => [release.version, release]))
  return fleet.controlPlanes
    .filter((controlPlane) => controlPlane.managementCluster === managementCluster)
    .map((controlPlane) => {
      const release = catalogue.get(controlPlane.version)!
      return {
        name: controlPlane.name,
        namespace: hostedClusterNamespace,
        version: controlPlane.version,
        payloadImage: release.payloadImage,
        payloadOperatorImage: release.images.find(({ component }) => component === operatorComponent)!.image,
        platform: controlPlane.platform,
        architecture: controlPlane.architecture,
        topology: controlPlane.topology,
        components: componentNames(components, controlPlane.platform),
        labels: {
          'locktender.dev/environment': place.environment,
          'locktender.dev/sector': place.sector,
          'locktender.dev/region': place.region,
          'locktender.dev/customer': controlPlane.customer,
          'locktender.dev/tier': controlPlane.tier,
          ...(controlPlane.pair === undefined ? {} : { 'locktender.dev/pair': controlPlane.pair }),
        },
        createdAt,
      }
    })
}

function releaseObject({ version, line, images }: SimulatedFleet['releases'][number]): Release {
  return {
    ...head(releases, version),
    spec: {
      version,
      line,
      images: images.map((image) => ({ ...image, architectures: ['amd64', 'arm64'] })),
      channels: [`fast-${line}`, `stable-${line}`],
    },
  }
}

function head(resource: Resource, name: string, namespace?: string): KubeObject {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
  }
}
