import { createHash } from 'node:crypto'
import { forkRandom } from '@locktender/kube'
import type { Random } from '@locktender/kube'

export type Environment = 'integration' | 'stage' | 'production'
export type Platform = 'AWS' | 'Azure'
export type Architecture = 'amd64' | 'arm64' | 'multi'
export type Topology = 'HighlyAvailable' | 'SingleReplica'

/** A management cluster of the invented fleet. */
export interface SimulatedManagementCluster {
  readonly name: string
  readonly environment: Environment
  /** `canary` or `main` in production, the environment's name elsewhere. */
  readonly sector: string
  readonly region: string
  readonly platform: Platform
  /** Changes at once that its operators allow. */
  readonly maxConcurrent: number
}

/** A hosted control plane of the invented fleet, before anything happens to it. */
export interface SimulatedControlPlane {
  readonly name: string
  readonly managementCluster: string
  readonly version: string
  readonly platform: Platform
  readonly architecture: Architecture
  readonly topology: Topology
  readonly customer: string
  readonly tier: string
  /** Of two that stand in for each other. */
  readonly pair?: string
}

/** A payload version with the images that matter here. */
export interface SimulatedRelease {
  readonly version: string
  readonly line: string
  readonly payloadImage: string
  readonly images: readonly { readonly component: string; readonly image: string; readonly commit: string }[]
}

export interface SimulatedFleet {
  readonly managementClusters: readonly SimulatedManagementCluster[]
  readonly controlPlanes: readonly SimulatedControlPlane[]
  readonly releases: readonly SimulatedRelease[]
}

/** What a fleet is a function of. */
export interface FleetShape {
  readonly clusters: number
  readonly seed: number
}

/** Hosted control planes per management cluster beyond which operators add another one (reference/hypershift.md D.7). */
const controlPlanesPerManagementCluster = 60

/**
 * An override restarts about 70 pods, so operators allow 3 to 5 per management cluster at once (reference C.7), and
 * more where no customer notices.
 */
const changesAtOnce: Readonly<Record<Environment, number>> = { integration: 10, stage: 10, production: 5 }

/** Patch releases in use, newest last; newer lines have had fewer. */
const patches: Readonly<Record<string, readonly number[]>> = {
  '4.18': [22, 26, 29],
  '4.19': [10, 14, 17],
  '4.20': [3, 6, 9],
  '4.21': [1, 4],
  '4.22': [0, 1],
}

/** Share of clusters per line: the middle of the window is the fullest. */
const lineWeights: Readonly<Record<string, number>> = { '4.18': 12, '4.19': 22, '4.20': 34, '4.21': 22, '4.22': 10 }

const payloadComponents = [
  'control-plane-operator',
  'hyperkube',
  'etcd',
  'cluster-network-operator',
  'oauth-server',
] as const

const regions: Readonly<Record<Platform, readonly string[]>> = {
  AWS: ['us-east-1', 'eu-west-1', 'ap-southeast-2', 'us-west-2'],
  Azure: ['westeurope', 'eastus', 'uksouth', 'australiaeast'],
}

const tiers = ['gold', 'silver', 'silver', 'bronze'] as const

/**
 * Invents a fleet: the same shape gives the same fleet, on every machine.
 *
 * One control plane in twenty is in integration, one in ten in stage, one in twenty in the canary sector of
 * production, the rest in its main sector over at least four management clusters.
 */
export function generateFleet(shape: FleetShape): SimulatedFleet {
  const releases = generateReleases()
  const places = placeClusters(shape.clusters)
  const managementClusters = places.map((place) => place.managementCluster)
  const customers = customerNames(shape.clusters)
  const controlPlanes: SimulatedControlPlane[] = []
  let number = 0
  for (const { managementCluster, size } of places) {
    const versions = spreadVersions(size, forkRandom(shape.seed, `versions/${managementCluster.name}`))
    for (let index = 0; index < size; index++) {
      number++
      const name = `hc-${String(number).padStart(4, '0')}`
      const random = forkRandom(shape.seed, `control-plane/${name}`)
      controlPlanes.push({
        name,
        managementCluster: managementCluster.name,
        version: versions[index]!,
        platform: managementCluster.platform,
        architecture: pickWeighted(random, { amd64: 75, arm64: 15, multi: 10 }),
        topology: pickWeighted(random, { HighlyAvailable: 90, SingleReplica: 10 }),
        // Squaring skews: the first customers own many clusters, the last ones a single one.
        customer: customers[Math.floor(random.next() ** 2 * customers.length)]!,
        tier: tiers[Math.floor(random.next() * tiers.length)]!,
      })
    }
  }
  const production = new Set(
    managementClusters.filter(({ environment }) => environment === 'production').map(({ name }) => name),
  )
  return { managementClusters, controlPlanes: inPairs(controlPlanes, production, shape.seed), releases }
}

