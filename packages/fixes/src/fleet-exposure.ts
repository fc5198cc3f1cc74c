import { stratum } from '@locktender/fleet'
import type { ControlPlane, RolloutExposure, RolloutSuspect } from '@locktender/fleet'
import { objectKey } from '@locktender/kube'
import { ExposureAccount, rateBounds } from '@locktender/rollout'
import type { ExposureReading } from '@locktender/rollout'
import { illnessOf, isUnderWay } from './rollout-inputs.ts'

const HOUR = 3_600_000
/** The API takes so many ways to be unhealthy. */
const MOST_SUSPECTS = 16
const MAX_MESSAGE = 1024

/** A rollout that is under way. */
export interface Tracked {
  readonly name: string
  readonly component: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** What was told of it before a restart. */
  readonly told?: RolloutExposure | undefined
}

/**
 * The account of exposure over all rollouts that are under way, kept from objects and told in their words. It holds
 * nothing that is not in the objects, but after a restart it knows only the onsets that last.
 */
export class FleetExposure {
  readonly #account = new ExposureAccount()
  /** What each rollout changes. */
  readonly #components = new Map<string, string>()

  has(rollout: string): boolean {
    return this.#components.has(rollout)
  }

  /**
   * Begins to account for a rollout. `controlPlanes` are all that any rollout under way concerns. Gives those whose
   * illness is held against another rollout than before.
   */
  track({ name, component, startedAt, told }: Tracked, controlPlanes: Iterable<ControlPlane>, now: number): string[] {
    if (this.has(name)) return []
    this.#components.set(name, component)
    const readings = Array.from(controlPlanes, (controlPlane) => this.#read(controlPlane))
    const before = told && { ms: Number(told.hours) * HOUR, onsets: told.onsets }
    return this.#account.track({ name, startedAt, told: before }, readings, now)
  }

  /** No longer accounts for a rollout, which is over. What is held against it still is. */
  untrack(rollout: string, now: number): void {
    this.#components.delete(rollout)
    this.#account.untrack(rollout, now)
  }

  /** Takes in a control plane as it is at `now`; gives those whose illness is held against another rollout than before. */
  see(controlPlane: ControlPlane, now: number): string[] {
    return this.#components.size === 0 ? [] : this.#account.see(this.#read(controlPlane), now)
  }

  /** Leaves a control plane out from `now` on: it is gone, or out of reach. */
  drop(id: string, now: number): void {
    this.#account.drop(id, now)
  }

  /** Whether what a control plane suffers from is held against another rollout than this one. */
  isExcused(rollout: string, id: string): boolean {
    return this.#account.isExcused(rollout, id)
  }

  /** What a rollout has earned by `now`. */
  earned(rollout: string, now: number): RolloutExposure {
    const { ms, onsets } = this.#account.earned(rollout, now)
    const hours = ms / HOUR
    const { upper } = rateBounds(onsets, hours)
    return {
      hours: hours.toFixed(1),
      onsets,
      ...(Number.isFinite(upper) && upper < 1e6 ? { atMostPerHour: upper.toFixed(6) } : {}),
    }
  }

  /** What is seen while rollouts overlap and whose fault it is, the most frequent first. */
  suspects(): RolloutSuspect[] {
    return this.#account
      .suspects()
      .slice(0, MOST_SUSPECTS)
      .map(({ signature, onsets, guilty, reason }) => ({
        signature,
        onsets,
        ...(guilty === undefined ? {} : { guilty }),
        message: reason.slice(0, MAX_MESSAGE),
      }))
  }

  #read(controlPlane: ControlPlane): ExposureReading {
    const target = objectKey(controlPlane)
    const { status, spec } = controlPlane
    if (status === undefined || status.health.state === 'Unknown') return { target }
    const { operations = [], health, identity } = status
    const runs = new Map<string, { from: number; until: number }>()
    for (const [name, component] of this.#components) {
      const operation = operations.find((each) => each.component === component && each.rollout === name)
      const isAsked = spec.overrides?.some((each) => each.component === component && each.rollout === name)
      if (operation === undefined || isAsked !== true || operation.image === undefined) continue
      if (operation.phase === 'Failed') return { target }
      if (operation.phase !== 'Applied') continue
      const { startTime, completionTime = startTime } = operation
      runs.set(name, { from: Date.parse(startTime), until: Date.parse(completionTime) })
    }
    const illness = illnessOf(controlPlane)
    const seen = {
      stage: identity.environment,
      stratum: stratum(controlPlane),
      runs,
      isBusy: operations.some(isUnderWay),
      ...(illness === undefined ? {} : { illness: { at: illness.at, signature: illness.reason } }),
      ...(health.state === 'Healthy' ? { healthySince: Date.parse(health.since) } : {}),
    }
    return { target, seen }
  }
}
