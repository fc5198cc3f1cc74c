import type { LiteralValue } from './ast.ts'
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'
import { exactly } from './ranges.ts'
import type { Range } from './ranges.ts'

/** One signature of a function, what it does and what it costs. */
export interface Overload {
  /** As in cel-go; several overloads of a function never share one. */
  readonly id: string
  /** Called as `target.name(…)`; the target is the first parameter. */
  readonly member: boolean
  readonly params: readonly CelType[]
  readonly result: CelType
  readonly run: Implementation
  readonly price: Price
}

/** Arguments are of the declared types, because the checker or the dispatcher saw to it. */
export type Implementation = (...args: readonly CelValue[]) => CelValue

/** What a call costs. */
export interface Price {
  /** At run time. The result is there for functions whose cost depends on it. */
  readonly actual: (args: readonly CelValue[], result: CelValue) => number
  /** Charged before the call, because the call itself takes long; the cost must not depend on the result. */
  readonly upFront?: boolean
  /** Before: the cost without that of the arguments, and the size of the result when it is known. */
  readonly estimate: (args: readonly SizedArgument[]) => PriceEstimate
}

export interface PriceEstimate {
  readonly cost: Range
  readonly size?: Range
}

/** An argument as far as it is known before evaluation. */
export interface SizedArgument {
  readonly type: CelType
  readonly size: Range
  readonly literal: LiteralValue | undefined
  /** Type and size of the items when the argument is a list. */
  readonly item: { readonly type: CelType; readonly size: Range } | undefined
}

export const nominal: Price = { actual: () => 1, estimate: () => ({ cost: exactly(1) }) }

/** A function with its overloads. */
export interface FunctionDeclaration {
  readonly name: string
  readonly overloads: readonly Overload[]
}

/** An overload called as `name(…)`. The implementation may name the types its parameters have. */
export function overload(
  id: string,
  params: readonly CelType[],
  result: CelType,
  run: (...args: never[]) => CelValue,
  price: Price = nominal,
): Overload {
  return { id, member: false, params, result, run: run as Implementation, price }
}

/** An overload called as `target.name(…)`. */
export function member(
  id: string,
  params: readonly CelType[],
  result: CelType,
  run: (...args: never[]) => CelValue,
  price: Price = nominal,
): Overload {
  return { id, member: true, params, result, run: run as Implementation, price }
}

export function define(name: string, ...overloads: readonly Overload[]): FunctionDeclaration {
  return { name, overloads }
}