/** One in three neighbours of a customer, highly available, in production and on two management clusters, are a pair. */
function inPairs(
  controlPlanes: readonly SimulatedControlPlane[],
  production: ReadonlySet<string>,
  seed: number,
): SimulatedControlPlane[] {
  const alone = new Map<string, SimulatedControlPlane>()
  const pairs = new Map<string, string>()
  for (const each of controlPlanes) {
    const { customer, name, managementCluster, topology } = each
    if (topology !== 'HighlyAvailable' || !production.has(managementCluster)) continue
    const other = alone.get(customer)
    const isPair =
      other !== undefined &&
      other.managementCluster !== managementCluster &&
      forkRandom(seed, `pair/${name}`).next() < 1 / 3
    if (isPair) {
      alone.delete(customer)
      for (const member of [other.name, name]) pairs.set(member, `${other.name}-${name}`)
    } else alone.set(customer, each)
  }
  return controlPlanes.map((each) => {
    const pair = pairs.get(each.name)
    return pair === undefined ? each : { ...each, pair }
  })
}

/** The digest reference by which a simulated registry knows `name`: a function of `name` and `content` only. */
export function simulatedImage(name: string, content: string): string {
  const digest = createHash('sha256').update(`${name}\n${content}`).digest('hex')
  return `registry.example.com/openshift/${name}@sha256:${digest}`
}

interface Place {
  readonly managementCluster: SimulatedManagementCluster
  readonly size: number
}

function placeClusters(clusters: number): Place[] {
  const integration = share(clusters, 0.05)
  const stage = clusters > 1 ? share(clusters, 0.1) : 0
  const canary = clusters > 2 ? share(clusters, 0.05) : 0
  const main = Math.max(0, clusters - integration - stage - canary)
  return [
    ...placesOf('int', 'integration', 'integration', integration, 1, 0),
    ...placesOf('stage', 'stage', 'stage', stage, 1, 1),
    ...placesOf('canary', 'production', 'canary', canary, 1, 0),
    ...placesOf('prod', 'production', 'main', main, 4, 0),
  ]
}

function share(clusters: number, part: number): number {
  return Math.min(clusters, Math.max(1, Math.round(clusters * part)))
}

function placesOf(
  prefix: string,
  environment: Environment,
  sector: string,
  size: number,
  atLeast: number,
  platformOffset: number,
): Place[] {
  const count = Math.max(atLeast, Math.ceil(size / controlPlanesPerManagementCluster))
  const places: Place[] = []
  for (let index = 0; index < count; index++) {
    const platform: Platform = (index + platformOffset) % 2 === 0 ? 'AWS' : 'Azure'
    const choices = regions[platform]
    places.push({
      managementCluster: {
        name: `mc-${prefix}-${index + 1}`,
        environment,
        sector,
        region: choices[Math.floor(index / 2) % choices.length]!,
        platform,
        maxConcurrent: changesAtOnce[environment],
      },
      size: Math.floor(size / count) + (index < size % count ? 1 : 0),
    })
  }
  return places
}

/** Versions for the clusters of one management cluster: shares by line as exact as whole numbers allow, shuffled. */
function spreadVersions(size: number, random: Random): string[] {
  const lines = Object.keys(patches)
  const total = lines.reduce((sum, line) => sum + lineWeights[line]!, 0)
  const exact = lines.map((line) => ({ line, count: (size * lineWeights[line]!) / total }))
  const counted = exact.map(({ line, count }) => ({ line, count: Math.floor(count), rest: count % 1 }))
  let missing = size - counted.reduce((sum, { count }) => sum + count, 0)
  for (const entry of counted.toSorted((left, right) => right.rest - left.rest)) {
    if (missing-- <= 0) break
    entry.count++
  }
  const versions = counted.flatMap(({ line, count }) =>
    Array.from({ length: count }, () => {
      const choices = patches[line]!
      return `${line}.${choices[Math.floor(random.next() * choices.length)]}`
    }),
  )
  for (let index = versions.length - 1; index > 0; index--) {
    const other = Math.floor(random.next() * (index + 1))
    ;[versions[index], versions[other]] = [versions[other]!, versions[index]!]
  }
  return versions
}

function generateReleases(): SimulatedRelease[] {
  return Object.entries(patches).flatMap(([line, zs]) =>
    zs.map((z) => {
      const version = `${line}.${z}`
      return {
        version,
        line,
        payloadImage: simulatedImage('ocp-release', version),
        images: payloadComponents.map((component) => ({
          component,
          image: simulatedImage(component, version),
          commit: createHash('sha1').update(`${component}@${version}`).digest('hex'),
        })),
      }
    }),
  )
}

function customerNames(clusters: number): string[] {
  const count = Math.max(1, Math.round(clusters / 6))
  return Array.from({ length: count }, (_, index) => `customer-${String(index + 1).padStart(3, '0')}`)
}

function pickWeighted<T extends string>(random: Random, weights: Readonly<Record<T, number>>): T {
  const entries = Object.entries(weights) as [T, number][]
  let rest = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [value, weight] of entries) {
    rest -= weight
    if (rest < 0) return value
  }
  return entries.at(-1)![0]
}
