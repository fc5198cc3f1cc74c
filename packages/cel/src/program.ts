import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'
import type { CelCompileError } from './errors.ts'

export interface CompileOptions {
  /** The variables an expression may use, with their types. A name may have dots: `authorizer.requestResource`. */
  readonly variables: Readonly<Record<string, CelType>>
  /** What the expression must evaluate to; any type when absent. */
  readonly resultType?: CelType
  /**
   * `kubernetes` (the default) requires lists and maps written out in the expression to hold one type, checks literal
   * regular expressions, durations and timestamps, and knows no quoted field names; `standard` is CEL as specified.
   */
  readonly dialect?: 'kubernetes' | 'standard'
  /** The namespace that names are looked up in, `a.b`; none when absent. Kubernetes has none. */
  readonly container?: string
  /** In UTF-16 units; 100,000 when absent. */
  readonly maxExpressionLength?: number
}

export type CompileResult =
  | { readonly ok: true; readonly program: Program; readonly type: CelType }
  | {
      readonly ok: false
      readonly errors: readonly CelCompileError[]
      /** All errors as cel-go prints them: each with the line it is about and a caret under the place. */
      readonly text: string
    }

export interface EvaluateOptions {
  /** Evaluation stops with CelCostExceeded when it has cost more; unlimited when absent. */
  readonly costLimit?: number
}

export interface Evaluation {
  readonly value: CelValue
  /** In Kubernetes' cost units, each about 50 ns of a server's time. */
  readonly cost: number
}

/** Cost units from the cheapest to the dearest evaluation; at most 2^64. */
export interface CostEstimate {
  readonly min: number
  readonly max: number
}

/** What is known about the size of variables and their parts. */
export interface SizeEstimates {
  /**
   * The greatest size (items of a list, properties of a map, characters of a string, bytes) of the value at a path, or
   * undefined when nothing is known.
   *
   * @param path a variable, then field names, `@items`, `@values` and `@keys`: `['self', 'spec', 'hosts', '@items']`.
   *   Items of lists written in the expression have the path `['@items']`, values that come from no variable none.
   */
  maxSize(path: readonly string[], type: CelType): number | undefined
}

/** A compiled expression. It holds no state of an evaluation and may be used any number of times. */
export interface Program {
  readonly type: CelType
  /**
   * Evaluates the expression.
   *
   * @param bindings the variables: plain JSON that is read by the declared type, or values that evaluation returned.
   * @throws CelEvaluationError with the message of cel-go; CelCostExceeded.
   */
  evaluate(bindings: Readonly<Record<string, unknown>>, options?: EvaluateOptions): Evaluation
  /** What evaluating may cost, as Kubernetes estimates it when a rule is written. */
  estimateCost(sizes?: SizeEstimates): CostEstimate
}
