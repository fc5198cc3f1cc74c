import { describe, expect, test } from 'vitest'
import { Authorizer, ResourceCheck, authorizerType, resourceCheckType } from './authorizer.ts'
import type { AuthorizationQuestion } from './authorizer.ts'
import { compile } from './compile.ts'
import { LazyObject } from './lazy-object.ts'
import {
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  listOf,
  mapOf,
  objectType,
} from './types.ts'
import type { CelType } from './types.ts'

function evaluate(expression: string, type: CelType, self: unknown): unknown {
  const result = compile(expression, { variables: { self: type } })
  if (!result.ok) throw new Error(result.text)
  return result.program.evaluate({ self }).value
}

const everything = objectType('Everything', {
  count: celInt,
  ratio: celDouble,
  at: celTimestamp,
  day: celTimestamp,
  wait: celDuration,
  data: celBytes,
  any: celDyn,
  names: listOf(celString),
  labels: mapOf(celString, celInt),
  part__dash__name: { type: celString, property: 'part-name' },
})
const json = {
  count: 3,
  ratio: 2,
  at: '2024-02-29T12:00:00.25Z',
  day: '2024-02-29',
  wait: '1h30m',
  data: 'aGk=',
  any: { list: [1, 1.5, 'x', null, true] },
  names: ['a', 'b'],
  labels: { one: 1, __proto__x: 2 },
  'part-name': 'p',
}

test.each([
  'self.count == 3 && self.ratio == 2.0',
  'self.at.getMilliseconds() == 250 && self.day.getDate() == 29 && self.at > self.day',
  "self.wait == duration('90m') && self.data == b'hi'",
  "self.any.list[0] == 1 && self.any.list[1] == 1.5 && self.any.list[2] == 'x' && self.any.list[3] == null && self.any.list[4]",
  'type(self.any.list[0]) == int && type(self.any.list[1]) == double',
  "self.names == ['a', 'b'] && self.names.size() == 2 && 'b' in self.names && !('c' in self.names)",
  "'one' in self.labels && !('two' in self.labels) && self.labels.one == 1 && self.labels.size() == 2",
  "!('toString' in self.labels) && !('constructor' in self.labels)",
  "self.part__dash__name == 'p' && has(self.part__dash__name)",
  'self == self && self.any == self.any',
  'self.labels.all(k, self.labels[k] > 0)',
])('reads JSON by the declared type: %s', (expression) => {
  expect(evaluate(expression, everything, json)).toBe(true)
})

describe('values that are not there', () => {
  test('are missed by has() and by selection', () => {
    expect(evaluate('has(self.count)', everything, {})).toBe(false)
    expect(evaluate('self.?count.orValue(7) == 7', everything, {})).toBe(true)
    expect(() => evaluate('self.count == 1', everything, {})).toThrow('no such key: count')
  })

  test('may be null in an object, but not in a list or map', () => {
    expect(evaluate('!has(self.any)', everything, { any: null })).toBe(true)
    expect(evaluate("has(self.any.a) && self.any.a == null && 'a' in self.any", everything, { any: { a: null } })).toBe(
      true,
    )
  })

  test('are told by name when they are variables', () => {
    const result = compile('self == 1', { variables: { self: celInt } })
    expect(() => result.ok && result.program.evaluate({})).toThrow('no such attribute(s): self')
  })

  test('null where the type has none is an error that can be absorbed', () => {
    const labels = { labels: { one: null } }
    expect(() => evaluate('self.labels.one > 1', everything, labels)).toThrow('no such overload')
    expect(evaluate('self.labels.one + 1 > 1 || true', everything, labels)).toBe(true)
  })

  test('JSON of another type is an error', () => {
    expect(() => evaluate('self.count == 1', everything, { count: 'x' })).toThrow('expected a value of type int')
  })
})

