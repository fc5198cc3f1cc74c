/** Each bucket is this much longer than the one before: quantiles are too long by at most 1 %. */
const GROWTH = 1.01
const LOG_GROWTH = Math.log(GROWTH)

/**
 * Durations of operations, counted in buckets of a fixed relative width: adding is O(1), its size depends on the spread
 * and not on how many there were, and a merged sketch is the sketch of both lists. Deterministic.
 */
export class DurationSketch {
  readonly #buckets: number[] = []
  #count = 0
  #sum = 0

  static of(milliseconds: Iterable<number>): DurationSketch {
    const sketch = new DurationSketch()
    for (const each of milliseconds) sketch.add(each)
    return sketch
  }

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** Milliseconds; whatever is shorter than one counts as one. */
  add(milliseconds: number, times = 1): void {
    const bucket = milliseconds <= 1 ? 0 : Math.ceil(Math.log(milliseconds) / LOG_GROWTH - 1e-9)
    while (this.#buckets.length <= bucket) this.#buckets.push(0)
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + times
    this.#count += times
    this.#sum += milliseconds * times
  }

  /** Adds all of `other`, each duration multiplied by `factor` (to the nearest bucket). */
  merge(other: DurationSketch, factor = 1): void {
    const shift = Math.round(Math.log(factor) / LOG_GROWTH)
    for (const [bucket, times] of other.#buckets.entries()) {
      if (times === 0) continue
      const shifted = Math.max(0, bucket + shift)
      while (this.#buckets.length <= shifted) this.#buckets.push(0)
      this.#buckets[shifted] = (this.#buckets[shifted] as number) + times
    }
    this.#count += other.#count
    this.#sum += other.#sum * factor
  }

  /** The duration that this share (0-1) of the operations did not exceed, or up to 1 % more. 0 when there were none. */
  quantile(share: number): number {
    let left = Math.ceil(share * this.#count)
    for (const [bucket, times] of this.#buckets.entries()) {
      left -= times
      if (left <= 0 && times > 0) return GROWTH ** bucket
    }
    return 0
  }

  /** Expected duration of the slowest of `operations`. */
  slowest(operations: number): number {
    return this.quantile(1 - 1 / (operations + 1))
  }

  /** Squared standard deviation divided by the squared mean. */
  get squaredVariation(): number {
    if (this.#count < 2) return 0
    const { mean } = this
    let sum = 0
    for (const [bucket, times] of this.#buckets.entries()) sum += times * (middleOf(bucket) - mean) ** 2
    return sum / (this.#count - 1) / mean ** 2
  }

  /** Durations at evenly spaced shares, for drawing: the n-th is at share (n + 1/2) / `size`, joined by lines. */
  table(size: number): Float64Array {
    const table = new Float64Array(size)
    let bucket = -1
    let below = 0
    let times = 0
    for (let index = 0; index < size; index++) {
      const rank = ((index + 0.5) / size) * this.#count
      while (below + times < rank && bucket + 1 < this.#buckets.length) {
        below += times
        bucket++
        times = this.#buckets[bucket] as number
      }
      const inside = times === 0 ? 0.5 : (rank - below) / times
      table[index] = bucket < 0 ? 0 : GROWTH ** (bucket - 1 + inside)
    }
    return table
  }
}

function middleOf(bucket: number): number {
  return GROWTH ** (bucket - 0.5)
}
