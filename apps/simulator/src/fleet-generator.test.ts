import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generateFleet } from './fleet-generator.ts'
import type { SimulatedFleet } from './fleet-generator.ts'

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}

function environmentOf(fleet: SimulatedFleet): (managementCluster: string) => string {
  const places = new Map(fleet.managementClusters.map((each) => [each.name, each]))
  return (name) => {
    const { environment, sector } = places.get(name)!
    return environment === 'production' ? `${environment}/${sector}` : environment
  }
}

describe('the default fleet', () => {
  const fleet = generateFleet({ clusters: 200, seed: 1 })

  test('has 3 environments and 7 management clusters, one of them the canary sector', () => {
    expect(countBy(fleet.managementClusters, ({ environment, sector }) => `${environment}/${sector}`)).toEqual({
      'integration/integration': 1,
      'stage/stage': 1,
      'production/canary': 1,
      'production/main': 4,
    })
  })

  test('has most control planes in production', () => {
    const environment = environmentOf(fleet)
    expect(countBy(fleet.controlPlanes, ({ managementCluster }) => environment(managementCluster))).toEqual({
      integration: 10,
      stage: 20,
      'production/canary': 10,
      'production/main': 160,
    })
  })

  test('covers all lines, platforms, architectures and topologies', () => {
    const seen = (key: Exclude<keyof (typeof fleet.controlPlanes)[number], 'pair'>) =>
      Object.keys(countBy(fleet.controlPlanes, (each) => each[key])).sort()
    expect([...new Set(fleet.controlPlanes.map(({ version }) => version.split('.', 2).join('.')))].sort()).toEqual([
      '4.18',
      '4.19',
      '4.20',
      '4.21',
      '4.22',
    ])
    expect(seen('platform')).toEqual(['AWS', 'Azure'])
    expect(seen('architecture')).toEqual(['amd64', 'arm64', 'multi'])
    expect(seen('topology')).toEqual(['HighlyAvailable', 'SingleReplica'])
    expect(seen('tier')).toEqual(['bronze', 'gold', 'silver'])
  })

  test('has some that stand in for each other: of one customer, in production, on two management clusters', () => {
    const pairs = new Map<string, (typeof fleet.controlPlanes)[number][]>()
    for (const each of fleet.controlPlanes) {
      if (each.pair !== undefined) pairs.set(each.pair, [...(pairs.get(each.pair) ?? []), each])
    }
    expect(pairs.size).toBeGreaterThan(5)
    for (const members of pairs.values()) {
      expect(members).toHaveLength(2)
      expect(new Set(members.map(({ customer }) => customer)).size).toBe(1)
      expect(new Set(members.map(({ managementCluster }) => managementCluster)).size).toBe(2)
      expect(members.every(({ topology }) => topology === 'HighlyAvailable')).toBe(true)
    }
  })

  test('has a few large customers and many small ones', () => {
    const sizes = Object.values(countBy(fleet.controlPlanes, ({ customer }) => customer)).sort((a, b) => b - a)
    expect(sizes.length).toBeGreaterThan(20)
    expect(sizes[0]).toBeGreaterThan(4 * sizes.at(-1)!)
  })

  test('every version is in the catalogue, with an image of its operator by digest', () => {
    const catalogue = new Map(fleet.releases.map((release) => [release.version, release]))
    for (const { version } of fleet.controlPlanes) {
      const operator = catalogue.get(version)?.images.find(({ component }) => component === 'control-plane-operator')
      expect(operator?.image).toMatch(/@sha256:[0-9a-f]{64}$/)
    }
  })
})

describe('properties', () => {
  const shape = fc.record({ clusters: fc.integer({ min: 1, max: 1500 }), seed: fc.integer({ min: 0, max: 2 ** 31 }) })

  test('the same shape gives the same fleet', () => {
    fc.assert(
      fc.property(shape, (shape) => {
        expect(generateFleet(shape)).toEqual(generateFleet(shape))
      }),
      { numRuns: 20 },
    )
  })

  test('there are as many control planes as asked for, with unique names, none on a crowded management cluster', () => {
    fc.assert(
      fc.property(shape, (shape) => {
        const { controlPlanes, managementClusters } = generateFleet(shape)
        expect(new Set(controlPlanes.map(({ name }) => name)).size).toBe(shape.clusters)
        expect(new Set(managementClusters.map(({ name }) => name)).size).toBe(managementClusters.length)
        const sizes = countBy(controlPlanes, ({ managementCluster }) => managementCluster)
        expect(Math.max(...Object.values(sizes))).toBeLessThanOrEqual(60)
      }),
      { numRuns: 50 },
    )
  })

  test('another seed gives another fleet of the same layout', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 500 }), (clusters) => {
        const [one, other] = [generateFleet({ clusters, seed: 1 }), generateFleet({ clusters, seed: 2 })]
        expect(other.managementClusters).toEqual(one.managementClusters)
        expect(other.controlPlanes).not.toEqual(one.controlPlanes)
      }),
      { numRuns: 10 },
    )
  })
})
