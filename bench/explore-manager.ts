// Schedules of the manager and two agents under the explorer, with everything around them, on one core: how many a
// second of processor time, what an action of one costs, and the memory they take, by story and size of the fleet.
import { Explorer, type Scenario } from '@locktender/runtime/explore'
import { delivery, halt, interventions } from '../test/explore/own/stories.ts'
import { rounded } from './apiserver/parts.ts'

const CPU_MS = Number(process.argv[2] ?? 10_000)

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function measured(scenario: Scenario): Promise<object> {
  const before = cpuMs()
  const explorer = await Explorer.open(scenario)
  const openedMs = cpuMs() - before
  const { schedules, states, statistics, failures } = await explorer.explore({ seed: 1, cpuMs: CPU_MS })
  if (failures.length > 0) throw new Error(`${scenario.name} fails: ${failures[0]!.message}`)
  return {
    schedulesPerSecond: rounded((schedules / statistics.cpuMs) * 1000, 1),
    actionsPerSchedule: Math.round(statistics.actions / schedules),
    microsecondsPerAction: Math.round((statistics.cpuMs / statistics.actions) * 1000),
    states,
    cpuMsToOpen: Math.round(openedMs),
    memoryMiB: {
      heap: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
      resident: Math.round(process.memoryUsage().rss / 2 ** 20),
    },
  }
}

const results: Record<string, object> = {}
for (const scenario of [delivery(4), delivery(20), halt(20), interventions(20)]) {
  results[scenario.name] = await measured(scenario)
}
process.stdout.write(JSON.stringify(results))
