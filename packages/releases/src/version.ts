import { InputError } from './input-error.ts'

/** A release version as in semver 2.0. Build metadata is accepted and ignored. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** `rc.1` of `4.20.0-rc.1`. */
  readonly prerelease?: string
}

const PATTERN =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/

/** Reads `4.20.6` or `4.20.0-rc.1`. Throws {@link InputError}. */
export function parseVersion(text: string): Version {
  const match = PATTERN.exec(text)
  if (match === null) {
    throw new InputError(
      `"${text}" is not a release version: it needs three numbers without leading zeros; write it like 4.20.6 or 4.20.0-rc.1`,
    )
  }
  const [, major, minor, patch, prerelease] = match
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    ...(prerelease === undefined ? {} : { prerelease }),
  }
}

/** The text of a version. */
export function formatVersion(version: Version): string {
  const suffix = version.prerelease === undefined ? '' : `-${version.prerelease}`
  return `${version.major}.${version.minor}.${version.patch}${suffix}`
}

/** Major and minor, `4.20`: the unit in which images are built and fixes are backported. */
export function releaseLine(version: Version): string {
  return `${version.major}.${version.minor}`
}

/** Below zero if `left` is older, above if newer, zero if equal in the order of semver. */
export function compareVersions(left: Version, right: Version): number {
  return (
    left.major - right.major ||
    left.minor - right.minor ||
    left.patch - right.patch ||
    comparePrereleases(left.prerelease, right.prerelease)
  )
}

/** Semver 2.0 rule 11: a prerelease is older than its release, numbers are older than words. */
function comparePrereleases(left: string | undefined, right: string | undefined): number {
  if (left === right) return 0
  if (left === undefined) return 1
  if (right === undefined) return -1
  const lefts = left.split('.')
  const rights = right.split('.')
  for (let index = 0; index < Math.max(lefts.length, rights.length); index++) {
    const a = lefts[index]
    const b = rights[index]
    if (a === undefined) return -1
    if (b === undefined) return 1
    const order = compareIdentifiers(a, b)
    if (order !== 0) return order
  }
  return 0
}

function compareIdentifiers(left: string, right: string): number {
  const leftNumeric = /^\d+$/.test(left)
  const rightNumeric = /^\d+$/.test(right)
  if (leftNumeric && rightNumeric) return Number(left) - Number(right)
  if (leftNumeric !== rightNumeric) return leftNumeric ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}
