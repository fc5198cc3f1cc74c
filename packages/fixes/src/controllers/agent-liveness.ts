/**
 * An agent that has not renewed its lease for this long is taken to be gone, in milliseconds: five of its heartbeats.
 * Measured from when a renewal was seen here, so clocks need not agree.
 */
const FRESHNESS_MS = 5 * 60_000

interface Heartbeat {
  renewTime: string
  /** Undefined until the first look at the clock after it was seen. */
  seenAt: number | undefined
  reachable: boolean
}

/** Which agents are alive, from their leases. A management cluster without a lease is taken to be reachable. */
export class AgentLiveness {
  readonly #heartbeats = new Map<string, Heartbeat>()

  /** Takes in the lease of an agent; says whether this makes a management cluster reachable again. */
  renewed(managementCluster: string, renewTime: string): boolean {
    const known = this.#heartbeats.get(managementCluster)
    if (known === undefined) {
      this.#heartbeats.set(managementCluster, { renewTime, seenAt: undefined, reachable: true })
      return false
    }
    if (known.renewTime === renewTime) return false
    known.renewTime = renewTime
    known.seenAt = undefined
    return !known.reachable
  }

  reachable(managementCluster: string): boolean {
    return this.#heartbeats.get(managementCluster)?.reachable ?? true
  }

  /** Lets time pass; gives the management clusters that became reachable or unreachable. */
  advance(now: number): string[] {
    const changed: string[] = []
    for (const [name, heartbeat] of this.#heartbeats) {
      heartbeat.seenAt ??= now
      const reachable = now - heartbeat.seenAt < FRESHNESS_MS
      if (reachable !== heartbeat.reachable) changed.push(name)
      heartbeat.reachable = reachable
    }
    return changed
  }

  /** When {@link advance} next may have something to say; undefined when no reachable agent is known. */
  nextDue(): number | undefined {
    let due: number | undefined
    for (const { seenAt, reachable } of this.#heartbeats.values()) {
      if (!reachable || seenAt === undefined) continue
      due = Math.min(due ?? Infinity, seenAt + FRESHNESS_MS)
    }
    return due
  }
}
