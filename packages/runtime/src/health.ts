import type { SourceHealth } from './sources.ts'

/** How a process that runs controllers is doing. */
export interface HealthReport {
  /** Whether its caches are filled and its watches are heard of. A process that waits to lead is ready, too. */
  readonly ready: boolean
  /** What is against it, one sentence each. */
  readonly why: readonly string[]
  /** Whether it works; false while it waits for the lease or its caches. */
  readonly working: boolean
  readonly watches: readonly SourceHealth[]
}

/** A watch that was silent for so many times the period after which it is renewed does not come back by itself. */
const SILENT_PERIODS = 3

/** Where the live driver says how it is doing; made by who serves it. */
export class Health {
  #watches: () => readonly SourceHealth[] = () => []
  #watchQuietMs = Infinity
  #hasBegun = false
  #isWorking = false

  report(): HealthReport {
    const watches = this.#watches()
    const why = watches.flatMap(({ cluster, reads, synced, quietForMs = 0 }) => {
      if (!synced) return [`${reads} of ${cluster} are not listed yet`]
      if (quietForMs <= SILENT_PERIODS * this.#watchQuietMs) return []
      return [`nothing was heard of ${reads} of ${cluster} for ${Math.round(quietForMs / 1000)} s`]
    })
    if (!this.#hasBegun) why.push('the controllers have not begun')
    return { ready: why.length === 0, why, working: this.#isWorking, watches }
  }

  /** For the driver: where to ask from now on. */
  watch(watches: () => readonly SourceHealth[], watchQuietMs: number): void {
    this.#watches = watches
    this.#watchQuietMs = watchQuietMs
    this.#hasBegun = true
  }

  /** For the driver. */
  set working(working: boolean) {
    this.#isWorking = working
  }
}
