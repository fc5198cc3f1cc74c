import type { ControlPlane, RolloutOutlook, RolloutPhase, RolloutStatus } from '@locktender/fleet'
import { objectKey } from '@locktender/kube'
import { FleetExposure } from '../fleet-exposure.ts'
import { waitsFor } from '../waits-for.ts'
import type { Course, WaitsFor } from '../waits-for.ts'
import type { RolloutRun } from './rollout-run.ts'

/** A rollout as the others see it. */
export interface Neighbour {
  readonly run: RolloutRun
  readonly status: RolloutStatus | undefined
}

/**
 * What rollouts that are under way at the same time have to do with each other: one account of exposure over all of
 * them, and who waits for whom. What an event costs does not depend on the size of the fleet.
 */
export class Overlaps {
  readonly #all: () => Iterable<Neighbour>
  readonly #exposure = new FleetExposure()
  /** Control planes whose illness is laid to another cause than before. */
  readonly #again = new Set<string>()
  /** The last answer for each rollout that could begin, and how far the others were. */
  readonly #judged = new Map<string, { readonly others: string; readonly found: WaitsFor | undefined }>()
  #now = () => 0

  /** `all`: the rollouts that are not over. */
  constructor(all: () => Iterable<Neighbour>) {
    this.#all = all
  }

  /** Accounts for a rollout from when it has begun; `fleet` is gone through once for each. */
  begin({ run, status }: Neighbour, fleet: Iterable<ControlPlane>, now: () => number): void {
    const { name } = run.rollout.metadata
    if (!hasBegun({ run, status }) || this.#exposure.has(name)) return
    this.#now = now
    this.#judged.delete(name)
    const startedAt = status?.startTime === undefined ? now() : Date.parse(status.startTime)
    const { component } = run.fix.spec
    const concerned = [...fleet].filter((controlPlane) => this.#concerns(objectKey(controlPlane)))
    const tracked = { name, component, startedAt, told: status?.exposure }
    for (const id of this.#exposure.track(tracked, concerned, now())) this.#again.add(id)
  }

  /** Says that a rollout is over or gone. */
  end(rollout: string): void {
    this.#judged.delete(rollout)
    this.#exposure.untrack(rollout, this.#now())
  }

  /** Takes in a control plane, before its rollouts do; says whether others have to be looked at {@link again}. */
  observe(controlPlane: ControlPlane): boolean {
    const id = objectKey(controlPlane)
    if (!this.#concerns(id)) return false
    for (const other of this.#exposure.see(controlPlane, this.#now())) if (other !== id) this.#again.add(other)
    return this.#again.size > 0
  }

  /** Leaves out a control plane that is gone or out of reach. */
  drop(id: string): void {
    this.#exposure.drop(id, this.#now())
  }

  /** Control planes whose rollouts have to look at them again; each is given once. */
  again(): string[] {
    const ids = [...this.#again]
    this.#again.clear()
    return ids
  }

  /** Whether what a control plane suffers from is the fault of another rollout than this one. */
  isExcused(rollout: string, id: string): boolean {
    return this.#exposure.isExcused(rollout, id)
  }

  /** What a rollout has earned and what is seen while it overlaps with others. */
  evidence(rollout: string): Pick<RolloutStatus, 'exposure' | 'suspects'> {
    if (!this.#exposure.has(rollout)) return {}
    const suspects = this.#exposure.suspects()
    return {
      exposure: this.#exposure.earned(rollout, this.#now()),
      ...(suspects.length === 0 ? {} : { suspects }),
    }
  }

  /**
   * Whom a rollout that could begin now has to wait for. Asked as often as anybody likes, it is worked out only when one
   * of the others has gone on.
   */
  waitsFor(run: RolloutRun, outlook: RolloutOutlook | undefined, now: number): WaitsFor | undefined {
    const { name } = run.rollout.metadata
    const others = [...this.#all()].filter((each) => each.run !== run && isUnderWay(each))
    if (others.length === 0) return undefined
    const state = JSON.stringify(
      others.map(({ run: { rollout }, status }) => [rollout.metadata.name, status?.phase, status?.stage, status?.wave]),
    )
    const known = this.#judged.get(name)
    if (known?.others === state) return known.found
    const behindMs = outlook === undefined ? 0 : now - Date.parse(outlook.startTime)
    const found = waitsFor({ rollout: run.rollout, targets: run.inputs(), outlook, behindMs }, others.map(courseOf))
    this.#judged.set(name, { others: state, found })
    return found
  }

  #concerns(id: string): boolean {
    for (const { run } of this.#all()) if (run.stateOf(id) !== undefined) return true
    return false
  }
}

function courseOf({ run, status }: Neighbour): Course {
  return {
    rollout: run.rollout,
    targets: run.inputs(),
    outlook: status?.outlook,
    behindMs: (status?.minutesBehind ?? 0) * 60_000,
  }
}

/** The engine knows before it is stored; after a restart what is stored is all there is. */
function phaseOf({ run, status }: Neighbour): RolloutPhase | undefined {
  return run.engine?.phase ?? status?.phase
}

function hasBegun(neighbour: Neighbour): boolean {
  const phase = phaseOf(neighbour)
  return phase !== undefined && phase !== 'AwaitingApproval'
}

function isUnderWay(neighbour: Neighbour): boolean {
  const phase = phaseOf(neighbour)
  return phase === 'Progressing' || phase === 'Paused'
}
