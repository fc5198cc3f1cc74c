import { attribute, type Attribution } from './attribution.ts'
import type { HealthyTime } from './exposure-cells.ts'
import { ExposureLedger, type ExposureEvent } from './exposure-ledger.ts'
import { strongestSuspect, suspicion, type Delays } from './suspicion.ts'

/** Every one of so many first onsets is weighed, later ones when there are this many times as many. */
const WEIGHED = { each: 20, factor: 1.05 }

/** A change that is under way; times are milliseconds since the epoch. */
export interface TrackedChange {
  readonly name: string
  readonly startedAt: number
  /** What was told of it before a restart. */
  readonly told?: HealthyTime | undefined
}

/** What can be seen of one target. */
export interface ExposureReading {
  readonly target: string
  /** The rest is absent when it cannot be compared: not reported, of unknown health, or with a change that failed. */
  readonly seen?: {
    readonly stage: string
    readonly stratum: string
    /** Changes that are in place, with their begin and end. */
    readonly runs: ReadonlyMap<string, { readonly from: number; readonly until: number }>
    readonly illness?: { readonly at: number; readonly signature: string }
    readonly healthySince?: number
    /** A change is under way: what its health does meanwhile is that change's. */
    readonly isBusy: boolean
  }
}

/** An onset that lasts. */
interface Ill {
  readonly signature: string
  readonly delays: Delays
  /** The change it is held against. */
  against: string | undefined
}

/** A target that runs a change or is ill; of the others the ledger knows enough. */
interface Notable {
  /** Changes it runs, and since when: too few for more than a list. */
  runs: readonly { readonly change: string; readonly since: number }[]
  ill: Ill | undefined
}

/** What is known of one way to be unhealthy. */
interface Signature {
  /** Targets that suffer from it now. */
  readonly ill: Set<string>
  /** All onsets since there was anything to account for. */
  readonly onsets: Delays[]
  /** Their number when the cause was last asked for. */
  weighed: number
  attribution: Attribution | undefined
}

/**
 * The one account of who runs what and falls ill, over all changes that are under way: what each has earned, and which of
 * several that overlap an onset is held against. O(changes) for each event; an onset also costs a small fit for each pair
 * of changes. After a restart it is made from what can be seen then: it knows only the onsets that last.
 */
export class ExposureAccount {
  readonly #tracked = new Map<string, TrackedChange>()
  readonly #notable = new Map<string, Notable>()
  readonly #signatures = new Map<string, Signature>()
  /** How many ever ran a change. */
  readonly #treated = new Map<string, number>()
  /** What a change earned that can no longer be seen. */
  readonly #carried = new Map<string, HealthyTime>()
  #ledger = new ExposureLedger(0)

