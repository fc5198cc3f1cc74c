import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { jsonProblem, summaryOf } from './json-problems.ts'

describe('what is wrong with a text', () => {
  // Answers of a kube-apiserver 1.35 to these bodies.
  test.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":"x}}', 'unexpected end of JSON input'],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
    ['{"a":01}', "invalid character '1' after object key:value pair"],
    ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
    ['{"a":"\n"}', "invalid character '\\n' in string literal"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['kind: ConfigMap', "invalid character 'k' looking for beginning of value"],
    ['{} trailing', "invalid character 't' after top-level value"],
  ])('%s', (text, problem) => {
    expect(jsonProblem(text)).toBe(problem)
  })

  test('there is one exactly where a parser finds one', () => {
    const text = fc.oneof(
      fc.json(),
      fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at))),
    )
    fc.assert(
      fc.property(
        fc.oneof(text, fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 01.-eutrfalsn'.split('')) })),
        (candidate) => {
          let readable = true
          try {
            JSON.parse(candidate)
          } catch {
            readable = false
          }
          expect(jsonProblem(candidate) === undefined).toBe(readable)
        },
      ),
    )
  })
})

test.each([
  ['', '<empty>'],
  ['{"a":1}', '{"a":1}'],
  ['[]', '5b5d'],
  ['{"apiVersion":"v1","kind":"ConfigMap"}', '{"apiVersion":"v1","kind":"Con ...'],
])('the summary of %j', (text, summary) => {
  expect(summaryOf(text)).toBe(summary)
})
