// How soon the explorer finds the published mistakes of test/explore: processor time and schedules to the first
// failure, over several seeds, and how many of the same mistakes tests of single states find.
import { Explorer } from '@locktender/runtime/explore'
import { bugs } from '../test/explore/bugs/index.ts'
import { examples } from '../test/explore/examples/index.ts'
import { snapshotsOf } from '../test/explore/support/snapshot.ts'
import { rounded } from './apiserver/parts.ts'

const SEEDS = 10
/** A bug that is not found in so much processor time counts as not found. */
const CPU_MS = 60_000

interface Figures {
  readonly class: string
  readonly report: string
  /** Seeds with which it was found. */
  readonly found: number
  readonly oracles: readonly string[]
  readonly cpuMs: { readonly median: number; readonly p90: number } | undefined
  readonly schedules: { readonly median: number; readonly p90: number } | undefined
}

function quantiles(values: readonly number[]): { median: number; p90: number } | undefined {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((left, right) => left - right)
  const at = (share: number): number => rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!)
  return { median: at(0.5), p90: at(0.9) }
}

const found: Record<string, Figures> = {}
let bySnapshots = 0
for (const bug of [...bugs, ...examples]) {
  const times: number[] = []
  const schedules: number[] = []
  const oracles = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    // Made ready anew each time: nobody who looks for a mistake has looked before.
    const explorer = await Explorer.open(bug.scenario('buggy'))
    const { failures, statistics } = await explorer.explore({ seed, cpuMs: CPU_MS })
    if (failures.length === 0) continue
    times.push(statistics.cpuMsToFailure!)
    schedules.push(statistics.schedulesToFailure!)
    oracles.add(failures[0]!.oracle)
  }
  found[bug.name] = {
    class: bug.class,
    report: bug.report,
    found: times.length,
    oracles: [...oracles],
    cpuMs: quantiles(times),
    schedules: quantiles(schedules),
  }
}
for (const bug of bugs) {
  const [buggy, repaired] = [await snapshotsOf(bug.scenario('buggy')), await snapshotsOf(bug.scenario('repaired'))]
  if (JSON.stringify(buggy) !== JSON.stringify(repaired)) bySnapshots++
}

const all = Object.values(found)
const medians = all.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs.median]))
process.stdout.write(
  `${JSON.stringify(
    {
      bugs: bugs.length,
      examples: examples.length,
      seeds: SEEDS,
      foundWithEverySeed: all.filter((figures) => figures.found === SEEDS).length,
      foundWithAnySeed: all.filter((figures) => figures.found > 0).length,
      foundBySnapshotTests: bySnapshots,
      cpuMsOfMedians: quantiles(medians),
      each: found,
      published: {
        of: 'Sieve (OSDI 2022)',
        figure: '46 bugs of 10 controllers; 81 to 584 test plans and 11 to 67 machine hours for each controller',
        differs: 'whole operators on clusters of containers in real time; here models of the mistakes in one process',
      },
    },
    undefined,
    2,
  )}\n`,
)
