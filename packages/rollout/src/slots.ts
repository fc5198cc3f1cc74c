import { Heap } from './heap.ts'
import type { TargetRecord } from './target.ts'

/** Operations in flight, for each shard and altogether, held against the caps. */
export class Slots {
  readonly #maxPerShard: (shard: string) => number
  readonly #maxConcurrent: number
  readonly #inFlight = new Map<string, number>()
  /** Of each pair. */
  readonly #together = new Map<string, number>()
  #total = 0

  constructor(maxPerShard: (shard: string) => number, maxConcurrent = Number.POSITIVE_INFINITY) {
    this.#maxPerShard = maxPerShard
    this.#maxConcurrent = maxConcurrent
  }

  get total(): number {
    return this.#total
  }

  /** Negative `change` gives slots back. */
  adjust({ shard, input: { pair } }: TargetRecord, change: number): void {
    this.#inFlight.set(shard, (this.#inFlight.get(shard) ?? 0) + change)
    this.#total += change
    if (pair === undefined) return
    const together = (this.#together.get(pair) ?? 0) + change
    if (together > 0) this.#together.set(pair, together)
    else this.#together.delete(pair)
  }

  /** Whether another one of this pair is in flight. */
  isPairBusy(pair: string): boolean {
    return this.#together.has(pair)
  }

  get full(): boolean {
    return this.#total >= this.#maxConcurrent
  }

  hasRoom(shard: string): boolean {
    return (this.#inFlight.get(shard) ?? 0) < this.#maxPerShard(shard)
  }

  /** How many operations can run at once on `shard`. */
  limit(shard: string): number {
    return Math.min(this.#maxPerShard(shard), this.#maxConcurrent)
  }

  get maxConcurrent(): number {
    return this.#maxConcurrent
  }
}

interface Line {
  readonly shard: string
  readonly waiting: Heap<Place>
  /** The order it is listed with; other entries of it are stale. */
  listedAs: number | undefined
}

interface Place {
  readonly order: number
  readonly record: TargetRecord
}

/**
 * Targets that wait for a slot, by shard. `next` gives the longest waiting one whose shard has room and of whose pair
 * none is in flight; its cost does not depend on how many wait. Entries of targets that no longer wait are dropped when
 * they come up.
 */
export class ReadyQueue {
  readonly #slots: Slots
  readonly #stillWaits: (record: TargetRecord) => boolean
  /** The order each target waits with; other entries of it are stale. */
  readonly #queued = new Map<TargetRecord, number>()
  readonly #lines = new Map<string, Line>()
  /** Whose turn came while another one of their pair was in flight, by pair. */
  readonly #setAside = new Map<string, Place[]>()
  readonly #listed = new Heap<{ readonly order: number; readonly line: Line }>(
    (left, right) => left.order < right.order,
  )

  constructor(slots: Slots, stillWaits: (record: TargetRecord) => boolean) {
    this.#slots = slots
    this.#stillWaits = stillWaits
  }

  /** Puts a target in line; one that waits already moves only forwards. */
  add(record: TargetRecord, order: number): void {
    const before = this.#queued.get(record)
    if (before !== undefined && before <= order) return
    this.#queued.set(record, order)
    this.#line({ order, record })
  }

  /** To be called when `shard` may have got room. */
  roomIn(shard: string): void {
    const line = this.#lines.get(shard)
    if (line) this.#list(line)
  }

  /** To be called when nobody of `pair` may be in flight any more. */
  roomBeside(pair: string): void {
    const aside = this.#setAside.get(pair)
    if (!aside || this.#slots.isPairBusy(pair)) return
    this.#setAside.delete(pair)
    for (const place of aside) this.#line(place)
  }

  /** To be called when any shard may have got room. */
  roomAnywhere(): void {
    for (const line of this.#lines.values()) this.#list(line)
  }

  /** Takes out the next target that may start now. The caller must take its slot before asking again. */
  next(): TargetRecord | undefined {
    while (!this.#slots.full) {
      const head = this.#listed.pop()
      if (!head) return undefined
      const { line } = head
      if (line.listedAs !== head.order) continue
      line.listedAs = undefined
      if (!this.#slots.hasRoom(line.shard)) continue
      const place = line.waiting.pop()
      if (!place) continue
      this.#list(line)
      const { record } = place
      if (this.#queued.get(record) !== place.order) continue
      const { pair } = record.input
      if (pair !== undefined && this.#slots.isPairBusy(pair)) {
        const aside = this.#setAside.get(pair)
        if (aside) aside.push(place)
        else this.#setAside.set(pair, [place])
        continue
      }
      this.#queued.delete(record)
      if (this.#stillWaits(record)) return record
    }
    return undefined
  }

  #line(place: Place): void {
    const { shard } = place.record
    let line = this.#lines.get(shard)
    if (!line) {
      line = { shard, waiting: new Heap((left, right) => left.order < right.order), listedAs: undefined }
      this.#lines.set(shard, line)
    }
    line.waiting.push(place)
    this.#list(line)
  }

  /** Lists a line with its first place; whether there is room is asked again when it comes up. */
  #list(line: Line): void {
    const place = line.waiting.peek()
    if (!place || !this.#slots.hasRoom(line.shard)) return
    if (line.listedAs !== undefined && line.listedAs <= place.order) return
    line.listedAs = place.order
    this.#listed.push({ order: place.order, line })
  }
}
