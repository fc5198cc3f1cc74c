import { existsSync, readFileSync } from 'node:fs'
import { DEFAULT_COMPONENT } from '@locktender/fleet'
import type { ComponentFix } from '@locktender/fleet'
import { inRange, parseVersion, parseVersionRange } from '@locktender/releases'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effectiveImages } from './effective-images.ts'
import { exportOverrides } from './export-overrides.ts'
import { fixesFromOverrides } from './fixes-from-overrides.ts'
import { parseOverrideFile } from './parse.ts'
import type { OverrideFile } from './parse.ts'

const realFile = new URL('../../../../../shared/fixtures/hypershift-overrides/overrides.yaml', import.meta.url)
const haveRealFile = existsSync(realFile)

const types = { aws: 'AWS', azure: 'Azure' } as const

/** What HyperShift itself would look up. */
function effectiveOf(file: OverrideFile): Map<string, string> {
  return new Map(file.rows.map((row) => [`${types[row.platform]}/${row.version}`, row.image]))
}

/** The image of one platform and version by the meaning of a fix, not by enumerating. */
function lookUp(fixes: readonly ComponentFix[], platform: string, version: string): string[] {
  return fixes.flatMap((fix) =>
    fix.spec.targets
      .filter(
        (target) =>
          target.platforms.some((name) => name === platform) &&
          inRange(parseVersion(version), parseVersionRange(target.versions)),
      )
      .map((target) => target.image),
  )
}

const digest = (digit: string) => `registry.example/cpo@sha256:${digit.repeat(64)}`

