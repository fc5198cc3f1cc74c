import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { maxUint } from '../integers.ts'
import { traversal } from '../prices.ts'
import { celBool, celInt, celString, opaqueType } from '../types.ts'
import { CelOpaque } from '../values.ts'

const semverType = opaqueType('kubernetes.Semver')

/** A semantic version, 2.0.0. */
class Semver extends CelOpaque {
  readonly type = semverType
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: readonly string[]

  constructor(major: bigint, minor: bigint, patch: bigint, prerelease: readonly string[]) {
    super()
    this.major = major
    this.minor = minor
    this.patch = patch
    this.prerelease = prerelease
  }

  equals(other: CelOpaque): boolean {
    return other instanceof Semver && compare(this, other) === 0
  }
}

function fail(reason: string): never {
  throw new CelEvaluationError(reason)
}

function parse(text: string): Semver {
  if (text === '') return fail('Version string empty')
  const [majorText = '', minorText, rest] = splitAtMost(text, '.', 3)
  if (minorText === undefined || rest === undefined) return fail('No Major.Minor.Patch elements found')
  const [core = '', build] = splitAtMost(rest, '+', 2)
  const [patchText = '', prerelease] = splitAtMost(core, '-', 2)
  const version = [number('Major', majorText), number('Minor', minorText), number('Patch', patchText)] as const
  const identifiers = prerelease === undefined ? [] : prerelease.split('.')
  for (const identifier of identifiers) checkPrerelease(identifier)
  for (const metadata of build === undefined ? [] : build.split('.')) {
    if (metadata === '') return fail('Build meta data is empty')
    if (!/^[0-9A-Za-z-]+$/.test(metadata)) {
      return fail(`Invalid character(s) found in build meta data ${JSON.stringify(metadata)}`)
    }
  }
  return new Semver(...version, identifiers)
}

/** Like Go's SplitN: the last piece keeps the rest. */
function splitAtMost(text: string, separator: string, count: number): string[] {
  const pieces = text.split(separator)
  return pieces.length <= count ? pieces : [...pieces.slice(0, count - 1), pieces.slice(count - 1).join(separator)]
}

function number(name: string, text: string): bigint {
  if (!/^\d*$/.test(text)) {
    return fail(`Invalid character(s) found in ${name.toLowerCase()} number ${JSON.stringify(text)}`)
  }
  if (/^0\d/.test(text)) return fail(`${name} number must not contain leading zeroes ${JSON.stringify(text)}`)
  if (text === '' || BigInt(text) > maxUint)
    return fail(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return BigInt(text)
}

function checkPrerelease(identifier: string): void {
  if (identifier === '') fail('Prerelease is empty')
  if (/^0\d+$/.test(identifier)) {
    fail(`Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(identifier)}`)
  }
  if (!/^[0-9A-Za-z-]+$/.test(identifier)) {
    fail(`Invalid character(s) found in prerelease ${JSON.stringify(identifier)}`)
  }
}

/** Takes off a `v`, fills up missing numbers, drops leading zeros. */
function normalize(text: string): string {
  const parts = splitAtMost(text.replace(/^v/, ''), '.', 3).map((part) =>
    part.length > 1 ? part.replace(/^0+(?!\d)/, '0').replace(/^0+(?=\d)/, '') : part,
  )
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) {
    return fail('short version cannot contain PreRelease/Build meta data')
  }
  while (parts.length < 3) parts.push('0')
  return parts.join('.')
}

function toSemver(text: string, lenient = false): Semver {
  return parse(lenient ? normalize(text) : text)
}

function isSemver(text: string, lenient = false): boolean {
  try {
    toSemver(text, lenient)
    return true
  } catch (error) {
    if (error instanceof CelEvaluationError) return false
    throw error
  }
}

function compare(left: Semver, right: Semver): number {
  const numbers = compareBigints(left.major, right.major) || compareBigints(left.minor, right.minor)
  return numbers || compareBigints(left.patch, right.patch) || comparePrereleases(left.prerelease, right.prerelease)
}

/** A version is newer than its prereleases. */
function comparePrereleases(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return Math.sign(right.length - left.length)
  for (const [index, one] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const order = compareIdentifiers(one, other)
    if (order !== 0) return order
  }
  return left.length < right.length ? -1 : 0
}

function compareIdentifiers(left: string, right: string): number {
  const leftIsNumber = /^\d+$/.test(left)
  const rightIsNumber = /^\d+$/.test(right)
  if (leftIsNumber && rightIsNumber) return compareBigints(BigInt(left), BigInt(right))
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}

function compareBigints(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}

const S = semverType

export const semverFunctions: readonly FunctionDeclaration[] = [
  define(
    'semver',
    overload('string_to_semver', [celString], S, toSemver, traversal(0)),
    overload('string_bool_to_semver', [celString, celBool], S, toSemver, traversal(0)),
  ),
  define(
    'isSemver',
    overload('is_semver_string', [celString], celBool, isSemver, traversal(0)),
    overload('is_semver_string_bool', [celString, celBool], celBool, isSemver, traversal(0)),
  ),
  define(
    'isGreaterThan',
    member('semver_is_greater_than', [S, S], celBool, (a: Semver, b: Semver) => compare(a, b) > 0),
  ),
  define(
    'isLessThan',
    member('semver_is_less_than', [S, S], celBool, (a: Semver, b: Semver) => compare(a, b) < 0),
  ),
  define(
    'compareTo',
    member('semver_compare_to', [S, S], celInt, (a: Semver, b: Semver) => BigInt(compare(a, b))),
  ),
  define(
    'major',
    member('semver_major', [S], celInt, ({ major }: Semver) => major),
  ),
  define(
    'minor',
    member('semver_minor', [S], celInt, ({ minor }: Semver) => minor),
  ),
  define(
    'patch',
    member('semver_patch', [S], celInt, ({ patch }: Semver) => patch),
  ),
]
