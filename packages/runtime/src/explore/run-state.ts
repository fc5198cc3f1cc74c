import type { Change, Housekeeper, ServerState } from '@locktender/apiserver'
import type { HeldState } from './end-state.ts'
import type { HoldUntil } from './informer.ts'
import { Permissions } from './permissions.ts'
import { BEGINNING_MS, type PreparedServer } from './prepared-server.ts'
import type { Operation, Process } from './process.ts'
import type { Prepared } from './run-types.ts'
import type { OutsideReply, WorldState } from './scenario.ts'
import { Timers } from './timers.ts'

/** One API server in the course of a schedule. */
export interface RunServer {
  readonly prepared: PreparedServer
  state: ServerState
  down: boolean
  /** Its own controllers that may have something to do. */
  readonly chores: Set<Housekeeper>
  /** What it held before each change of this schedule, oldest first. */
  readonly past: { readonly state: ServerState; readonly change: Change }[]
}

/** A process that is down, and until when. */
export interface Downtime {
  readonly until: HoldUntil
  readonly step: number
}

/** Everything that changes in the course of a schedule. */
export class RunState {
  readonly prepared: Prepared
  readonly timers = new Timers(BEGINNING_MS)
  readonly servers = new Map<PreparedServer, RunServer>()
  processes: readonly Process[] = []
  readonly down = new Map<Process, Downtime>()
  /** What reconciles have asked for and wait for, oldest first. */
  operations: readonly Operation[] = []
  readonly permissions = new Permissions()
  readonly outside: Map<string, OutsideReply>
  /** Requests, beginnings of reconciles, steps and timers so far. */
  actions = 0
  /** Steps that have happened. */
  step = 0
  /** An early try of the next step was refused after so many actions: first something else has to happen. */
  refusedAt = -1
  /** Since when nothing was written and no step happened. */
  quietSinceMs = BEGINNING_MS
  /** Where an `advance` step lets time go. */
  advanceToMs: number | undefined
  readonly world: WorldState

  constructor(prepared: Prepared) {
    this.prepared = prepared
    this.outside = new Map(Object.entries(prepared.scenario.outside ?? {}))
    for (const server of new Set(prepared.servers.values())) {
      const { initial } = server.server
      this.servers.set(server, { prepared: server, state: initial, down: false, chores: new Set(), past: [] })
    }
    const { timers } = this
    const objects = new Map(
      [...prepared.servers].map(([name, server]) => [name, server.objects(() => this.servers.get(server)!.state)]),
    )
    this.world = {
      get nowMs() {
        return timers.now()
      },
      cluster(name) {
        const found = objects.get(name)
        if (found === undefined) throw new RangeError(`the scenario has no cluster ${name}`)
        return found
      },
    }
  }

  /** Whether a step is to come before the controllers must have settled. */
  get hasOpenStep(): boolean {
    return this.prepared.steps[this.step]?.isBarrier === false
  }

  /** Whether what was put off happens now that nothing else does. */
  isOver({ until, step }: Downtime): boolean {
    return until === 'idle' || this.step > step || !this.hasOpenStep
  }

  /** The server of a step. */
  serverOf(cluster: string | undefined): RunServer {
    const { servers } = this.prepared
    const name = cluster ?? servers.keys().next().value ?? ''
    const server = servers.get(name)
    if (server === undefined) throw new RangeError(`a step is about the cluster ${name}, which the scenario has not`)
    return this.servers.get(server)!
  }

  /** What each server holds. */
  held(): HeldState[] {
    return [...this.servers.values()].map(({ prepared, state }) => ({ prepared, state }))
  }
}
