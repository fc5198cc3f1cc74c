import { describe, expect, test } from 'vitest'
import { compileJsonPath } from './json-path.ts'

const object = {
  spec: { size: 3, 'a.b': 'dotted', list: [{ name: 'x', on: true }, { name: 'y' }] },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
}

test.each<[string, unknown[]]>([
  ['.spec.size', [3]],
  ['{.spec.size}', [3]],
  ['$.spec.size', [3]],
  [".spec['a.b']", ['dotted']],
  ['.spec.a\\.b', ['dotted']],
  ['.spec.list[1].name', ['y']],
  ['.spec.list[-1].name', ['y']],
  ['.spec.list[*].name', ['x', 'y']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type!='Ready')].status", ['False']],
  ['.spec.list[?(@.on==true)].name', ['x']],
  ['.spec.none.deeper', []],
  ['.spec.size.deeper', []],
  ['.spec.list.name', []],
])('%s', (path, found) => {
  expect(compileJsonPath(path)(object)).toEqual(found)
})

describe('what is no path is refused', () => {
  test.each(['.a[', 'a.b', '.a[?(@.b>1)]', '.a..b'])('%s', (path) => {
    expect(() => compileJsonPath(path)).toThrow('cannot read the JSONPath')
  })
})
