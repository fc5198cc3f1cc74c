import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import type { CompileOptions } from './program.ts'
import { celBool, celDyn, celInt, celString, formatType, listOf, mapOf, objectType, optionalOf } from './types.ts'

const self = objectType('Widget', {
  name: celString,
  replicas: celInt,
  hosts: listOf(celString),
  labels: mapOf(celString, celString),
  port: celDyn,
  nested: objectType('Nested', { size: celInt }),
})
const variables = { self, oldSelf: optionalOf(self), 'authorizer.requestResource': celString }

function errors(expression: string, options: Partial<CompileOptions> = {}): readonly string[] {
  const result = compile(expression, { variables, ...options })
  return result.ok ? [] : result.errors.map(({ message, line, column }) => `${line}:${column}: ${message}`)
}

describe('refused expressions', () => {
  test.each([
    ['self.nothing', "1:5: undefined field 'nothing'"],
    ['nothing.name', "1:1: undeclared reference to 'nothing' (in container '')"],
    ['self.name.unknown()', "1:18: undeclared reference to 'unknown' (in container '')"],
    ['unknown(1)', "1:8: undeclared reference to 'unknown' (in container '')"],
    ['1 == 1.0', "1:3: found no matching overload for '_==_' applied to '(int, double)'"],
    ['self.name + 1', "1:11: found no matching overload for '_+_' applied to '(string, int)'"],
    ['self.name.startsWith(1)', "1:21: found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ['self.replicas.foo', "1:14: type 'int' does not support field selection"],
    ['self.replicas && true', "1:5: expected type 'bool' but found 'int'"],
    ['self.hosts.all(h, h)', "1:19: expected type 'bool' but found 'string'"],
    [
      'self.replicas.all(x, true)',
      "1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    [
      'self.hosts.filter(h, 1)',
      "1:18: found no matching overload for '_?_:_' applied to '(int, list(dyn), list(dyn))'",
    ],
    ["[1, 'a']", "1:5: expected type 'int' but found 'string'"],
    ['self.labels[1]', "1:12: found no matching overload for '_[_]' applied to '(map(string, string), int)'"],
    ['true ? 1 : self.name', "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
    ['Widget{}', "1:7: undeclared reference to 'Widget' (in container '')"],
    ["self.name.matches('(')", '1:19: invalid matches argument'],
    ["duration('1 parsec') > duration('1s')", '1:10: invalid duration argument'],
    ["timestamp('yesterday') == timestamp('2020-01-01T00:00:00Z')", '1:11: invalid timestamp argument'],
    ['self.`name`', "1:6: unsupported syntax: '`'"],
    ['has(self)', '1:5: invalid argument to has() macro'],
    ['self.hosts.map(a.b, true)', '1:17: argument is not an identifier'],
    [
      '1 +',
      "1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    ],
    ['self.name == namespace', '1:14: reserved identifier: namespace'],
    ["'\\d'", "1:1: Syntax error: token recognition error at: ''\\d'"],
    ['9223372036854775808', '1:1: invalid int literal'],
  ])('%s: %s', (expression, error) => {
    expect(errors(expression)).toEqual([error])
  })

  test('are described with their line and a caret', () => {
    const result = compile('self.name == "x" &&\n\tself.nothing', { variables })
    expect(result).toMatchObject({
      ok: false,
      text: "ERROR: <input>:2:6: undefined field 'nothing'\n |  self.nothing\n | .....^",
    })
  })

  test('all errors of an expression are told', () => {
    expect(errors('self.a && self.b')).toEqual(["1:5: undefined field 'a'", "1:15: undefined field 'b'"])
  })

  test('the result has to have the type that is asked for', () => {
    expect(errors('self.name', { resultType: celBool })).toEqual(['1:1: must evaluate to bool'])
    expect(errors('self.port', { resultType: celBool })).toEqual([])
  })

  test('nesting and length have limits', () => {
    expect(errors(`${'('.repeat(300)}1${')'.repeat(300)}`)).toEqual(['1:251: expression recursion limit exceeded: 250'])
    expect(errors(Array.from({ length: 300 }, () => '1').join('+'))[0]).toContain('recursion limit')
    expect(errors(Array.from({ length: 3000 }, () => 'true').join(' && '))).toEqual([])
    expect(errors('true'.padEnd(2000), { maxExpressionLength: 1000 })[0]).toContain(
      'exceeds limit: size: 2000, limit 1000',
    )
  })
})

describe('types', () => {
  test.each([
    ['self.replicas', 'int'],
    ['self.hosts.map(h, size(h))', 'list(int)'],
    ['self.hosts.filter(h, true)', 'list(string)'],
    ['self.?nested.?size', 'optional_type(int)'],
    ['self.?nested.size', 'optional_type(int)'],
    ['oldSelf.?replicas.orValue(1)', 'int'],
    ['oldSelf.optMap(o, o.name)', 'optional_type(string)'],
    ['self.labels.transformMap(k, v, size(v))', 'map(string, int)'],
    ['self.labels.map(k, self.labels[k])', 'list(string)'],
    ['[]', 'list(dyn)'],
    ['[[], [1]]', 'list(list(int))'],
    ['{}', 'map(dyn, dyn)'],
    ["self.port == 80 || self.port == 'http'", 'bool'],
    ['true ? [] : [1]', 'list(int)'],
    ['type(1)', 'type(int)'],
    ['self.hosts.sort()', 'list(string)'],
    ['self.hosts.sortBy(h, size(h))', 'list(string)'],
    ["url('/').getQuery()", 'map(string, list(string))'],
    ["quantity('1')", 'kubernetes.Quantity'],
    ['authorizer.requestResource', 'string'],
    ['[1, 2].exists(self, self == 1)', 'bool'],
  ])('%s is %s', (expression, type) => {
    const result = compile(expression, { variables })
    expect(result.ok ? formatType(result.type) : result.text).toBe(type)
  })

  test('1 < 1.0 checks although 1 == 1.0 does not', () => {
    expect(errors('1 < 1.0 && 1u >= 1 && 1.5 > 1u')).toEqual([])
    expect(errors('1u == 1')).toHaveLength(1)
  })

  test('the standard dialect takes mixed lists and quoted fields', () => {
    expect(errors("[1, 'a']", { dialect: 'standard' })).toEqual([])
    expect(errors('self.`name`', { dialect: 'standard' })).toEqual([])
  })
})
