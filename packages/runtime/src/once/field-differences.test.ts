import type { Json } from '@locktender/kube'
import { expect, test } from 'vitest'
import { describeDifference, fieldDifferences } from './field-differences.ts'

const said = (expected: Json, actual: Json) => fieldDifferences(expected, actual).map(describeDifference)

test.each<[string, Json, Json, string[]]>([
  ['equal documents', { a: [1], b: null }, { b: null, a: [1] }, []],
  [
    'members that are missing, unexpected or other',
    { a: 1, b: { c: 'x' }, 'k/8s': true },
    { b: { c: 'y' }, d: [] },
    ['a: missing 1', 'b.c: expected "x", got "y"', 'd: unexpected []', '["k/8s"]: missing true'],
  ],
  [
    'items that are known by a field',
    {
      conditions: [
        { type: 'A', status: 'True' },
        { type: 'B', status: 'True' },
      ],
    },
    { conditions: [{ type: 'B', status: 'False' }, { type: 'C' }] },
    [
      'conditions[type=A]: missing {"type":"A","status":"True"}',
      'conditions[type=B].status: expected "True", got "False"',
      'conditions[type=C]: unexpected {"type":"C"}',
    ],
  ],
  [
    'items in another order',
    [{ name: 'a' }, { name: 'b' }],
    [{ name: 'b' }, { name: 'a' }],
    ['[].name: expected ["a","b"], got ["b","a"]'],
  ],
  ['items that are known by their place', [1, 2], [1, 3, 4], ['[1]: expected 2, got 3', '[2]: unexpected 4']],
  [
    'items that share a name',
    [{ name: 'a' }, { name: 'a', x: 1 }],
    [{ name: 'a' }, { name: 'a', x: 2 }],
    ['[1].x: expected 1, got 2'],
  ],
  ['JSON in texts', { data: '{"a":{"b":1}}' }, { data: '{"a":{"b":2}}' }, ['data{}.a.b: expected 1, got 2']],
  [
    'JSON in texts that is only written otherwise',
    { data: '{"a":1}' },
    { data: '{ "a": 1 }' },
    ['data: expected "{\\"a\\":1}", got "{ \\"a\\": 1 }"'],
  ],
  ['whole documents', 'a', ['a'], ['.: expected "a", got ["a"]']],
  [
    'long texts, from where they differ',
    { text: `${'line\n'.repeat(20)}the same to here, x\nrest` },
    { text: `${'line\n'.repeat(20)}the same to here, y\nrest` },
    ['text, line 21: expected "…the same to here, x", got "…the same to here, y"'],
  ],
])('%s', (_, expected, actual, lines) => {
  expect(said(expected, actual)).toEqual(lines)
})
