import type { SequentialTestInput } from './types.ts'

/** Sums are kept in whole millionths so that they do not depend on the order of the addends. */
const SCALE = 1_000_000

/** Finished targets of one wave. */
export interface EvidenceCell {
  succeeded: number
  failed: number
}

/**
 * Wald's sequential probability ratio test of "fails at the bad rate" against "fails at the good rate". Each finished
 * target adds ln(p1/p0) when it failed and ln((1-p1)/(1-p0)) when it did not; the change is halted at ln((1-β)/α) and
 * cleared at ln(β/(1-α)).
 *
 * A cleared change goes on being watched: between waves the sum does not fall below the clearing limit, so that a fix
 * that is bad only in a later stage is found as fast as one that is bad from the start.
 */
export class SequentialTest {
  readonly #failure: number
  readonly #success: number
  readonly #clear: number
  readonly #halt: number

  /** Throws RangeError for rates or error chances that make no test. */
  constructor({ goodRate, badRate, alpha, beta }: SequentialTestInput) {
    if (!(goodRate > 0 && goodRate < badRate && badRate < 1)) {
      throw new RangeError(`The rates must satisfy 0 < good < bad < 1, not ${goodRate} and ${badRate}.`)
    }
    if (!(alpha > 0 && alpha < 0.5 && beta > 0 && beta < 0.5)) {
      throw new RangeError(`The chances of error must be between 0 and 0.5, not ${alpha} and ${beta}.`)
    }
    this.#failure = Math.round(Math.log(badRate / goodRate) * SCALE)
    this.#success = Math.round(Math.log((1 - badRate) / (1 - goodRate)) * SCALE)
    this.#halt = Math.round(Math.log((1 - beta) / alpha) * SCALE)
    this.#clear = Math.round(Math.log(beta / (1 - alpha)) * SCALE)
  }

  get haltLimit(): number {
    return this.#halt / SCALE
  }

  get clearLimit(): number {
    return this.#clear / SCALE
  }

  /** The log likelihood ratio after these waves, in their order. */
  ratio(waves: Iterable<EvidenceCell>): number {
    let sum = 0
    for (const { succeeded, failed } of waves) {
      sum = Math.max(this.#clear, sum) + failed * this.#failure + succeeded * this.#success
    }
    return sum / SCALE
  }
}
