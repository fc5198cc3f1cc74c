import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { QUIRKS } from './quirks.ts'

test('the reference lists every quirk in the words of the code', () => {
  const text = readFileSync(new URL('../../../../docs/reference/ocm-compatibility.md', import.meta.url), 'utf8')
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  expect(rows.map(([, ...cells]) => cells.slice(0, 5))).toEqual(
    Object.entries(QUIRKS).map(([name, { input, compatible, strict, seenIn }]) => [
      `\`${name}\``,
      input,
      compatible,
      strict,
      seenIn.join(', '),
    ]),
  )
})
