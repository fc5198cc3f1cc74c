// Cost of one answer in the manner of Open Cluster Management's rollout engine, and of a whole rollout with one answer for
// each completion. Prints one JSON document; times are CPU time of this process.
import {
  COMPATIBLE,
  decideOcmRollout,
  OcmGroups,
  STRICT,
  type KeptQuirks,
  type OcmGroup,
  type OcmStatus,
  type OcmStrategy,
} from '../packages/rollout/src/compat/index.ts'
import { cpuMilliseconds, median } from './rollout/parts.ts'

const SIZES = [1_000, 5_000, 10_000, 20_000]
const WHOLE_ROLLOUT = 5_000
const REPEATS = 15
const CONCURRENCY = 50
const GROUPS = 10
const HOUR = 3_600_000

const body = { progressDeadline: '30m', maxFailures: '5%' }
const strategies: Readonly<Record<string, OcmStrategy>> = {
  progressive: { type: 'Progressive', progressive: { ...body, maxConcurrency: CONCURRENCY } },
  perGroup: { type: 'ProgressivePerGroup', progressivePerGroup: body },
}
const modes: Readonly<Record<string, KeptQuirks>> = { compatible: COMPATIBLE, strict: STRICT }

function groupsOf(size: number): OcmGroup[] {
  const groups = Array.from({ length: GROUPS }, (_, index) => ({ name: '', index, clusters: [] as string[] }))
  for (let cluster = 0; cluster < size; cluster++)
    groups[Math.floor((cluster * GROUPS) / size)]?.clusters.push(`cluster-${String(cluster).padStart(6, '0')}`)
  return groups
}

/** Nine of ten succeeded two hours ago; the others are not known yet. */
function mostlyDone(groups: readonly OcmGroup[], size: number): OcmStatus[] {
  return groups
    .flatMap(({ name, index, clusters }) => clusters.map((cluster) => ({ cluster, group: { name, index } })))
    .slice(0, size * 0.9)
    .map((status) => ({ ...status, status: 'Succeeded', transitionAt: -2 * HOUR }))
}

/** Calls in a row, as the clock of CPU time is coarse. */
function perCall(call: () => unknown): number {
  const calls = 5
  const runs = Array.from({ length: REPEATS }, () => {
    const started = cpuMilliseconds()
    for (let index = 0; index < calls; index++) call()
    return (cpuMilliseconds() - started) / calls
  })
  return Number(median(runs).toFixed(3))
}

/** The oldest operation finishes, then the engine is asked again. */
function wholeRollout(size: number, strategy: OcmStrategy, kept: KeptQuirks): { calls: number; milliseconds: number } {
  const started = cpuMilliseconds()
  const groups = new OcmGroups(groupsOf(size))
  const statuses: OcmStatus[] = []
  const running: number[] = []
  let calls = 0
  for (let next = 0; ; next++) {
    const { rollout } = decideOcmRollout({ strategy, groups, statuses, now: calls }, kept)
    for (const { cluster, group, status } of rollout) {
      if (status !== 'ToApply') continue
      running.push(statuses.length)
      statuses.push({ cluster, group, status: 'Progressing', transitionAt: calls })
    }
    calls++
    const done = running[next]
    if (done === undefined) break
    statuses[done] = { ...(statuses[done] as OcmStatus), status: 'Succeeded', transitionAt: calls }
  }
  if (statuses.length !== size || statuses.some(({ status }) => status !== 'Succeeded'))
    throw new Error(`The rollout of ${size} ended with ${statuses.length}.`)
  return { calls, milliseconds: Math.round(cpuMilliseconds() - started) }
}

const pairs = Object.entries(strategies).flatMap(([strategy, body]) =>
  Object.entries(modes).map(([mode, kept]) => ({ strategy, body, mode, kept })),
)
for (const { body, kept } of pairs) wholeRollout(500, body, kept)
const results = SIZES.flatMap((clusters) => {
  const groups = groupsOf(clusters)
  const indexed = new OcmGroups(groups)
  const statuses = mostlyDone(groups, clusters)
  return pairs.map(({ strategy, body, mode, kept }) => ({
    clusters,
    strategy,
    mode,
    cpuMillisecondsPerCall: perCall(() => decideOcmRollout({ strategy: body, groups, statuses, now: 0 }, kept)),
    withIndexedGroups: perCall(() => decideOcmRollout({ strategy: body, groups: indexed, statuses, now: 0 }, kept)),
  }))
})
const wholeRollouts = pairs.map(({ strategy, body, mode, kept }) => ({
  clusters: WHOLE_ROLLOUT,
  concurrency: strategy === 'progressive' ? CONCURRENCY : WHOLE_ROLLOUT / GROUPS,
  strategy,
  mode,
  ...wholeRollout(WHOLE_ROLLOUT, body, kept),
}))
console.log(JSON.stringify({ benchmark: 'ocm-rollout', results, wholeRollouts }, null, 2))
