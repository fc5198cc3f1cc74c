import { InputError } from './input-error.ts'
import { compareVersions, formatVersion, parseVersion, releaseLine } from './version.ts'
import type { Version } from './version.ts'

/** Versions of one release line, both ends included, as written by people. */
export interface VersionRangeInput {
  readonly from: string
  readonly to: string
  readonly exclude?: readonly string[]
}

/** A checked {@link VersionRangeInput}: one line, not inverted, not empty. */
export interface VersionRange {
  readonly from: Version
  readonly to: Version
  readonly exclude: readonly Version[]
}

/** Checks and reads a range. Throws {@link InputError} for one that is inverted, empty or spans lines. */
export function parseVersionRange(input: VersionRangeInput): VersionRange {
  const from = parseVersion(input.from)
  const to = parseVersion(input.to)
  const text = `${input.from}–${input.to}`
  if (releaseLine(from) !== releaseLine(to)) {
    throw new InputError(
      `versions ${text} span the release lines ${releaseLine(from)} and ${releaseLine(to)}: an image is built for one line; write one target for each line`,
    )
  }
  if (compareVersions(from, to) > 0) {
    throw new InputError(
      `versions ${text} are inverted: no version is at least ${input.from} and at most ${input.to}; swap "from" and "to"`,
    )
  }
  const exclude = (input.exclude ?? []).map((excluded) => parseVersion(excluded))
  for (const excluded of exclude) {
    if (!between(excluded, from, to)) {
      throw new InputError(
        `excluded version ${formatVersion(excluded)} is not within ${text}: leaving it out changes nothing and is probably a typing mistake; correct or remove it`,
      )
    }
  }
  const range = { from, to, exclude }
  if (firstCommonVersion(range, range) === undefined) {
    throw new InputError(
      `versions ${text} are all excluded: the range is empty and would match no control plane; remove the target or exclude fewer versions`,
    )
  }
  return range
}

/** Whether a version belongs to a range. */
export function inRange(version: Version, range: VersionRange): boolean {
  return (
    releaseLine(version) === releaseLine(range.from) &&
    between(version, range.from, range.to) &&
    !range.exclude.some((excluded) => compareVersions(excluded, version) === 0)
  )
}

/**
 * The oldest version that belongs to both ranges, or undefined if they do not overlap. Between the ends only plain
 * versions count, since prereleases cannot be enumerated; prereleases named as an end or an exclusion do.
 */
export function firstCommonVersion(left: VersionRange, right: VersionRange): Version | undefined {
  if (releaseLine(left.from) !== releaseLine(right.from)) return undefined
  const low = compareVersions(left.from, right.from) >= 0 ? left.from : right.from
  const high = compareVersions(left.to, right.to) <= 0 ? left.to : right.to
  if (compareVersions(low, high) > 0) return undefined
  const common = (version: Version) => inRange(version, left) && inRange(version, right)
  if (common(low)) return low
  // Each step past the first can be refused only by an exclusion, so the walk ends soon however long the range is.
  for (let patch = low.patch; patch <= high.patch; patch++) {
    const version = { major: low.major, minor: low.minor, patch }
    if (common(version)) return version
  }
  return common(high) ? high : undefined
}

/** The text of a range, for messages. */
export function formatVersionRange(range: VersionRange): string {
  const { from, to, exclude } = range
  if (compareVersions(from, to) === 0) return formatVersion(from)
  const without = exclude.length === 0 ? '' : ` without ${exclude.map(formatVersion).join(', ')}`
  return `${formatVersion(from)}–${formatVersion(to)}${without}`
}

function between(version: Version, from: Version, to: Version): boolean {
  return compareVersions(version, from) >= 0 && compareVersions(version, to) <= 0
}
