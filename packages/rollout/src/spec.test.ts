import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const source = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))
const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')
const invariants = spec.split('\n').flatMap((line) => {
  const [, id = '', holds = '', tests = ''] = line.split('|').map((cell) => cell.trim())
  return /^[IP]\d+$/.test(id) ? [{ id, holds, tests }] : []
})
const files = globSync('**/*.test.ts', { cwd: source })
const checks = globSync('invariants/*.ts', { cwd: source }).map((file) => readFileSync(source + file, 'utf8'))

/** `file "test…", "…other"; file`: files with the tests they are to have. */
function namedIn(tests: string): { file: string; titles: string[] }[] {
  const named: { file: string; titles: string[] }[] = []
  for (const [, title, file] of tests.replaceAll(/\([^)]*\)/g, '').matchAll(/"([^"]+)"|([^\s,;"]+)/g)) {
    if (file !== undefined) named.push({ file, titles: [] })
    else if (title !== undefined) named.at(-1)?.titles.push(title)
  }
  return named
}

/** The text of the test file that a short name stands for; undefined when there is none, or more than one. */
function textOf(file: string): string | undefined {
  if (existsSync(`${root}${file}/${basename(file)}.test.ts`)) file = `${file}/${basename(file)}.test.ts`
  if (file.endsWith('.ts')) return existsSync(root + file) ? readFileSync(root + file, 'utf8') : undefined
  const [path, ...others] = files.filter((each) => each === `${file}.test.ts` || each.endsWith(`/${file}.test.ts`))
  return path === undefined || others.length > 0 ? undefined : readFileSync(source + path, 'utf8')
}

function hasTest(text: string, title: string): boolean {
  const words = title.replaceAll('…', '').replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`${title.startsWith('…') ? '' : '[\'"`]'}${words}${title.endsWith('…') ? '' : '[\'"`]'}`).test(text)
}

describe('each invariant of SPEC.md', () => {
  test('has a number of its own, without gaps', () => {
    for (const kind of ['I', 'P']) {
      const numbers = invariants.flatMap(({ id }) => (id.startsWith(kind) ? [Number(id.slice(1))] : []))
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1))
      expect(numbers.length).toBeGreaterThan(10)
    }
  })

  test.each(invariants)('$id names tests that exist', ({ id, tests }) => {
    const named = namedIn(tests)
    expect(named).not.toEqual([])
    const missing = named.flatMap(({ file, titles }) => {
      const text = textOf(file)
      if (text === undefined) return [file]
      return titles.filter((title) => !hasTest(text, title)).map((title) => `${file} "${title}"`)
    })
    expect(missing).toEqual([])
    // The stories say which one does not hold.
    if (named.some(({ file }) => file === 'invariants')) {
      expect(checks.some((text) => text.includes(`'${id}'`))).toBe(true)
    }
  })
})
