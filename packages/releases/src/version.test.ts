import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareVersions, formatVersion, parseVersion, releaseLine } from './version.ts'

const identifier = fc.oneof(fc.nat(30).map(String), fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/))
const version = fc.record(
  {
    major: fc.nat(3),
    minor: fc.nat(3),
    patch: fc.nat(3),
    prerelease: fc.array(identifier, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.')),
  },
  { requiredKeys: ['major', 'minor', 'patch'] },
)

describe('versions', () => {
  test('are read and written back unchanged', () => {
    fc.assert(
      fc.property(version, (value) => {
        expect(parseVersion(formatVersion(value))).toEqual(value)
      }),
    )
  })

  test('are totally ordered', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0)
        expect(compareVersions(a, b) === 0).toBe(formatVersion(a) === formatVersion(b))
        const [low, middle, high] = [a, b, c].sort(compareVersions)
        expect(compareVersions(low!, middle!)).toBeLessThanOrEqual(0)
        expect(compareVersions(middle!, high!)).toBeLessThanOrEqual(0)
        expect(compareVersions(low!, high!)).toBeLessThanOrEqual(0)
      }),
    )
  })

  test('follow the order given as an example in semver 2.0, rule 11', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ]
    const sorted = ordered.toReversed().map(parseVersion).sort(compareVersions).map(formatVersion)
    expect(sorted).toEqual(ordered)
  })

  test('compare numbers as numbers', () => {
    expect(compareVersions(parseVersion('4.20.10'), parseVersion('4.20.9'))).toBeGreaterThan(0)
    expect(compareVersions(parseVersion('4.9.0'), parseVersion('4.20.0'))).toBeLessThan(0)
  })

  test('belong to a release line', () => {
    expect(releaseLine(parseVersion('4.20.6-rc.2'))).toBe('4.20')
  })

  test('ignore build metadata', () => {
    expect(parseVersion('4.20.6+git.1')).toEqual({ major: 4, minor: 20, patch: 6 })
  })

  test.each(['4.20', 'v4.20.6', '4.20.06', '4.20.6 ', '', '4.20.x', '4.20.6-'])('refuse %j in words', (text) => {
    expect(() => parseVersion(text)).toThrow(
      `"${text}" is not a release version: it needs three numbers without leading zeros; write it like 4.20.6`,
    )
  })
})
