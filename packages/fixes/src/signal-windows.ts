import type { ControlPlane, StrategySignal } from '@locktender/fleet'
import { parseDuration } from '@locktender/fleet'
import { Heap } from '@locktender/kube'
import { isUnderWay } from './rollout-inputs.ts'

/** Samples of one signal. */
export interface Samples {
  readonly signal: string
  readonly bad: number
  readonly total: number
}

/** Reports need so long to arrive; a window is looked at after it. Milliseconds. */
const REPORT_MS = 60_000

interface Watched {
  readonly name: string
  readonly windowMs: number
}

/** One treated control plane. */
interface Seen {
  /** Since the end of its change. */
  readonly since: number
  latest: ControlPlane
  isReachable: boolean
  /** When each signal was counted, as far as that matters still. */
  readonly counted: Map<string, number[]>
}

interface Due {
  readonly at: number
  readonly id: string
  /** Whose it is: another one by the same id has windows of its own. */
  readonly of: Seen
  readonly signal: Watched
  readonly window: number
}

/**
 * Makes samples of what control planes count: each window of time after the change of a treated one is a sample, and a
 * bad one when the signal was counted in it. Windows are long against a trouble, so that samples stand for themselves.
 * One in which another change was under way, or at whose end nobody knows how the control plane is, is none; nor is one
 * that ended before it was first seen. O(log n) for a window, nothing for events that count nothing.
 */
export class SignalWindows {
  readonly #signals: readonly Watched[]
  readonly #seen = new Map<string, Seen>()
  /** A queue for each signal: windows are equally long, but begin when changes end. */
  readonly #queues: readonly Heap<Due>[]

  /** @throws RangeError for a window that admission would have refused */
  constructor(signals: readonly StrategySignal[]) {
    this.#signals = signals.map(({ name, window }) => ({ name, windowMs: Math.max(REPORT_MS, parseDuration(window)) }))
    this.#queues = this.#signals.map(() => new Heap<Due>((left, right) => left.at < right.at))
  }

  /** Takes in a treated control plane, whose change ended at `since`. */
  see(id: string, controlPlane: ControlPlane, since: number, isReachable: boolean, now: number): void {
    let seen = this.#seen.get(id)
    if (seen?.since !== since) {
      this.#seen.set(id, (seen = { since, latest: controlPlane, isReachable, counted: new Map() }))
      for (const [index, signal] of this.#signals.entries()) {
        const window = Math.max(0, Math.floor((now - since) / signal.windowMs))
        this.#queues[index]!.push({ id, of: seen, signal, window, at: this.#endOf(since, signal, window) })
      }
    }
    seen.latest = controlPlane
    seen.isReachable = isReachable
    for (const { name, at } of controlPlane.status?.signals ?? []) {
      const time = Date.parse(at)
      const known = seen.counted.get(name)
      if (time <= since || known?.at(-1) === time) continue
      if (known === undefined) seen.counted.set(name, [time])
      else known.push(time)
    }
  }

  /** Forgets one that is gone, or whose change is being taken back. */
  drop(id: string): void {
    this.#seen.delete(id)
  }

  /** When the next window can be looked at; undefined without any. */
  get dueAt(): number | undefined {
    const times = this.#queues.flatMap((queue) => queue.peek()?.at ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Samples of the windows that have ended by `now`, by signal. */
  take(now: number): Samples[] {
    return this.#signals.flatMap(({ name }, index) => {
      let bad = 0
      let total = 0
      for (let due = this.#due(index, now); due !== undefined; due = this.#due(index, now)) {
        const isBad = this.#judge(due)
        if (isBad === undefined) continue
        total++
        if (isBad) bad++
      }
      return total === 0 ? [] : [{ signal: name, bad, total }]
    })
  }

  /** Takes the first window out that is over, and puts the next of the same control plane in. */
  #due(index: number, now: number): Due | undefined {
    const queue = this.#queues[index]!
    const first = queue.peek()
    if (first === undefined || first.at > now) return undefined
    queue.pop()
    if (this.#seen.get(first.id) === first.of) {
      const window = first.window + 1
      queue.push({ ...first, window, at: this.#endOf(first.of.since, first.signal, window) })
    }
    return first
  }

  /** Undefined when it says nothing. */
  #judge({ id, of: seen, signal, window }: Due): boolean | undefined {
    if (this.#seen.get(id) !== seen) return undefined
    const from = seen.since + window * signal.windowMs
    const to = from + signal.windowMs
    const counted = seen.counted.get(signal.name) ?? []
    const isBad = counted.some((time) => time > from && time <= to)
    seen.counted.set(
      signal.name,
      counted.filter((time) => time > to),
    )
    const { status } = seen.latest
    const isKnown = seen.isReachable && status?.signals?.some(({ name }) => name === signal.name)
    const isDisturbed = status?.operations?.some(({ startTime, completionTime, ...operation }) => {
      const end = isUnderWay({ ...operation, startTime }) ? Infinity : Date.parse(completionTime ?? startTime)
      return Date.parse(startTime) < to && end > from
    })
    return isKnown && !isDisturbed ? isBad : undefined
  }

  #endOf(since: number, { windowMs }: Watched, window: number): number {
    return since + (window + 1) * windowMs + REPORT_MS
  }
}
