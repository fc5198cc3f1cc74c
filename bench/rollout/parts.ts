import type { PlannerTarget } from '@locktender/rollout'

/** Parts of the rollout benchmarks. */

const SHARDS = 80

export const STAGES = ['integration', 'stage', 'canary', 'production']

/** Targets on 80 management clusters: most in production, in 20 strata, 20 of each customer. */
export function fleetOf(size: number): PlannerTarget[] {
  return Array.from({ length: size }, (_, index) => ({
    id: `mc-${index % SHARDS}/cp-${index}`,
    stage: index % 20 === 0 ? 'integration' : index % 10 === 1 ? 'stage' : index % 20 === 2 ? 'canary' : 'production',
    stratum: `4.${18 + (index % 5)}/${index % 3 === 0 ? 'Azure' : 'AWS'}/${index % 7 === 0 ? 'arm64' : 'amd64'}`,
    shard: `mc-${index % SHARDS}`,
    customer: `customer-${index % Math.ceil(size / 20)}`,
  }))
}

/** User and system CPU milliseconds of this process. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}
