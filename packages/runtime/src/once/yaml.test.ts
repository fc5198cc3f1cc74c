import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { yaml } from '@locktender/kube'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readYaml } from './read-yaml.ts'
import { hasMom, MOM } from './testing/fixtures.ts'
import { compareKeys, writeYaml } from './write-yaml.ts'

describe('writeYaml', () => {
  test.each<[string, unknown, string]>([
    [
      'sorted keys and lists no deeper than their key',
      { b: [1, { c: 'x', a: null }], a: {} },
      'a: {}\nb:\n- 1\n- a: null\n  c: x\n',
    ],
    ['lists of lists', [[1, [2]], [], 'x'], '- - 1\n  - - 2\n- []\n- x\n'],
    [
      'words of YAML 1.1 are quoted',
      ['yes', 'N', '~', '', '1_000', '0x1F', '1e3', '12:30', '2024-10-14'],
      '- "yes"\n- "N"\n- "~"\n- ""\n- "1_000"\n- "0x1F"\n- "1e3"\n- "12:30"\n- "2024-10-14"\n',
    ],
    [
      'signs lead to single quotes',
      ['a: b', '- a', "'", 'x #y', '*a', ':', ' a'],
      "- 'a: b'\n- '- a'\n- ''''\n- 'x #y'\n- '*a'\n- ':'\n- ' a'\n",
    ],
    [
      'texts of several lines',
      { a: 'x\ny', b: 'x\n', c: 'x\n\n', d: ' x\ny\n', e: 'x \ny', f: 'a\tb\n' },
      'a: |-\n  x\n  y\nb: |\n  x\nc: |+\n  x\n\nd: |2\n   x\n  y\ne: "x \\ny"\nf: "a\\tb\\n"\n',
    ],
    ['numbers', [1, -2, 1.5, 1e21, 1e-7, 9007199254740991], '- 1\n- -2\n- 1.5\n- 1e+21\n- 1e-07\n- 9007199254740991\n'],
  ])('%s', (_, value, text) => {
    expect(writeYaml(value)).toBe(text)
    expect(readYaml(text)).toEqual(value)
    expect(yaml().parse(text)).toEqual(value)
  })

  test('long texts go on in the next line, two deeper than their collection', () => {
    const words = 'word '.repeat(20).trim()
    expect(writeYaml({ a: [words, `${words}: x`] })).toBe(
      `a:\n- ${'word '.repeat(15)}word\n  word word word word\n- '${'word '.repeat(15)}word\n  word word word word: x'\n`,
    )
  })

  test('numbers in keys count by value', () => {
    expect(['a10', 'a2', 'B', 'a-b', 'ab', '_', 'f:a', '.'].toSorted(compareKeys)).toEqual([
      '.',
      '_',
      'B',
      'a-b',
      'a2',
      'a10',
      'ab',
      'f:a',
    ])
  })

  test('what is written is read as the same, here and by another library', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({
        unit: fc.constantFrom(' ', '\n', 'a', ':', '#', '-', "'", '"', '\t', '1', '\\', '\u0085', 'word', '😀'),
      }),
    )
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(
          text.filter((key) => key !== '__proto__'),
          tie('json'),
          { maxKeys: 3, noNullPrototype: true },
        ),
      ),
    }))
    fc.assert(
      fc.property(json, (inside) => {
        const value = { value: inside }
        const written = writeYaml(value)
        expect(readYaml(written)).toEqual(value)
        expect(yaml().parse(written)).toEqual(value)
      }),
      { seed: 5, numRuns: 2000 },
    )
  })
})

describe.skipIf(!hasMom)('files of others', () => {
  const files = hasMom ? globSync('**/*.yaml', { cwd: MOM }).sort() : []

  test('every file of recorded requests is written byte for byte', () => {
    const recorded = files.filter((file) => /-(?:metadata|body|options)-|controller-results/.test(file))
    expect(recorded.length).toBeGreaterThan(300)
    for (const file of recorded) {
      const text = readFileSync(join(MOM, file), 'utf8')
      expect(`${file}\n${writeYaml(readYaml(text))}`).toBe(`${file}\n${text}`)
    }
  })
})
