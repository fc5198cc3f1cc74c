import { CelCostExceeded, CelEvaluationError } from './errors.ts'
import type { CelValue } from './values.ts'

/** The state of one evaluation. */
export class Frame {
  /** Variables by number: those from outside first, then those of macros. */
  readonly slots: (CelValue | undefined)[] = []
  cost = 0
  readonly #limit: number
  readonly #load: (slot: number) => CelValue

  constructor(limit: number, load: (slot: number) => CelValue) {
    this.#limit = limit
    this.#load = load
  }

  spend(cost: number): void {
    this.cost += cost
    if (this.cost > this.#limit) throw new CelCostExceeded()
  }

  /** A variable from outside; it is converted when it is first read. */
  variable(slot: number): CelValue {
    const known = this.slots[slot]
    return known === undefined ? (this.slots[slot] = this.#load(slot)) : known
  }
}

/** Evaluates a node. */
export type Step = (frame: Frame) => CelValue

/**
 * What went wrong, for operators that may absorb it. A null where the declared type has none makes JavaScript's own
 * operators throw; in CEL that is a call without an overload. Everything else goes on.
 */
export function evaluationError(error: unknown): CelEvaluationError {
  if (error instanceof CelEvaluationError) return error
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) {
    return new CelEvaluationError('no such overload', { cause: error })
  }
  throw error
}

export function noSuchOverload(): never {
  throw new CelEvaluationError('no such overload')
}
