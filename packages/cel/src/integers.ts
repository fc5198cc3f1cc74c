import { CelEvaluationError } from './errors.ts'
import { CelUint } from './values.ts'

/** Limits of the integer types. */
export const minInt = -(2n ** 63n)
export const maxInt = 2n ** 63n - 1n
export const maxUint = 2n ** 64n - 1n

/** The value, unless it is too large for an int. */
export function int(value: bigint): bigint {
  if (value < minInt || value > maxInt) throw new CelEvaluationError('integer overflow')
  return value
}

/** The value as an uint, unless it is none. */
export function uint(value: bigint): CelUint {
  if (value < 0n || value > maxUint) throw new CelEvaluationError('unsigned integer overflow')
  return new CelUint(value)
}
