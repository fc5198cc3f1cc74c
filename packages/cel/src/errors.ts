/** An error of parsing or checking, with its place. */
export interface CelCompileError {
  /** In the words of cel-go, which Kubernetes clients know: `undefined field 'x'`. */
  readonly message: string
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
}

/** An error of evaluation: `no such key: x`, `division by zero`. `||`, `&&` and the macros built on them may absorb it. */
export class CelEvaluationError extends Error {
  override readonly name = 'CelEvaluationError'
}

/** The evaluation cost more than its limit and was stopped. Nothing absorbs it. */
export class CelCostExceeded extends Error {
  override readonly name = 'CelCostExceeded'

  constructor() {
    super('operation cancelled: actual cost limit exceeded')
  }
}
