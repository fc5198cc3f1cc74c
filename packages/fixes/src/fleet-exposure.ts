import { stratum } from '@locktender/fleet'
import type { ControlPlane, RolloutExposure, RolloutSuspect } from '@locktender/fleet'
import { objectKey } from '@locktender/kube'
import { attribute, ExposureLedger, rateBounds } from '@locktender/rollout'
import type { Attribution, ExposureEvent } from '@locktender/rollout'
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

/** Every one of so many first onsets is weighed, later ones when there are this many times as many. */
const WEIGHED = { each: 20, factor: 1.05 }

/** One control plane as the ledger knows it. */
interface Seen {
  readonly stratum: string
  readonly runs: Set<string>
  /** What it suffers from, and what it ran when that began. */
  ill: { readonly signature: string; readonly ran: ReadonlySet<string> } | undefined
}

/** What can be read from an object. */
interface Reading {
  readonly stage: string
  readonly stratum: string
  /** Rollouts whose change is in place, with its begin and end. */
  readonly runs: ReadonlyMap<string, { readonly from: number; readonly until: number }>
  readonly illness?: { readonly at: number; readonly signature: string }
  readonly healthySince?: number
  /** A change is under way: what its health does meanwhile is that change's. */
  readonly isBusy: boolean
}

/**
 * The one account of who runs what and falls ill, over all rollouts that are under way: what each has earned, and which
 * of several that overlap causes what. O(rollouts) for each change of a control plane; an onset also costs a small fit
 * for each pair of rollouts. It holds nothing that is not in the objects, but after a restart it knows only the onsets
 * that last.
 */
export class FleetExposure {
  readonly #tracked = new Map<string, Tracked>()
  readonly #seen = new Map<string, Seen>()
  /** Control planes that are ill now, by signature. */
  readonly #ill = new Map<string, Set<string>>()
  readonly #attributions = new Map<string, Attribution>()
  /** Onsets by signature since there was anything to account for. */
  readonly #onsets = new Map<string, number>()
  /** Their number when the cause was last asked for. */
  readonly #weighed = new Map<string, number>()
  /** What a rollout earned before a restart and that the objects no longer show. */
  readonly #carried = new Map<string, { readonly ms: number; readonly onsets: number }>()
  #ledger = new ExposureLedger(0)

  has(rollout: string): boolean {
    return this.#tracked.has(rollout)
  }