const version = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(15, 20, 21), fc.nat({ max: 24 }))
      .map(([minor, patch]) => `4.${minor}.${patch}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(20, 21), fc.nat({ max: 3 }))
      .map(([minor, patch]) => `4.${minor}.${patch}-rc.1`),
  },
)
const image = fc.constantFrom(...['a', 'b', 'c', 'd', 'e'].map(digest), 'registry.example/hotfix:moving', '')
const rows = fc.array(fc.record({ version, image }), { maxLength: 60 })
const fileText = fc
  .record({ aws: fc.option(rows, { nil: undefined }), azure: fc.option(rows, { nil: undefined }) })
  .map(
    (platforms) =>
      `platforms:\n${Object.entries(platforms)
        .filter(([, list]) => list !== undefined)
        .map(
          ([platform, list]) =>
            `  ${platform}:\n    overrides:\n${list!
              .map((row) => `    - version: ${row.version}\n      cpoImage: ${row.image}\n`)
              .join('')}`,
        )
        .join('')}  none: {}\n`,
  )

describe('random override files', () => {
  test('become one fix for each image, with the same effective images, and back', () => {
    fc.assert(
      fc.property(fileText, (text) => {
        const file = parseOverrideFile(text)
        const expected = effectiveOf(file)
        const fixes = fixesFromOverrides(file)
        expect(effectiveImages(fixes)).toEqual(expected)
        expect(fixes.length).toBe(new Set(expected.values()).size)
        expect(new Set(fixes.map((fix) => fix.metadata.name)).size).toBe(fixes.length)
        for (const [key, wanted] of expected) {
          const [platform, exact] = key.split('/') as [string, string]
          expect([key, ...lookUp(fixes, platform, exact)]).toEqual([key, wanted])
        }
        const again = parseOverrideFile(exportOverrides(fixes).text)
        expect(effectiveOf(again)).toEqual(expected)
        expect(again.findings.filter((finding) => finding.severity === 'error')).toEqual([])
      }),
    )
  })

  test('a version without a row is in no range', () => {
    fc.assert(
      fc.property(fileText, fc.constantFrom('AWS', 'Azure'), fc.nat({ max: 30 }), (text, platform, patch) => {
        const file = parseOverrideFile(text)
        const exact = `4.20.${patch}`
        fc.pre(!effectiveOf(file).has(`${platform}/${exact}`))
        expect(lookUp(fixesFromOverrides(file), platform, exact)).toEqual([])
      }),
    )
  })
})

const sample = `platforms:
  azure:
    overrides:
      # Beginning of BUG-1 overrides
      - version: 4.20.6
        cpoImage: ${digest('a')}
      - version: 4.20.6
        cpoImage: ${digest('b')}
      # End of BUG-1 overrides
      - version: 4.20.9
        cpoImage: registry.example/hotfix:moving${' '}
      - version: 4.20
        cpoImage: ${digest('a')}
      - version: 4.20.11
        cpoImage:
      - version: 4.20.12
        cpoImages: ${digest('a')}
  gcp:
    overrides: []
`

describe('findings', () => {
  test('name what HyperShift keeps silent about, each with its line', () => {
    const { findings } = parseOverrideFile(sample)
    expect(findings.map(({ line, kind, severity }) => `${line} ${severity} ${kind}`)).toEqual([
      '7 error duplicate-row',
      '10 info no-ticket',
      '10 warning gap',
      '11 warning mutable-tag',
      '11 warning trailing-blank',
      '12 error bad-version',
      '14 error bad-image',
      '16 error bad-image',
      '17 error unknown-key',
      '18 error unknown-key',
    ])
    expect(findings.find((finding) => finding.kind === 'gap')?.what).toBe('azure 4.20.7 to 4.20.8 have no row')
    for (const finding of findings) {
      expect(finding.why).not.toBe('')
      expect(finding.todo).not.toBe('')
    }
  })

  test('the last of duplicate rows wins, and rows without an image override nothing', () => {
    expect(effectiveOf(parseOverrideFile(sample))).toEqual(
      new Map([
        ['Azure/4.20.6', digest('b')],
        ['Azure/4.20.9', 'registry.example/hotfix:moving'],
      ]),
    )
  })

  test('an empty last row takes an earlier one back, as in HyperShift', () => {
    const file = parseOverrideFile(
      `platforms: {aws: {overrides: [{version: 4.20.6, cpoImage: "${digest('a')}"}, {version: 4.20.6}]}}`,
    )
    expect(file.rows).toEqual([])
  })

  test.each([
    ['a: [', 1, 'not valid YAML'],
    ['[]', 1, 'the file is not a map'],
    ['releases: {}', 1, 'the key "platforms" is missing'],
    ['platforms:\n  aws: 1\n', 2, 'platform "aws" is not a map'],
    ['platforms:\n  aws:\n    overrides: {}\n', 3, '"overrides" is not a list'],
    ['platforms:\n  aws:\n    overrides:\n    - 4.20.6\n', 4, 'a row of "aws" is not a map'],
  ])('%j is refused with its line', (text, line, what) => {
    expect(() => parseOverrideFile(text)).toThrow(
      expect.objectContaining({ line, message: expect.stringContaining(what) }),
    )
  })
})

describe('effective images', () => {
  const fix = (name: string, from: string, to: string, image: string, supersedes: string[] = []): ComponentFix => ({
    apiVersion: 'locktender.dev/v1alpha1',
    kind: 'ComponentFix',
    metadata: { name },
    spec: {
      ticket: 'BUG-1',
      component: DEFAULT_COMPONENT,
      targets: [{ platforms: ['AWS'], versions: { from, to }, image }],
      strategy: 'default',
      deadline: '24h',
      supersedes,
    },
  })

  test('a superseding fix counts where both apply, in whatever order they are given', () => {
    const old = fix('old', '4.20.1', '4.20.3', digest('a'))
    const middle = fix('middle', '4.20.2', '4.20.4', digest('b'), ['old'])
    const newest = fix('newest', '4.20.3', '4.20.3', digest('c'), ['middle'])
    const expected = new Map([
      ['AWS/4.20.1', digest('a')],
      ['AWS/4.20.2', digest('b')],
      ['AWS/4.20.3', digest('c')],
      ['AWS/4.20.4', digest('b')],
    ])
    expect(effectiveImages([newest, middle, old])).toEqual(expected)
    expect(effectiveImages([old, newest, middle])).toEqual(expected)
  })

  test("other components are not the file's business and are named as omitted", () => {
    const other = fix('other', '4.20.1', '4.20.1', digest('a'))
    const fixes = [{ ...other, spec: { ...other.spec, component: 'etcd' } }]
    expect(effectiveImages(fixes).size).toBe(0)
    expect(effectiveImages(fixes, 'etcd').size).toBe(1)
    expect(exportOverrides(fixes)).toEqual({
      text: 'platforms: {}\n',
      omitted: [expect.stringContaining('the component etcd')],
    })
  })

  test('platforms that the format does not know are named as omitted', () => {
    const other = fix('other', '4.20.1', '4.20.1', digest('a'))
    const target = { ...other.spec.targets[0]!, platforms: ['AWS', 'GCP'] as const }
    const exported = exportOverrides([{ ...other, spec: { ...other.spec, targets: [target] } }])
    expect(exported.omitted).toEqual([expect.stringContaining('GCP')])
    expect(parseOverrideFile(exported.text).rows).toHaveLength(1)
  })
})

describe.skipIf(!haveRealFile)("HyperShift's own file (skipped where ../shared/fixtures is absent)", () => {
  const file = haveRealFile ? parseOverrideFile(readFileSync(realFile, 'utf8')) : { rows: [], findings: [] }
  const fixes = fixesFromOverrides(file)

  test('is ten fixes', () => {
    expect(file.rows).toHaveLength(195)
    expect(
      fixes.map(
        (fix) =>
          `${fix.metadata.name} ${fix.spec.targets.map(({ versions }) => `${versions.from}-${versions.to}`).join()}`,
      ),
    ).toEqual([
      'ocpbugs-48519-4.15 4.15.0-4.15.44',
      'ocpbugs-58837-4.15 4.15.53-4.15.54',
      'ocpbugs-48519-4.16 4.16.0-4.16.33',
      'ocpbugs-58837-4.16 4.16.43-4.16.43',
      'ocpbugs-48519-4.17 4.17.0-4.17.14',
      'ocpbugs-61296-4.17 4.17.20-4.17.43',
      'untracked-4.19 4.19.7-4.19.10',
      'cntrlplane-3874-4.20 4.20.0-4.20.32',
      'cntrlplane-3873-4.21 4.21.0-4.21.27',
      'ocpbugs-94518-4.22 4.22.0-4.22.8',
    ])
  })

  test('has the same effective images as fixes, and after an export', () => {
    expect(effectiveImages(fixes)).toEqual(effectiveOf(file))
    const again = parseOverrideFile(exportOverrides(fixes).text)
    expect(effectiveOf(again)).toEqual(effectiveOf(file))
    expect(fixesFromOverrides(again).map((fix) => fix.spec.targets)).toEqual(fixes.map((fix) => fix.spec.targets))
  })

  test('has its known weak spots reported', () => {
    expect(file.findings.map(({ line, kind }) => `${line} ${kind}`)).toEqual([
      '4 no-ticket',
      '382 gap',
      '434 gap',
      '435 mutable-tag',
      '435 trailing-blank',
      '437 mutable-tag',
      '437 trailing-blank',
      '440 gap',
      '441 mutable-tag',
    ])
  })
})