describe('lists that Kubernetes merges', () => {
  const set = listOf(celString, { kind: 'set' })
  const item = objectType('Item', { key: celString, value: celInt })
  const map = listOf(item, { kind: 'map', keys: ['key'] })
  const sets = objectType('Sets', { a: set, b: set })
  const maps = objectType('Maps', { a: map, b: map })

  test('sets compare without order and add what is new', () => {
    expect(evaluate('self.a == self.b', sets, { a: ['x', 'y'], b: ['y', 'x'] })).toBe(true)
    expect(evaluate("self.a + self.b == ['x', 'y', 'z']", sets, { a: ['x', 'y'], b: ['y', 'z'] })).toBe(true)
    expect(evaluate('self.a == self.b', sets, { a: ['x'], b: ['y'] })).toBe(false)
    const many = Array.from({ length: 100_000 }, (_, index) => String(index))
    expect(evaluate('self.a == self.b && self.a + self.b == self.a', sets, { a: many, b: many.toReversed() })).toBe(
      true,
    )
  })

  test('maps compare by key and overwrite', () => {
    const one = { key: 'one', value: 1 }
    const two = { key: 'two', value: 2 }
    expect(evaluate('self.a == self.b', maps, { a: [one, two], b: [two, one] })).toBe(true)
    const sum = { a: [one, two], b: [{ key: 'one', value: 3 }] }
    expect(evaluate('(self.a + self.b).map(e, e.value) == [3, 2]', maps, sum)).toBe(true)
  })
})

test('a lazy object computes what is read, once', () => {
  const type = objectType('Variables', { used: celInt, unused: celInt })
  const read: string[] = []
  const result = compile('variables.used + variables.used', { variables: { variables: type } })
  if (!result.ok) throw new Error(result.text)
  const variables = new LazyObject(type, (field) => {
    read.push(field)
    return 21n
  })
  expect(result.program.evaluate({ variables }).value).toBe(42n)
  expect(read).toEqual(['used'])
})

describe('the authorizer', () => {
  const asked: AuthorizationQuestion[] = []
  const authorizer = new Authorizer((question) => {
    asked.push(question)
    return { allowed: question.verb === 'get', reason: 'because' }
  })
  const nothing = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' }
  const requestResource = new ResourceCheck(authorizer, { group: '', resource: 'pods', ...nothing, name: 'p' })
  const bindings = { authorizer, 'authorizer.requestResource': requestResource }
  const variables = { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType }

  function ask(expression: string): unknown {
    asked.length = 0
    const result = compile(expression, { variables })
    if (!result.ok) throw new Error(result.text)
    return result.program.evaluate(bindings).value
  }

  test('asks about resources', () => {
    const check = "authorizer.group('apps').resource('deployments').subresource('scale').namespace('n').name('x')"
    expect(ask(`${check}.check('get').allowed()`)).toBe(true)
    const resource = {
      ...nothing,
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'n',
      name: 'x',
    }
    expect(asked).toEqual([{ verb: 'get', resource }])
  })

  test('asks about paths, for service accounts, and about the resource of the request', () => {
    expect(ask("authorizer.serviceAccount('ns', 'robot').path('/healthz').check('post').allowed()")).toBe(false)
    expect(asked).toEqual([{ verb: 'post', path: '/healthz', serviceAccount: { namespace: 'ns', name: 'robot' } }])
    expect(ask("authorizer.requestResource.check('get').reason() == 'because'")).toBe(true)
    expect(asked[0]?.resource?.name).toBe('p')
  })

  test('refuses what is no question', () => {
    expect(() => ask("authorizer.path(' ').check('get').allowed()")).toThrow('path must not be empty')
    expect(() => ask("authorizer.group('').resource('').check('get').allowed()")).toThrow('resource must not be empty')
    expect(() => ask("authorizer.serviceAccount('a.b', 'c').path('/').check('get').allowed()")).toThrow(
      'Invalid service account namespace',
    )
  })
})
