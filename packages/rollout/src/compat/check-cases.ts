import type { OcmCase, OcmCases, OcmMalformed, OcmOutcome } from './case-file.ts'
import { decideOcmRollout } from './decide.ts'
import { MalformedInput } from './malformed.ts'
import { ALL_QUIRKS, COMPATIBLE, keeping, mending, type KeptQuirks, type Quirk } from './quirks.ts'
import { OcmStrategyError, type OcmStatus } from './types.ts'
import { runUnitRow } from './unit-rows.ts'

/** One place where an answer is not as expected. Times are seconds, as in the file. */
export interface OcmDifference {
  /** Such as `rollout[2]`. */
  readonly path: string
  readonly expected: unknown
  readonly actual: unknown
}

/** An answer that is not as expected. */
export interface OcmMismatch {
  readonly id: string
  readonly kind?: string
  readonly why?: string
  readonly expected: unknown
  readonly actual: unknown
  readonly differences: readonly OcmDifference[]
}

/** An answer that differs because quirks were mended. */
export interface OcmMended extends OcmMismatch {
  /** Which: each of them alone makes a difference, or, if none does, all of them together. */
  readonly quirks: readonly Quirk[]
}

export interface OcmCheck {
  readonly passed: number
  readonly failed: number
  readonly mismatches: readonly OcmMismatch[]
  /** Passed too: they differ where they should. Always empty when every quirk is kept. */
  readonly mended: readonly OcmMended[]
  readonly malformed: readonly OcmMalformed[]
}

/**
 * Holds cases and unit rows against the engine. Where quirks are mended, an answer may differ because of them; a case of
 * kind quirk must when all of them are.
 */
export function checkOcmCases({ cases, units, malformed }: OcmCases, kept: KeptQuirks = COMPATIBLE): OcmCheck {
  const mismatches: OcmMismatch[] = []
  const mended: OcmMended[] = []
  const unreadable = [...malformed]
  let passed = 0
  const look = (
    about: Pick<OcmMismatch, 'id' | 'kind' | 'why'>,
    expected: unknown,
    actualWith: (kept: KeptQuirks) => unknown,
  ) => {
    const actual = actualWith(kept)
    const differences = differencesOf(expected, actual)
    const found: OcmMismatch = { ...about, expected, actual, differences }
    const isSame = (kept: KeptQuirks) => differencesOf(expected, actualWith(kept)).length === 0
    if (differences.length === 0 && (about.kind !== 'quirk' || kept.size > 0)) passed++
    else if (differences.length > 0 && kept.size < ALL_QUIRKS.length && isSame(COMPATIBLE)) {
      passed++
      mended.push({ ...found, quirks: quirksBehind(kept, isSame) })
    } else mismatches.push(found)
  }
  for (const { id, kind, why, question, expect } of cases)
    look({ id, ...(kind !== undefined && { kind }), ...(why !== undefined && { why }) }, written(expect), (kept) =>
      written(outcomeOf(question, kept)),
    )
  for (const unit of units)
    try {
      look({ id: unit.id }, runUnitRow(unit, kept).expected, (kept) => runUnitRow(unit, kept).actual)
    } catch (error) {
      if (!(error instanceof MalformedInput)) throw error
      unreadable.push({ where: error.where, problem: error.message })
    }
  return { passed, failed: mismatches.length, mismatches, mended, malformed: unreadable }
}

/** The answer to a case, an error by its field. */
export function outcomeOf(question: OcmCase['question'], kept: KeptQuirks): OcmOutcome {
  try {
    const { strategy: _, ...outcome } = decideOcmRollout(question, kept)
    return outcome
  } catch (error) {
    if (error instanceof OcmStrategyError) return { error: error.field }
    throw error
  }
}

/** Why an answer differs: quirks that make a difference each alone, else a set of which none can be left out. */
function quirksBehind(kept: KeptQuirks, isSame: (kept: KeptQuirks) => boolean): Quirk[] {
  const mendedOnes = ALL_QUIRKS.filter((quirk) => !kept.has(quirk))
  const alone = mendedOnes.filter((quirk) => !isSame(mending(quirk)))
  if (alone.length > 0) return alone
  let needed = mendedOnes
  for (const quirk of mendedOnes) {
    const fewer = needed.filter((other) => other !== quirk)
    if (!isSame(keeping(...ALL_QUIRKS.filter((other) => !fewer.includes(other))))) needed = fewer
  }
  return needed
}

/** As in the file: seconds, and every field in one order. */
function written(outcome: OcmOutcome): unknown {
  if ('error' in outcome) return outcome
  const { rollout, timeout, removed, maxFailureBreach, recheckAfter } = outcome
  return {
    rollout: rollout.map(writtenStatus),
    timeout: timeout.map(writtenStatus),
    removed: removed.map(writtenStatus),
    maxFailureBreach,
    recheckAfter: recheckAfter === undefined ? null : seconds(recheckAfter),
  }
}

function writtenStatus({ cluster, group, status, transitionAt, recheckAt }: OcmStatus): unknown {
  return {
    cluster,
    group: { name: group.name, index: group.index },
    status,
    ...(transitionAt !== undefined && { transitionAt: seconds(transitionAt) }),
    ...(recheckAt !== undefined && { recheckAt: seconds(recheckAt) }),
  }
}

/** To the nanosecond, which is as exact as upstream's times are. */
function seconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e9
}

function differencesOf(expected: unknown, actual: unknown): OcmDifference[] {
  const found: OcmDifference[] = []
  compare(expected, actual, '', found)
  return found
}

/** Lists are compared entry by entry, an entry as a whole. */
function compare(expected: unknown, actual: unknown, path: string, found: OcmDifference[]): void {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let index = 0; index < Math.max(expected.length, actual.length); index++)
      if (!same(expected[index], actual[index]))
        found.push({ path: `${path}[${index}]`, expected: expected[index] ?? null, actual: actual[index] ?? null })
  } else if (isRecord(expected) && isRecord(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)]))
      compare(expected[key], actual[key], path === '' ? key : `${path}.${key}`, found)
  } else if (!same(expected, actual)) found.push({ path, expected: expected ?? null, actual: actual ?? null })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Equal as JSON, whatever the order of keys. */
function same(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => same(item, right[index]))
  if (!isRecord(left) || !isRecord(right)) return (left ?? null) === (right ?? null)
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => same(left[key], right[key]))
}
