import type { ComponentFixTarget } from '@locktender/fleet'
import {
  compareVersions,
  formatVersion,
  inRange,
  parseVersion,
  parseVersionRange,
  releaseLine,
} from '@locktender/releases'
import type { Version } from '@locktender/releases'
import { overridePlatforms } from './platforms.ts'
import type { OverrideRow } from './parse.ts'

/**
 * Up to this many missing versions in a row are excluded from a range; a wider gap makes two ranges, which is shorter
 * to write and easier to read.
 */
const MAX_EXCLUDED_IN_A_ROW = 3

/** Below the API's limit of 64 by enough for the prereleases of one line. */
const MAX_EXCLUDED = 32

interface Range {
  readonly from: string
  readonly to: string
  readonly exclude: readonly string[]
}

interface VersionPlatforms {
  readonly version: string
  readonly platforms: readonly ('AWS' | 'Azure')[]
}

/**
 * The ranges that cover, of the versions in `all`, exactly those whose row has `image`: one list of platforms and one
 * release line each, in order of version. Versions before a release (4.21.0-ec.1) get a range of their own, and are
 * excluded from the range around them.
 */
export function rowsToTargets(image: string, all: readonly OverrideRow[]): ComponentFixTarget[] {
  const prereleases = all.map((row) => parseVersion(row.version)).filter((version) => version.prerelease !== undefined)
  const rows = all.filter((row) => row.image === image)
  const blocks = Map.groupBy(versionsOf(rows), ({ version, platforms }) => {
    const parsed = parseVersion(version)
    const prerelease = parsed.prerelease === undefined ? '' : version
    return `${releaseLine(parsed)} ${platforms.join(',')} ${prerelease}`
  })
  return [...blocks.values()].flatMap((block) =>
    ranges(block.map(({ version }) => version)).map((range) => ({
      platforms: block[0]!.platforms,
      versions: withoutPrereleases(range, prereleases),
      image,
    })),
  )
}

function versionsOf(rows: readonly OverrideRow[]): VersionPlatforms[] {
  const byVersion = Map.groupBy(rows, (row) => row.version)
  return [...byVersion]
    .map(([version, same]) => ({
      version,
      platforms: overridePlatforms
        .filter(({ key }) => same.some((row) => row.platform === key))
        .map(({ type }) => type)
        .toSorted(),
    }))
    .sort((left, right) => compareVersions(parseVersion(left.version), parseVersion(right.version)))
}

/** Ranges over sorted versions of one line that differ in the patch number only. */
function ranges(versions: readonly string[]): Range[] {
  const result: { from: string; to: string; exclude: string[] }[] = []
  for (const version of versions) {
    const last = result.at(-1)
    const { patch } = parseVersion(version)
    const before = last === undefined ? undefined : parseVersion(last.to).patch
    const missing = before === undefined ? 0 : patch - before - 1
    if (last === undefined || missing > MAX_EXCLUDED_IN_A_ROW || last.exclude.length + missing > MAX_EXCLUDED) {
      result.push({ from: version, to: version, exclude: [] })
      continue
    }
    const line = releaseLine(parseVersion(version))
    for (let excluded = patch - missing; excluded < patch; excluded++) last.exclude.push(`${line}.${excluded}`)
    last.to = version
  }
  return result
}

/** By the order of semver 4.21.1-rc.1 is between 4.21.0 and 4.21.1; the file gives it a row of its own. */
function withoutPrereleases(range: Range, prereleases: readonly Version[]): ComponentFixTarget['versions'] {
  const { from, to } = range
  const inside = prereleases
    .filter((version) => inRange(version, parseVersionRange({ from, to })))
    .map(formatVersion)
    .filter((version) => version !== from)
  const exclude = [...new Set([...range.exclude, ...inside])]
  return exclude.length === 0 ? { from, to } : { from, to, exclude }
}
