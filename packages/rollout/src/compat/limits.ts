import { LONGEST_DURATION, parseGoDuration, parseGoFloat } from './go-text.ts'
import type { KeptQuirks } from './quirks.ts'
import { OcmStrategyError, type OcmSize } from './types.ts'

/** `|` is in the upstream pattern, and so is any text that ends in None; both then fail to parse. */
const DEADLINE = /^[0-9]+[h|m|s]|None$/
const DOCUMENTED_DEADLINE = /^[0-9]+[hms]$/

/**
 * Milliseconds of a progressDeadline; undefined for `None` and ''.
 * @throws {OcmStrategyError} deadline
 */
export function parseDeadline(text: string, kept: KeptQuirks): number | undefined {
  if (text === 'None' || text === '') return undefined
  const pattern = kept.has('compoundDeadlineAccepted') ? DEADLINE : DOCUMENTED_DEADLINE
  const nanoseconds = pattern.test(text) ? parseGoDuration(text) : undefined
  if (nanoseconds === undefined)
    throw new OcmStrategyError(
      'deadline',
      `progressDeadline ${JSON.stringify(text)} is no duration; write None or a number with h, m or s such as 90s`,
    )
  return milliseconds(nanoseconds)
}

/**
 * Milliseconds of a minSuccessTime; undefined for the longest duration, which upstream reads as no soak.
 * @throws {OcmStrategyError} minSuccessTime
 */
export function parseSoak(text: string | undefined): number | undefined {
  if (text === undefined) return 0
  const nanoseconds = parseGoDuration(text)
  if (nanoseconds === undefined)
    throw new OcmStrategyError(
      'minSuccessTime',
      `minSuccessTime ${JSON.stringify(text)} is no duration; write one such as 90s, 10m or 1h30m`,
    )
  return milliseconds(nanoseconds)
}

function milliseconds(nanoseconds: bigint): number | undefined {
  return nanoseconds === LONGEST_DURATION ? undefined : Number(nanoseconds) / 1e6
}

/** A size that was read: clusters out of a total. Not a number above or below everything when the text says so. */
type SizeOf = (total: number) => number

/**
 * Reads a number or a percentage, which is rounded up.
 * @throws {OcmStrategyError} of `field`
 */
function readSize(field: 'maxFailures' | 'maxConcurrency', value: OcmSize): SizeOf {
  if (typeof value === 'number') return () => value
  const percent = value.endsWith('%') ? parseGoFloat(value.slice(0, -1)) : undefined
  if (percent === undefined)
    throw new OcmStrategyError(
      field,
      `${field} ${JSON.stringify(value)} is no percentage; write a number such as 5 or a percentage such as "10%"`,
    )
  return (total) => Math.ceil((percent / 100) * total)
}

/**
 * Upstream's rule for all sizes: at most 0 or above `total` is read as `fallback`.
 * @throws {OcmStrategyError} of `field`
 */
export function rolloutSize(
  value: OcmSize,
  total: number,
  fallback: number,
  field: 'maxFailures' | 'maxConcurrency' = 'maxConcurrency',
): number {
  const size = readSize(field, value)(total)
  return size > 0 && size <= total ? size : fallback
}

/**
 * Failures tolerated among `total` clusters, as a function of it.
 * @throws {OcmStrategyError} maxFailures
 */
export function readMaxFailures(
  value: OcmSize | undefined,
  kept: KeptQuirks,
  quirk: 'budgetAboveFleetIsZero' | 'budgetAboveGroupIsZero',
): SizeOf {
  const sizeOf = readSize('maxFailures', value ?? 0)
  const above = kept.has(quirk)
  return (total) => {
    const size = sizeOf(total)
    if (!(size > 0)) return 0
    return size <= total ? size : above ? 0 : total
  }
}

/**
 * Slots for `total` clusters, as a function of it.
 * @throws {OcmStrategyError} maxConcurrency
 */
export function readMaxConcurrency(value: OcmSize | undefined, kept: KeptQuirks): SizeOf {
  if (value === undefined) return (total) => total
  const sizeOf = readSize('maxConcurrency', value)
  const zeroIsAll = kept.has('zeroConcurrencyIsAll')
  return (total) => {
    const size = sizeOf(total)
    if (size > 0) return Math.min(size, total)
    return zeroIsAll ? total : 0
  }
}