  /**
   * Begins to account for a change. `readings` are of all targets that any change under way concerns: when somebody has
   * this one already, the account is made anew from them. Gives those whose illness is held against another than before.
   */
  track(change: TrackedChange, readings: readonly ExposureReading[], now: number): string[] {
    const { name, startedAt } = change
    if (this.#tracked.has(name)) return []
    if (this.#tracked.size === 0) this.#ledger = new ExposureLedger(startedAt)
    const isUnderWay = startedAt < now && readings.some(({ seen }) => seen?.runs.has(name))
    // What is known of the others now is more than what was told of them before, and more than what can be seen.
    const told = new Map<string, HealthyTime | undefined>(
      Array.from(this.#tracked.keys(), (other) => [other, this.earned(other, now)]),
    )
    this.#tracked.set(name, change)
    if (isUnderWay || (told.size === 0 && startedAt < now))
      return this.#rebuild(readings, told.set(name, change.told), now)
    return readings.flatMap((reading) => this.see(reading, now))
  }

  /** No longer accounts for a change. What was held against it still is, as long as it lasts. */
  untrack(name: string, now: number): void {
    if (!this.#tracked.delete(name)) return
    this.#carried.delete(name)
    if (this.#tracked.size === 0) {
      this.#forgetAll()
      return
    }
    this.#treated.delete(name)
    this.#ledger.forget(name, now)
    for (const [target, notable] of this.#notable) {
      notable.runs = notable.runs.filter(({ change }) => change !== name)
      this.#note(target, notable)
    }
  }

  /** Takes in a target as it is at `now`; gives those whose illness is held against another change than before. */
  see(reading: ExposureReading, now: number): string[] {
    if (this.#tracked.size === 0) return []
    const events = this.#eventsOf(reading, now, now)
    for (const event of events) this.#ledger.apply(event)
    return events.flatMap((event) => (event.type === 'onset' ? this.#attribute(event.signature, now) : []))
  }

  /** Leaves a target out from `now` on: it is gone, or out of reach. */
  drop(id: string, now: number): void {
    if (this.#ledger.stratumOf(id) === undefined) return
    this.#recover(id)
    this.#notable.delete(id)
    this.#ledger.apply({ type: 'leave', target: id, at: now })
  }

  /**
   * Whether what a target suffers from is held against another change than this one: the one that is named, or else the
   * strongest suspect of those that it ran when it fell ill. It always is against one of them.
   */
  isExcused(name: string, id: string): boolean {
    const against = this.#notable.get(id)?.ill?.against
    return against !== undefined && against !== name
  }

  /** What a change has earned by `now`. */
  earned(name: string, now: number): HealthyTime {
    const { ms, onsets } = this.#ledger.total(name, now)
    const carried = this.#carried.get(name)
    return { ms: ms + (carried?.ms ?? 0), onsets: onsets + (carried?.onsets ?? 0) }
  }

  /** What is seen while changes overlap and whose fault it is, the most frequent first. */
  suspects(): (Attribution & { readonly onsets: number })[] {
    return [...this.#signatures.values()]
      .flatMap(({ attribution, onsets }) => (attribution ? [{ ...attribution, onsets: onsets.length }] : []))
      .sort((left, right) => right.onsets - left.onsets || (left.signature < right.signature ? -1 : 1))
  }

  #rebuild(
    readings: readonly ExposureReading[],
    told: ReadonlyMap<string, HealthyTime | undefined>,
    now: number,
  ): string[] {
    const from = Math.min(...Array.from(this.#tracked.values(), ({ startedAt }) => startedAt))
    this.#forgetAll()
    this.#ledger = new ExposureLedger(from)
    const events = readings.flatMap((reading) => this.#eventsOf(reading, from, now))
    events.sort((left, right) => left.at - right.at)
    for (const event of events) this.#ledger.apply(event)
    for (const [name, before] of told) {
      if (before === undefined) continue
      const { ms, onsets } = this.#ledger.total(name, now)
      this.#carried.set(name, { ms: Math.max(0, before.ms - ms), onsets: Math.max(0, before.onsets - onsets) })
    }
    return [...this.#signatures.keys()].flatMap((signature) => this.#attribute(signature, now))
  }

  /** What happened to a target since it was last seen; one that was not yet is known since `from`. */
  #eventsOf({ target, seen }: ExposureReading, from: number, now: number): ExposureEvent[] {
    const events: ExposureEvent[] = []
    let known = this.#ledger.stratumOf(target)
    if (known !== undefined && known !== seen?.stratum) {
      this.#recover(target)
      this.#notable.delete(target)
      events.push({ type: 'leave', target, at: now })
      known = undefined
    }
    if (seen === undefined) return events
    const { stage, stratum, illness, isBusy, healthySince } = seen
    if (known === undefined) {
      // Who was ill before takes part once it is well.
      if (illness !== undefined && (illness.at <= from || isBusy)) return events
      events.push({ type: 'enter', target, stage, stratum, at: Math.max(from, healthySince ?? from) })
    }
    const before = this.#notable.get(target)
    // Most are well, run no change and go on like that.
    if (known !== undefined && before === undefined && illness === undefined && seen.runs.size === 0) return events
    const notable = before ?? { runs: [], ill: undefined }
    const fellIll = notable.ill === undefined && illness !== undefined && !isBusy ? illness : undefined
    if (illness === undefined && notable.ill !== undefined) {
      events.push({ type: 'recovery', target, at: healthySince ?? now })
      this.#recover(target)
    }
    const starts = [...seen.runs].filter(([name]) => !notable.runs.some(({ change }) => change === name))
    starts.sort(([, left], [, right]) => left.from - right.from)
    const begin = (some: typeof starts) => {
      if (some.length === 0) return
      // Joined rather than spread: a list that was spread has room for a dozen more.
      notable.runs = notable.runs.concat(some.map(([change, { until }]) => ({ change, since: until })))
      for (const [change, { until }] of some) {
        this.#treated.set(change, (this.#treated.get(change) ?? 0) + 1)
        events.push({ type: 'start', target, change, at: until })
      }
    }
    // Who falls ill in the midst of a change fell ill with it.
    const first = starts.filter(([, run]) => fellIll === undefined || run.from <= fellIll.at)
    begin(first)
    if (fellIll !== undefined) {
      const { at, signature } = fellIll
      events.push({ type: 'onset', target, signature, at })
      const delays = new Map(notable.runs.map(({ change, since }) => [change, at - since]))
      notable.ill = this.#fallIll(target, signature, delays)
    }
    begin(starts.filter((start) => !first.includes(start)))
    const ended = notable.runs.filter(({ change }) => !seen.runs.has(change))
    if (ended.length > 0) notable.runs = notable.runs.filter((run) => !ended.includes(run))
    for (const { change } of ended) events.push({ type: 'end', target, change, at: now })
    this.#note(target, notable)
    let last = -Infinity
    return events.map((event) => ({ ...event, at: (last = Math.max(last, event.at)) }))
  }

  #fallIll(target: string, name: string, delays: Delays): Ill {
    let signature = this.#signatures.get(name)
    if (!signature) {
      this.#signatures.set(name, (signature = { ill: new Set(), onsets: [], weighed: 0, attribution: undefined }))
    }
    signature.ill.add(target)
    signature.onsets.push(delays)
    return { signature: name, delays, against: undefined }
  }

  #recover(target: string): void {
    const notable = this.#notable.get(target)
    if (notable?.ill === undefined) return
    this.#signatures.get(notable.ill.signature)?.ill.delete(target)
    notable.ill = undefined
  }

  /** Keeps what is known of a target as long as there is anything. */
  #note(target: string, notable: Notable): void {
    if (notable.runs.length > 0 || notable.ill !== undefined) this.#notable.set(target, notable)
    else this.#notable.delete(target)
  }

  /** Asks anew who causes what `name` names; gives the targets for which the answer is another one. */
  #attribute(name: string, now: number): string[] {
    const signature = this.#signatures.get(name)
    if (this.#tracked.size < 2 || !signature) return []
    const { onsets, ill } = signature
    if (onsets.length <= WEIGHED.each || onsets.length >= signature.weighed * WEIGHED.factor) {
      signature.weighed = onsets.length
      signature.attribution = attribute(this.#ledger, [...this.#tracked.keys()], name, now)
    }
    const guilty = signature.attribution?.guilty
    const strengths = new Map(
      Array.from(this.#tracked.keys(), (change) => [change, suspicion(change, onsets, this.#treated.get(change) ?? 0)]),
    )
    return [...ill].filter((target) => {
      const one = this.#notable.get(target)?.ill
      // What was held against a change that is over stays so.
      if (!one || (one.against !== undefined && !this.#tracked.has(one.against))) return false
      const against =
        guilty !== undefined && one.delays.has(guilty)
          ? guilty
          : strongestSuspect(one.delays, (change) => strengths.get(change) ?? 0)
      const isOther = against !== one.against
      one.against = against
      return isOther
    })
  }

  #forgetAll(): void {
    this.#ledger = new ExposureLedger(0)
    this.#notable.clear()
    this.#signatures.clear()
    this.#treated.clear()
    this.#carried.clear()
  }
}
