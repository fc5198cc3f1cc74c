import type { HoldUntil, Informer } from './informer.ts'
import type { Process } from './process.ts'
import type { RunState } from './run-state.ts'
import { scopeText } from './texts.ts'

/** What some caches of a process do not know yet when it starts. */
export interface Lag {
  readonly informers: readonly Informer[]
  /** They know all but the last so many changes of this one. */
  readonly of: Informer
  readonly changes: number
  /** Position of the first change they do not know among those of the schedule. */
  readonly first: number
  readonly until: HoldUntil
}

/**
 * Ways in which the caches of a process may list from a server that is behind. A server keeps each resource in a cache
 * of its own, so one may be behind while others are not.
 */
export function lagsOf(state: RunState, process: Process): Lag[] {
  const untils: readonly HoldUntil[] = state.hasOpenStep ? ['idle', 'next step'] : ['idle']
  const lags: Lag[] = []
  for (const informer of process.informers) {
    const { past } = state.servers.get(informer.server)!
    const neighbours = process.informers.filter(({ server }) => server === informer.server)
    const choices = neighbours.length > 1 ? [[informer], neighbours] : [[informer]]
    let changes = 0
    for (let first = past.length - 1; first >= 0 && changes < state.prepared.limits.timeTravel; first--) {
      if (!informer.concerns(past[first]!.change)) continue
      changes++
      for (const until of untils) {
        for (const informers of choices) lags.push({ informers, of: informer, changes, first, until })
      }
    }
  }
  return lags
}

/** A lag in words. */
export function lagText({ informers, of, changes, until }: Lag): string {
  const what = `${of.watch.resource.plural}${scopeText(of)}`
  const before = `before the last ${changes === 1 ? 'change' : `${changes} changes`} of ${what}`
  const end = until === 'idle' ? 'when nothing else is left to do' : 'after the next step'
  return `${informers.length === 1 ? `${what} as they were` : 'everything as it was'} ${before}, and hears of the rest ${end}`
}
