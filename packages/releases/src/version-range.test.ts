import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareVersions, parseVersion } from './version.ts'
import { firstCommonVersion, formatVersionRange, inRange, parseVersionRange } from './version-range.ts'
import type { VersionRange } from './version-range.ts'

const PATCHES = 12
const every = Array.from({ length: 2 * PATCHES }, (_, index) =>
  parseVersion(`4.${20 + Math.floor(index / PATCHES)}.${index % PATCHES}`),
)

/** Ranges that pass the checks, as sets of versions are compared with them. */
const range: fc.Arbitrary<VersionRange> = fc
  .record({
    minor: fc.constantFrom(20, 21),
    ends: fc.tuple(fc.nat(PATCHES - 1), fc.nat(PATCHES - 1)),
    excluded: fc.array(fc.nat(PATCHES - 1), { maxLength: 6 }),
  })
  .map(({ minor, ends, excluded }) => {
    const from = Math.min(...ends)
    const to = Math.max(...ends)
    const exclude = excluded.filter((patch) => patch >= from && patch <= to)
    return {
      from: `4.${minor}.${from}`,
      to: `4.${minor}.${to}`,
      exclude: exclude.map((patch) => `4.${minor}.${patch}`),
    }
  })
  .filter(({ from, to, exclude }) => new Set(exclude).size <= Number(to.split('.')[2]) - Number(from.split('.')[2]))
  .map(parseVersionRange)

describe('a version range', () => {
  test('contains what lies between its ends and is not excluded', () => {
    fc.assert(
      fc.property(range, fc.constantFrom(...every), (checked, version) => {
        const expected =
          compareVersions(version, checked.from) >= 0 &&
          compareVersions(version, checked.to) <= 0 &&
          !checked.exclude.some((excluded) => compareVersions(excluded, version) === 0)
        expect(inRange(version, checked)).toBe(expected)
      }),
    )
  })

  test('overlaps another exactly when a version belongs to both, and names the oldest', () => {
    fc.assert(
      fc.property(range, range, (left, right) => {
        const common = every.filter((version) => inRange(version, left) && inRange(version, right))
        expect(firstCommonVersion(left, right)).toEqual(common[0])
        expect(firstCommonVersion(right, left)).toEqual(common[0])
      }),
    )
  })

  test('ends in reasonable time however long it is', () => {
    const long = parseVersionRange({ from: '4.20.0', to: '4.20.999999999', exclude: ['4.20.0', '4.20.1'] })
    expect(firstCommonVersion(long, long)).toEqual(parseVersion('4.20.2'))
  })

  test('may consist of prereleases', () => {
    const candidates = parseVersionRange({ from: '4.20.0-rc.1', to: '4.20.0-rc.3' })
    expect(inRange(parseVersion('4.20.0-rc.2'), candidates)).toBe(true)
    expect(inRange(parseVersion('4.20.0'), candidates)).toBe(false)
    expect(firstCommonVersion(candidates, parseVersionRange({ from: '4.20.0-rc.3', to: '4.20.5' }))).toEqual(
      parseVersion('4.20.0-rc.3'),
    )
  })

  test('is written for people', () => {
    expect(formatVersionRange(parseVersionRange({ from: '4.20.0', to: '4.20.6', exclude: ['4.20.2'] }))).toBe(
      '4.20.0–4.20.6 without 4.20.2',
    )
    expect(formatVersionRange(parseVersionRange({ from: '4.20.1', to: '4.20.1' }))).toBe('4.20.1')
  })

  test.each([
    [{ from: '4.20.6', to: '4.20.1' }, 'versions 4.20.6–4.20.1 are inverted', 'swap "from" and "to"'],
    [{ from: '4.20.6', to: '4.21.1' }, 'span the release lines 4.20 and 4.21', 'write one target for each line'],
    [
      { from: '4.20.1', to: '4.20.2', exclude: ['4.20.1', '4.20.2'] },
      'versions 4.20.1–4.20.2 are all excluded: the range is empty',
      'remove the target',
    ],
    [
      { from: '4.20.1', to: '4.20.2', exclude: ['4.20.3'] },
      'excluded version 4.20.3 is not within',
      'correct or remove it',
    ],
    [{ from: '4.20', to: '4.20.2' }, '"4.20" is not a release version', 'write it like 4.20.6'],
  ])('that makes no sense is refused in words: %j', (input, what, advice) => {
    expect(() => parseVersionRange(input)).toThrow(what)
    expect(() => parseVersionRange(input)).toThrow(advice)
  })
})
