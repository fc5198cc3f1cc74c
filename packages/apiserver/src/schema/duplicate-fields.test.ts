import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { duplicateFields } from './duplicate-fields.ts'

describe('duplicate fields', () => {
  test.each<[string, string[]]>([
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"b":2,"b":3}}', ['a.b']],
    ['{"a":[{"b":1},{"b":1,"c":2,"b":2}]}', ['a[1].b']],
    ['{"a":1,"\\u0061":2}', ['a']],
    ['{"a\\"":1,"a\\\\":1, "a\\"" : 2}', ['a"']],
    [' { "a" : { } , "b" : [ ] , "a" : -1.5e3 } ', ['a']],
    ['{"a":"{\\"b\\":1,\\"b\\":2}"}', []],
    ['[]', []],
    ['"text"', []],
  ])('of %s', (text, expected) => {
    expect(duplicateFields(text)).toEqual(expected)
  })

  test('are none in what this language writes', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(4), (text, indent) => {
        expect(duplicateFields(JSON.stringify(JSON.parse(text), null, indent))).toEqual([])
      }),
      { seed: 5 },
    )
  })
})
