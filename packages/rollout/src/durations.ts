/** Each bucket is this much longer than the one before: quantiles are right within 10 %. */
const GROWTH = 1.1

/** Durations of operations in buckets: adding and asking cost the same however many there were. */
export class Durations {
  readonly #buckets: number[] = []
  #count = 0
  #sum = 0

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  add(milliseconds: number): void {
    const bucket = milliseconds < 1 ? 0 : Math.ceil(Math.log(milliseconds) / Math.log(GROWTH))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    this.#sum += milliseconds
  }

  /** The duration that this share (0-1) of the operations did not exceed. */
  quantile(share: number): number {
    let left = Math.ceil(share * this.#count)
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket] ?? 0
      if (left <= 0) return GROWTH ** bucket
    }
    return 0
  }
}
