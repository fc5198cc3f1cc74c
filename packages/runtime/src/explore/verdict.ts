import { describeDifference, type HeldState } from './end-state.ts'
import type { RunState } from './run-state.ts'
import type { Finding, Reference } from './run-types.ts'
import { slotName } from './texts.ts'

/** A key that failed so often in a row, the last time at the end, fails for ever. */
const ENDLESS_ERRORS = 6

/** Keys that fail although nothing from outside keeps them from succeeding. */
export function endlessErrors(state: RunState): Finding[] {
  if (state.permissions.all.length > 0 || [...state.servers.values()].some(({ down }) => down)) return []
  return state.processes.flatMap(({ slots }) =>
    slots.flatMap((slot) =>
      [...slot.queue.failures]
        .filter(([, count]) => count >= ENDLESS_ERRORS)
        .map(([key, count]) => ({
          oracle: 'endless errors' as const,
          message: `${slotName(slot)} ${key} has failed ${count} times in a row, the last time at the end`,
        })),
    ),
  )
}

/** How the end of a schedule and the way to it differ from those of the reference run. */
export function differences(
  reference: Reference,
  end: readonly HeldState[],
  hash: number,
  counts: ReadonlyMap<string, number>,
  updateFactor: number,
): Finding[] {
  const findings: Finding[] = []
  if (hash !== reference.hash) {
    findings.push({ oracle: 'confluence', message: describeDifference(reference.end, end) })
  }
  for (const [what, count] of counts) {
    if (what.startsWith('outside ')) continue
    const usual = reference.counts.get(what) ?? 0
    if (count <= updateFactor * Math.max(1, usual)) continue
    findings.push({ oracle: 'update count', message: `${what} ${count} times, ${usual} in the reference run` })
  }
  return findings
}