  /**
   * Begins to account for a rollout. `controlPlanes` are all that any rollout under way concerns: when this one began
   * before `now`, the account is made anew from them. Gives those whose illness is laid to another cause than before.
   */
  track(rollout: Tracked, controlPlanes: Iterable<ControlPlane>, now: number): string[] {
    if (this.#tracked.has(rollout.name)) return []
    if (this.#tracked.size === 0) this.#ledger = new ExposureLedger(rollout.startedAt)
    this.#tracked.set(rollout.name, rollout)
    if (rollout.startedAt < now) return this.#rebuild(controlPlanes, now)
    return [...controlPlanes].flatMap((controlPlane) => this.see(controlPlane, now))
  }

  /** No longer accounts for a rollout, which is over. What it was found to have caused it still has caused. */
  untrack(rollout: string, now: number): void {
    if (!this.#tracked.delete(rollout)) return
    this.#carried.delete(rollout)
    if (this.#tracked.size === 0) {
      this.#forgetAll()
      return
    }
    this.#ledger.forget(rollout, now)
    for (const { runs } of this.#seen.values()) runs.delete(rollout)
  }

  /** Takes in a control plane as it is at `now`; gives those whose illness is laid to another cause than before. */
  see(controlPlane: ControlPlane, now: number): string[] {
    if (this.#tracked.size === 0) return []
    const events = this.#eventsOf(controlPlane, now, now)
    for (const event of events) this.#ledger.apply(event)
    return events.flatMap((event) => (event.type === 'onset' ? this.#attribute(event.signature, now) : []))
  }

  /** Leaves a control plane out from `now` on: it is gone, or out of reach. */
  drop(id: string, now: number): void {
    const seen = this.#seen.get(id)
    if (seen === undefined) return
    this.#recover(id, seen)
    this.#seen.delete(id)
    this.#ledger.apply({ type: 'leave', target: id, at: now })
  }

  /** Whether what a control plane suffers from is for sure the fault of another rollout, whose change it ran when it fell ill. */
  isExcused(rollout: string, id: string): boolean {
    const ill = this.#seen.get(id)?.ill
    const guilty = ill && this.#attributions.get(ill.signature)?.guilty
    return guilty !== undefined && guilty !== rollout && ill?.ran.has(guilty) === true
  }

  /** What a rollout has earned by `now`. */
  earned(rollout: string, now: number): RolloutExposure {
    const { ms, onsets } = this.#ledger.total(rollout, now)
    const carried = this.#carried.get(rollout)
    const hours = (ms + (carried?.ms ?? 0)) / HOUR
    const all = onsets + (carried?.onsets ?? 0)
    const { upper } = rateBounds(all, hours)
    return {
      hours: hours.toFixed(1),
      onsets: all,
      ...(Number.isFinite(upper) && upper < 1e6 ? { atMostPerHour: upper.toFixed(6) } : {}),
    }
  }

  /** What is seen while rollouts overlap and whose fault it is, the most frequent first. */
  suspects(): RolloutSuspect[] {
    return [...this.#attributions.values()]
      .map(({ signature, guilty, reason }) => ({
        signature,
        onsets: this.#onsets.get(signature) ?? 0,
        ...(guilty === undefined ? {} : { guilty }),
        message: reason.slice(0, MAX_MESSAGE),
      }))
      .sort((left, right) => right.onsets - left.onsets || (left.signature < right.signature ? -1 : 1))
      .slice(0, MOST_SUSPECTS)
  }

  #rebuild(controlPlanes: Iterable<ControlPlane>, now: number): string[] {
    const from = Math.min(...Array.from(this.#tracked.values(), ({ startedAt }) => startedAt))
    this.#forgetAll()
    this.#ledger = new ExposureLedger(from)
    const events = [...controlPlanes].flatMap((controlPlane) => this.#eventsOf(controlPlane, from, now))
    events.sort((left, right) => left.at - right.at)
    for (const event of events) this.#ledger.apply(event)
    for (const [name, { told }] of this.#tracked) {
      if (told === undefined) continue
      const { ms, onsets } = this.#ledger.total(name, now)
      this.#carried.set(name, {
        ms: Math.max(0, Number(told.hours) * HOUR - ms),
        onsets: Math.max(0, told.onsets - onsets),
      })
    }
    return [...this.#ill.keys()].flatMap((signature) => this.#attribute(signature, now))
  }

  /** What happened to a control plane since it was last seen; one that was not yet is known since `from`. */
  #eventsOf(controlPlane: ControlPlane, from: number, now: number): ExposureEvent[] {
    const target = objectKey(controlPlane)
    const reading = this.#read(controlPlane)
    const events: ExposureEvent[] = []
    let seen = this.#seen.get(target)
    if (seen !== undefined && seen.stratum !== reading?.stratum) {
      this.#recover(target, seen)
      this.#seen.delete(target)
      events.push({ type: 'leave', target, at: now })
      seen = undefined
    }
    if (reading === undefined) return events
    const { stage, stratum: kind, illness, isBusy, healthySince } = reading
    if (seen === undefined) {
      // Who was ill before takes part once it is well.
      if (illness !== undefined && (illness.at <= from || isBusy)) return events
      seen = { stratum: kind, runs: new Set(), ill: undefined }
      this.#seen.set(target, seen)
      events.push({ type: 'enter', target, stage, stratum: kind, at: Math.max(from, healthySince ?? from) })
    }
    const fellIll = seen.ill === undefined && illness !== undefined && !isBusy ? illness : undefined
    if (illness === undefined && seen.ill !== undefined) {
      events.push({ type: 'recovery', target, at: healthySince ?? now })
      this.#recover(target, seen)
    }
    const starts = [...reading.runs].filter(([change]) => !seen.runs.has(change))
    starts.sort(([, left], [, right]) => left.from - right.from)
    const begin = (some: typeof starts) => {
      for (const [change, { until }] of some) {
        seen.runs.add(change)
        events.push({ type: 'start', target, change, at: until })
      }
    }
    // Who falls ill in the midst of a change fell ill with it.
    begin(starts.filter(([, run]) => fellIll === undefined || run.from <= fellIll.at))
    if (fellIll !== undefined) {
      const { at, signature } = fellIll
      events.push({ type: 'onset', target, signature, at })
      seen.ill = { signature, ran: new Set(seen.runs) }
      this.#ill.set(signature, (this.#ill.get(signature) ?? new Set()).add(target))
      this.#onsets.set(signature, (this.#onsets.get(signature) ?? 0) + 1)
    }
    begin(starts.filter(([change]) => !seen.runs.has(change)))
    for (const change of seen.runs) {
      if (reading.runs.has(change)) continue
      seen.runs.delete(change)
      events.push({ type: 'end', target, change, at: now })
    }
    let last = -Infinity
    return events.map((event) => ({ ...event, at: (last = Math.max(last, event.at)) }))
  }

  /** Undefined when it cannot be compared: not reported, of unknown health, or with a change that failed. */
  #read(controlPlane: ControlPlane): Reading | undefined {
    const { status, spec } = controlPlane
    if (status === undefined || status.health.state === 'Unknown') return undefined
    const { operations = [], health, identity } = status
    const runs = new Map<string, { from: number; until: number }>()
    for (const { name, component } of this.#tracked.values()) {
      const operation = operations.find((each) => each.component === component && each.rollout === name)
      const isAsked = spec.overrides?.some((each) => each.component === component && each.rollout === name)
      if (operation === undefined || isAsked !== true || operation.image === undefined) continue
      if (operation.phase === 'Failed') return undefined
      if (operation.phase !== 'Applied') continue
      const { startTime, completionTime = startTime } = operation
      runs.set(name, { from: Date.parse(startTime), until: Date.parse(completionTime) })
    }
    const illness = illnessOf(controlPlane)
    return {
      stage: identity.environment,
      stratum: stratum(controlPlane),
      runs,
      isBusy: operations.some(isUnderWay),
      ...(illness === undefined ? {} : { illness: { at: illness.at, signature: illness.reason } }),
      ...(health.state === 'Healthy' ? { healthySince: Date.parse(health.since) } : {}),
    }
  }

  #recover(target: string, seen: Seen): void {
    if (seen.ill === undefined) return
    this.#ill.get(seen.ill.signature)?.delete(target)
    seen.ill = undefined
  }

  /** Asks anew who causes what `signature` names; gives the control planes for which the answer is another one. */
  #attribute(signature: string, now: number): string[] {
    if (this.#tracked.size < 2) return []
    const onsets = this.#onsets.get(signature) ?? 0
    const weighed = this.#weighed.get(signature) ?? 0
    if (onsets > WEIGHED.each && onsets < weighed * WEIGHED.factor) return []
    this.#weighed.set(signature, onsets)
    const before = this.#attributions.get(signature)?.guilty
    const found = attribute(this.#ledger, [...this.#tracked.keys()], signature, now)
    this.#attributions.set(signature, found)
    return found.guilty === before ? [] : [...(this.#ill.get(signature) ?? [])]
  }

  #forgetAll(): void {
    this.#seen.clear()
    this.#ill.clear()
    this.#attributions.clear()
    this.#onsets.clear()
    this.#weighed.clear()
    this.#carried.clear()
  }
}
