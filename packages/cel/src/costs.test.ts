import { describe, expect, test } from 'vitest'
import { Authorizer, authorizerType } from './authorizer.ts'
import { compile } from './compile.ts'
import { CelCostExceeded } from './errors.ts'
import type { CostEstimate, Program } from './program.ts'
import { celBool, celBytes, celDuration, celInt, celString, celTimestamp, listOf, mapOf, objectType } from './types.ts'
import type { CelType } from './types.ts'

function program(expression: string, variables: Record<string, CelType>): Program {
  const result = compile(expression, { variables, dialect: 'standard' })
  if (!result.ok) throw new Error(result.text)
  return result.program
}

/** Expressions with the least and greatest estimated cost and the actual cost, as Kubernetes computes them. */
const COSTS: readonly (readonly [expression: string, min: number, max: number, actual: number])[] = [
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii()", 3, 3, 3],
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", 7, 9, 9],
  ["'ABCDEFGHIJ abcdefghij'.upperAscii()", 3, 3, 3],
  ["'ABCDEFGHIJ abcdefghij'.upperAscii() == 'abcdefghij ABCDEFGHIJ'.upperAscii()", 7, 9, 9],
  ["strings.quote('ABCDEFGHIJ abcdefghij')", 3, 3, 3],
  ["strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij')", 7, 11, 9],
  ["'abc 123 def 123'.replace('123', '456')", 3, 3, 3],
  ["'abc 123 def 123'.replace('', 'x')", 3, 3, 3],
  ["'abc 123 def 123'.replace('123', '')", 3, 3, 3],
  ["'abc 123 def 123'.replace('123', '456', 1)", 3, 3, 3],
  ["'abc 123 def 123'.split(' ')", 3, 3, 3],
  ["'abc 123 def 123'.split(' ', 1)", 3, 3, 3],
  ["'abc 123 def 123'.substring(5)", 2, 2, 2],
  ["'abc 123 def 123'.substring(5, 8)", 2, 2, 2],
  ["'  abc 123 def 123  '.trim()", 2, 2, 2],
  ["['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join(' ')", 11, 23, 15],
  ["['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join()", 10, 22, 13],
  ["'abc 123 def 123'.find('123')", 2, 2, 2],
  ["'abc 123 def 123'.findAll('123')", 2, 2, 2],
  ["'abc 123 def 123'.findAll('123', 1)", 2, 2, 2],
  ["authorizer.path('/healthz')", 2, 2, 2],
  ["authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend')", 6, 6, 6],
  [
    "authorizer.group('').resource('pods').fieldSelector('spec.nodeName=example-node-name.fully.qualified.domain.name.example.com')",
    1821,
    1821,
    1821,
  ],
  [
    "authorizer.group('').resource('pods').labelSelector('spec.nodeName=example-node-name.fully.qualified.domain.name.example.com')",
    1821,
    1821,
    1821,
  ],
  ["authorizer.path('/healthz').check('get').allowed()", 350003, 350003, 350003],
  [
    "authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend').check('create').allowed()",
    350007,
    350007,
    350007,
  ],
  [
    "authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend').check('create').errored()",
    350007,
    350007,
    350007,
  ],
  [
    "authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend').check('create').error()",
    350007,
    350007,
    350007,
  ],
  ['quantity("12Mi")', 1, 1, 1],
  ['isQuantity("20")', 1, 1, 1],
  ['isQuantity("20M")', 1, 1, 1],
  ['quantity("200M") == quantity("200M")', 3, 3, 3],
  ['quantity("200M") == quantity("0.2G") && quantity("0.2G") == quantity("200M")', 3, 6, 6],
  [
    'quantity("2M") == quantity("0.002G") && quantity("2000k") == quantity("2M") && quantity("0.002G") == quantity("2000k")',
    3,
    9,
    9,
  ],
  ['quantity("50M").isLessThan(quantity("50Mi"))', 3, 3, 3],
  ['quantity("50Mi").isGreaterThan(quantity("50M"))', 3, 3, 3],
  ['quantity("200M").compareTo(quantity("0.2G")) > 0', 4, 4, 4],
  ['quantity("50k").add(quantity("20")) == quantity("50.02k")', 5, 5, 5],
  ['quantity("50k").sub(quantity("20")) == quantity("49.98k")', 5, 5, 5],
  ['quantity("50k").sub(20) == quantity("49980")', 4, 4, 4],
  ['quantity("50k").add(20).sub(quantity("100k")).asInteger() > 0', 6, 6, 6],
  ['quantity("50k").add(20).sub(quantity("100k")).sub(-50000).asInteger() > 0', 7, 7, 7],
  ['quantity("50k").asInteger() > 0', 3, 3, 3],
  ['quantity("50").isInteger()', 2, 2, 2],
  ['quantity("50.703k").asApproximateFloat() > 0.0', 3, 3, 3],
  ['format.named("dns1123subdomain")', 1, 1, 1],
  ['format.named("dns1123Subdomain").value().validate("my-name")', 34, 34, 17],
  ['format.named("dns1123Label").value().validate("my-name")', 34, 34, 10],
  ['format.named("dns1123Label").value() == format.named("dns1123Label").value()', 5, 11, 5],
  ['sets.contains([], [])', 21, 21, 21],
  ['sets.contains([1], [])', 21, 21, 21],
  ['sets.contains([1], [1])', 22, 22, 22],
  ['sets.contains([1], [1, 1])', 23, 23, 23],
  ['sets.contains([1, 1], [1])', 23, 23, 23],
  ['sets.contains([2, 1], [1])', 23, 23, 23],
  ['sets.contains([1, 2, 3, 4], [2, 3])', 29, 29, 29],
  ['sets.contains([1], [1.0, 1])', 23, 23, 23],
  ['sets.contains([1, 2], [2u, 2.0])', 25, 25, 25],
  ['sets.contains([1, 2u], [2, 2.0])', 25, 25, 25],
  ['sets.contains([1, 2.0, 3u], [1.0, 2u, 3])', 30, 30, 30],
  ['sets.contains([[1], [2, 3]], [[2, 3.0]])', 53, 53, 53],
  ['!sets.contains([1], [2])', 23, 23, 23],
  ['!sets.contains([1], [1, 2])', 24, 24, 24],
  ['!sets.contains([1], ["1", 1])', 24, 24, 24],
  ['!sets.contains([1], [1.1, 1u])', 24, 24, 24],
  ['sets.equivalent([], [])', 21, 21, 21],
  ['sets.equivalent([1], [1])', 23, 23, 23],
  ['sets.equivalent([1], [1, 1])', 25, 25, 25],
  ['sets.equivalent([1, 1], [1])', 25, 25, 25],
  ['sets.equivalent([1], [1u, 1.0])', 25, 25, 25],
  ['sets.equivalent([1, 2, 3], [3u, 2.0, 1])', 39, 39, 39],
  ['sets.equivalent([[1.0], [2, 3]], [[1], [2, 3.0]])', 69, 69, 69],
  ['!sets.equivalent([2, 1], [1])', 26, 26, 26],
  ['!sets.equivalent([1], [1, 2])', 26, 26, 26],
  ['!sets.equivalent([1, 2], [2u, 2, 2.0])', 34, 34, 34],
  ['!sets.equivalent([1, 2], [1u, 2, 2.3])', 34, 34, 34],
  ['sets.intersects([1], [1])', 22, 22, 22],
  ['sets.intersects([1], [1, 1])', 23, 23, 23],
  ['sets.intersects([1, 1], [1])', 23, 23, 23],
  ['sets.intersects([2, 1], [1])', 23, 23, 23],
  ['sets.intersects([1], [1, 2])', 23, 23, 23],
  ['sets.intersects([1], [1.0, 2])', 23, 23, 23],
  ['sets.intersects([1, 2], [2u, 2, 2.0])', 27, 27, 27],
  ['sets.intersects([1, 2], [1u, 2, 2.3])', 27, 27, 27],
  ['sets.intersects([[1], [2, 3]], [[1, 2], [2, 3.0]])', 65, 65, 65],
  ['!sets.intersects([], [])', 22, 22, 22],
  ['!sets.intersects([1], [])', 22, 22, 22],
  ['!sets.intersects([1], [2])', 23, 23, 23],
  ['!sets.intersects([1], ["1", 2])', 24, 24, 24],
  ['!sets.intersects([1], [1.1, 2u])', 24, 24, 24],
  ['semver("1.0.0")', 1, 1, 1],
  ['semver("1234.56789012345.67890123456789")', 4, 4, 4],
  ['isSemver("1.0.0")', 1, 1, 1],
  ['isSemver("1234.56789012345.67890123456789")', 4, 4, 4],
  ['semver("1.2.3").major()', 2, 2, 2],
  ['semver("1.2.3").minor()', 2, 2, 2],
  ['semver("1.2.3").patch()', 2, 2, 2],
  ['semver("1.0.0").isLessThan(semver("1.1.0"))', 3, 3, 3],
  ['semver("1.1.0").isGreaterThan(semver("1.0.0"))', 3, 3, 3],
  ['semver("1.0.0").compareTo(semver("1.2.3"))', 3, 3, 3],
  ["{'a': 1, 'b': 2}.all(k, v, v > 0)", 37, 41, 41],
  ["{'a': 1, 'b': 2}.exists(k, v, v > 0)", 39, 43, 40],
  ["{'a': 1, 'b': 2}.existsOne(k, v, v > 0)", 38, 40, 40],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v + 1)", 71, 71, 71],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v < 5, v + 1)", 67, 75, 75],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, {k: v + 1})", 131, 131, 131],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, v < 5, {k: v + 1})", 67, 135, 135],
  ['[1, 2].all(i, v, v > 0)', 17, 21, 21],
  ['[1, 2].exists(i, v, v > 0)', 19, 23, 20],
  ['[1, 2].existsOne(i, v, v > 0)', 18, 20, 20],
  ['[1, 2].transformList(i, v, v + 1)', 49, 49, 49],
  ['[1, 2].transformList(i, v, v < 5, v + 1)', 27, 53, 53],
  ['[1, 2, 3, 4, 5].sum()', 15, 15, 15],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].sum()', 20, 20, 20],
  ['[1.0, 2.0, 3.0, 4.0, 5.0].sum()', 15, 15, 15],
  ["[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].sum()", 20, 20, 20],
  ['[1, 2, 3, 4, 5].isSorted()', 15, 15, 15],
  ['[1, 2, 3, 4, 5].max()', 15, 15, 15],
  ['[1, 2, 3, 4, 5].min()', 15, 15, 15],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].isSorted()', 20, 20, 20],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].max()', 20, 20, 20],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].min()', 20, 20, 20],
  ['[false, true, false, true, false].isSorted()', 15, 15, 15],
  ['[false, true, false, true, false].max()', 15, 15, 15],
  ['[false, true, false, true, false].min()', 15, 15, 15],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].isSorted()", 15, 25, 15],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].max()", 15, 25, 15],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].min()", 15, 25, 15],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].isSorted()",
    25,
    35,
    25,
  ],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].max()",
    25,
    35,
    25,
  ],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].min()",
    25,
    35,
    25,
  ],
  ["[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].isSorted()", 20, 20, 20],
  ["[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].max()", 20, 20, 20],
  ["[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].min()", 20, 20, 20],
  ['[1, 2, 3, 4, 5].indexOf(3)', 15, 15, 15],
  ['[1, 2, 3, 4, 5].lastIndexOf(3)', 15, 15, 15],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].indexOf(uint(3))', 21, 21, 21],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].lastIndexOf(uint(3))', 21, 21, 21],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].indexOf('x')", 15, 25, 15],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].lastIndexOf('x')", 15, 25, 15],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].indexOf(bytes('x'))",
    26,
    36,
    26,
  ],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].lastIndexOf(bytes('x'))",
    26,
    36,
    26,
  ],
  [
    "[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].indexOf(duration('3s'))",
    21,
    21,
    21,
  ],
  [
    "[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].lastIndexOf(duration('3s'))",
    21,
    21,
    21,
  ],
  ["'01234567890123456789012345678901234567890123456789'.indexOf('123')", 5, 5, 5],
  ["'01234567890123456789012345678901234567890123456789'.lastIndexOf('123')", 5, 5, 5],
  ["url('https:://kubernetes.io/').getScheme()", 4, 4, 4],
  ["url('https:://kubernetes.io/').getHostname()", 4, 4, 4],
  ["url('https:://kubernetes.io/').getHost()", 4, 4, 4],
  ["url('https:://kubernetes.io/').getPort()", 4, 4, 4],
  ["url('https:://kubernetes.io/').getEscapedPath()", 4, 4, 4],
  ["url('https:://kubernetes.io/').getQuery()", 4, 4, 4],
  ["url('https:://kubernetes.io/') == url('https:://kubernetes.io/')", 7, 9, 7],
  ["url('https:://kubernetes.io/') == url('http://x.b')", 5, 5, 5],
  ["ip('192.168.0.1')", 2, 2, 2],
  ["ip('192.168.0.1').family()", 3, 3, 3],
  ["ip('192.168.0.1').isUnspecified()", 3, 3, 3],
  ["ip('192.168.0.1').isLoopback()", 3, 3, 3],
  ["ip('192.168.0.1').isLinkLocalMulticast()", 3, 3, 3],
  ["ip('192.168.0.1').isLinkLocalUnicast()", 3, 3, 3],
  ["ip('192.168.0.1').isGlobalUnicast()", 3, 3, 3],
  ["ip('192.168.0.1') == ip('192.168.0.1')", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888')", 4, 4, 4],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').family()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').isUnspecified()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').isLoopback()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').isLinkLocalMulticast()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').isLinkLocalUnicast()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').isGlobalUnicast()", 5, 5, 5],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888') == ip('192.168.0.1')", 7, 7, 7],
  ["ip.isCanonical('192.168.0.1')", 3, 3, 3],
  ["ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')", 8, 8, 8],
  ["ip.isCanonical('2001:db8::abcd')", 3, 3, 3],
  ["cidr('192.168.0.0/16')", 2, 2, 2],
  ["cidr('192.168.0.0/16').ip()", 3, 3, 3],
  ["cidr('192.168.0.0/16').prefixLength()", 3, 3, 3],
  ["cidr('192.168.0.0/16').masked()", 3, 3, 3],
  ["cidr('192.168.0.0/16') == cidr('2001:db8::/32')", 5, 5, 5],
  ["cidr('2001:db8::/32')", 2, 2, 2],
  ["cidr('2001:db8::/32').ip()", 3, 3, 3],
  ["cidr('2001:db8::/32').prefixLength()", 3, 3, 3],
  ["cidr('2001:db8::/32').masked()", 3, 3, 3],
  ["cidr('2001:db8::/32') == cidr('2001:db8::/32')", 5, 5, 5],
  ["cidr('192.168.0.0/16').containsCIDR(cidr('192.0.0.0/30'))", 7, 11, 7],
  ["cidr('192.168.0.0/16').containsCIDR(cidr('192.168.0.0/16'))", 7, 11, 7],
  ["cidr('192.168.0.0/16').containsCIDR('192.0.0.0/30')", 7, 11, 7],
  ["cidr('192.168.0.0/16').containsIP(ip('192.0.0.1'))", 4, 7, 4],
  ["cidr('192.168.0.0/16').containsIP(ip('192.169.0.1'))", 5, 8, 5],
  ["cidr('192.168.0.0/16').containsIP('192.0.0.1')", 4, 7, 4],
  ["cidr('192.168.0.0/16').containsIP('192.169.0.1')", 5, 8, 5],
  ["cidr('2001:db8::/32').containsCIDR(cidr('2001:db8::/126'))", 7, 11, 7],
  ["cidr('2001:db8::/32').containsCIDR('2001:db8::/126')", 7, 11, 7],
  ["cidr('2001:db8::/32').containsIP(ip('2001:db8:3333:4444:5555:6666:7777:8888'))", 7, 10, 7],
  ["cidr('2001:db8::/32').containsIP('2001:db8::1')", 5, 8, 5],
]

describe('costs of the Kubernetes library', () => {
  const authorizer = new Authorizer(() => ({ allowed: true }))

  test.each(COSTS)('%s', (expression, min, max, actual) => {
    const compiled = program(expression, { authorizer: authorizerType })
    const estimate = compiled.estimateCost({
      maxSize: (_path, { kind }) => (kind === 'string' || kind === 'bytes' ? 12 : undefined),
    })
    expect(estimate).toEqual({ min, max })
    expect(compiled.evaluate({ authorizer }).cost).toBe(actual)
  })
})

const nested = objectType('Nested', { value: celInt })
const ints = listOf(celInt)
const strings = listOf(celString)
const objects = listOf(nested)
const objectMap = mapOf(celString, nested)
const nestedMap = mapOf(celString, objectMap)

interface EstimateCase {
  readonly expression: string
  readonly variables?: Record<string, CelType>
  /** The greatest sizes by path. */
  readonly sizes?: Record<string, number>
  readonly min: number
  readonly max: number
}

const ESTIMATES: readonly EstimateCase[] = [
  { expression: '"Hello World!"', min: 0, max: 0 },
  { expression: 'input', variables: { input: ints }, min: 1, max: 1 },
  { expression: "input['key']", variables: { input: mapOf(celString, celString) }, min: 2, max: 2 },
  { expression: 'input.value', variables: { input: nested }, min: 2, max: 2 },
  { expression: 'has(input.value)', variables: { input: nested }, min: 1, max: 1 },
  { expression: 'has(input.a.b)', variables: { input: nestedMap }, min: 2, max: 2 },
  { expression: '[1, 2, 3]', min: 10, max: 10 },
  { expression: '{"a": 1, "b": 2, "c": 3}', min: 30, max: 30 },
  { expression: 'input.all(x, true)', variables: { input: objects }, sizes: { input: 100 }, min: 2, max: 302 },
  {
    expression: 'input.all(x, x.all(y, true))',
    variables: { input: listOf(objects) },
    sizes: { input: 50, 'input.@items': 10 },
    min: 2,
    max: 1752,
  },
  { expression: '[1, 2, 3].all(x, true)', min: 20, max: 20 },
  {
    expression: "input.matches('[0-9]')",
    variables: { input: celString },
    sizes: { input: 500 },
    min: 3,
    max: 103,
  },
  { expression: "'123'.matches('[0-9]')", min: 2, max: 2 },
  { expression: 'true || false', min: 0, max: 0 },
  {
    expression: 'a || b || c || d',
    variables: { a: celBool, b: celBool, c: celBool, d: celBool },
    min: 1,
    max: 4,
  },
  {
    expression: 'a && b && c && d',
    variables: { a: celBool, b: celBool, c: celBool, d: celBool },
    min: 1,
    max: 4,
  },
  { expression: '1 <= 2', min: 1, max: 1 },
  { expression: '1 == 2', min: 1, max: 1 },
  { expression: '2 in [1, 2, 3]', min: 13, max: 13 },
  { expression: '1 % 1', min: 1, max: 1 },
  { expression: 'true ? 1 : 2', min: 0, max: 0 },
  { expression: 'size(b"123")', min: 1, max: 1 },
  { expression: 'string(input)', variables: { input: celBytes }, sizes: { input: 500 }, min: 1, max: 51 },
  {
    expression: 'string(input) == string(input)',
    variables: { input: celBytes },
    sizes: { input: 500 },
    min: 3,
    max: 152,
  },
  {
    expression: 'bytes(input) == bytes(input)',
    variables: { input: celString },
    sizes: { input: 500 },
    min: 3,
    max: 302,
  },
  {
    expression: 'input.contains(other)',
    variables: { input: celString, other: celString },
    sizes: { input: 500, other: 500 },
    min: 2,
    max: 2502,
  },
  {
    expression: 'input.startsWith(other)',
    variables: { input: celString, other: celString },
    sizes: { other: 500 },
    min: 2,
    max: 52,
  },
  { expression: 'input.size()', variables: { input: celString }, min: 2, max: 2 },
  {
    expression: '(x > 2 ? a : b).all(y, true)',
    variables: { x: celInt, a: objects, b: objects },
    sizes: { a: 1, b: 1 },
    min: 4,
    max: 7,
  },
  {
    expression: 'input.all(k, input[k].value > 3)',
    variables: { input: objectMap },
    sizes: { input: 10 },
    min: 2,
    max: 82,
  },
  {
    expression: 'input.all(k, input[k].all(x, true))',
    variables: { input: nestedMap },
    sizes: { input: 5, 'input.@values': 10 },
    min: 2,
    max: 187,
  },
  {
    expression: 'input.all(k, k.contains(k))',
    variables: { input: nestedMap },
    sizes: { input: 5, 'input.@keys': 10 },
    min: 2,
    max: 32,
  },
  {
    expression: 'input.all(k, input[k].all(k, true) && k.contains(k))',
    variables: { input: nestedMap },
    sizes: { input: 2, 'input.@values': 2, 'input.@keys': 5 },
    min: 2,
    max: 34,
  },
  {
    expression: '(a + b).all(x, true)',
    variables: { a: ints, b: ints },
    sizes: { a: 10, b: 10 },
    min: 4,
    max: 64,
  },
  {
    expression: '"abcdefg".contains(a + b)',
    variables: { a: celString, b: celString },
    sizes: { a: 10, b: 10 },
    min: 2,
    max: 6,
  },
  { expression: 'a.size() == b.size()', variables: { a: ints, b: ints }, min: 5, max: 5 },
  {
    expression: 'x > y ? a.size() : b.size()',
    variables: { x: celInt, y: celInt, a: ints, b: ints },
    min: 5,
    max: 5,
  },
  {
    expression: '([x, y] + a + b).size()',
    variables: { x: celInt, y: celInt, a: ints, b: ints },
    sizes: { a: 10, b: 20 },
    min: 17,
    max: 17,
  },
  {
    expression: "[a, b].exists(l, l.exists(v, v.startsWith('hi')))",
    variables: { a: strings, b: strings },
    sizes: { a: 10, 'a.@items': 64, b: 20, 'b.@items': 128 },
    min: 21,
    max: 265,
  },
  { expression: '((5 != 6) == (1 == 2)) == ((3 <= 4) == (9 != 9))', min: 7, max: 7 },
  {
    expression: 'string(a) == string(b)',
    variables: { a: celTimestamp, b: celTimestamp },
    min: 5,
    // The size of the strings is not known.
    max: Math.ceil(2 ** 64 * 0.1) + 4,
  },
  { expression: 'a == b', variables: { a: celTimestamp, b: celTimestamp }, min: 3, max: 3 },
  { expression: 'a != b', variables: { a: celDuration, b: celDuration }, min: 3, max: 3 },
  { expression: '[1,2,3,4,5].filter(x, x % 2 == 0)', min: 41, max: 101 },
  { expression: '[1,2,3,4,5].map(x, x)', min: 86, max: 86 },
  { expression: '[1,2,3,4,5].map(x, x).filter(x, x % 2 == 0)', min: 117, max: 177 },
  { expression: '[1,2,3,4,5].map(x, x).exists(x, x == 5) == true', min: 108, max: 118 },
]

function sizesOf(sizes: Record<string, number> | undefined): Parameters<Program['estimateCost']>[0] {
  return { maxSize: (path) => sizes?.[path.join('.')] }
}

test.each(ESTIMATES)('estimates $expression', ({ expression, variables = {}, sizes, min, max }) => {
  const estimate: CostEstimate = program(expression, variables).estimateCost(sizesOf(sizes))
  expect(estimate).toEqual({ min, max })
})

const text = 'x'.repeat(500)

/** Expressions with their variables and what evaluating them costs. */
const ACTUAL: readonly (readonly [string, Record<string, CelType>, Record<string, unknown>, number])[] = [
  ['input', { input: ints }, { input: [1, 2] }, 1],
  ["input['key']", { input: mapOf(celString, celString) }, { input: { key: 'v' } }, 2],
  ['input[0]', { input: strings }, { input: ['v'] }, 2],
  ["input['ke' + 'y']", { input: mapOf(celString, celString) }, { input: { key: 'v' } }, 3],
  ['input[3-3]', { input: strings }, { input: ['v'] }, 3],
  ['has(input.a.b)', { input: nestedMap }, { input: { a: { b: {} } } }, 2],
  ['input.all(x, true)', { input: objects }, { input: [] }, 2],
  ['[1, 2, 3].all(x, true)', {}, {}, 20],
  ["input.matches('[0-9]')", { input: celString }, { input: text }, 103],
  [
    'a || b || c || d',
    { a: celBool, b: celBool, c: celBool, d: celBool },
    { a: false, b: false, c: false, d: false },
    4,
  ],
  ['true ? 1 : 2', {}, {}, 0],
  ['2 in [1, 2, 3]', {}, {}, 13],
  ["'12345678901234567890' == '123456789012345678901234567890'", {}, {}, 2],
  ['bytes(input)', { input: celString }, { input: text }, 51],
  ['input.contains(other)', { input: celString, other: celString }, { input: text, other: text }, 2502],
  ['input.startsWith(other)', { input: celString, other: celString }, { input: 'idc', other: text }, 3],
]

test.each(ACTUAL)('evaluates %s', (expression, variables, bindings, cost) => {
  expect(program(expression, variables).evaluate(bindings).cost).toBe(cost)
})

describe('what is constant', () => {
  test.each([
    ['[1, 2, 3].size()', 1],
    ["'a' in ['a', 'b']", 0],
    ['x in [1, 2, 3]', 1],
    ["duration('1s') < duration('2s')", 1],
    ["'%d %s'.format([1, 'abc']) == '1 abc'", 2],
    ["'%o %o %o'.format([7, 8, 9]) == '7 10 11'", 2],
    ['map.all(k, map[k] > 0)', 14],
    ["'Rook takes \u{1f451}'.startsWith('Rook')", 1],
    ['map.transformMapEntry(k, v, {string(k): v + 1}).size() == 2', 76],
    ['map.filter(k, map[k] > 1).size() == 1', 23],
    ['!map.exists(k, v, v == 3)', 15],
    ['[1, x].size()', 12],
  ])('is free in Kubernetes: %s', (expression, cost) => {
    const result = compile(expression, { variables: { x: celInt, map: mapOf(celString, celInt) } })
    expect(result.ok && result.program.evaluate({ x: 2, map: { a: 1, b: 2 } }).cost).toBe(cost)
  })
})

describe('the limit', () => {
  const loop = program('input.all(x, input.all(y, x <= y || x > y))', { input: ints })
  const input = Array.from({ length: 100 }, (_, index) => index)

  test('stops an evaluation that costs more', () => {
    expect(() => loop.evaluate({ input }, { costLimit: 10_000 })).toThrow(CelCostExceeded)
    expect(() => loop.evaluate({ input }, { costLimit: 10_000 })).toThrow(
      'operation cancelled: actual cost limit exceeded',
    )
  })

  test('is not in the way of one that costs as much', () => {
    const { cost } = loop.evaluate({ input })
    expect(loop.evaluate({ input }, { costLimit: cost }).value).toBe(true)
    expect(() => loop.evaluate({ input }, { costLimit: cost - 1 })).toThrow(CelCostExceeded)
  })

  test.each(['sets.equivalent(input, input)', 'input.distinct().size() > 0', 'input.sort().size() > 0'])(
    'is charged before a call that would take long: %s',
    (expression) => {
      const many = Array.from({ length: 100_000 }, (_, index) => index)
      const compare = program(expression, { input: ints })
      expect(() => compare.evaluate({ input: many }, { costLimit: 1_000_000 })).toThrow(CelCostExceeded)
    },
  )

  test('is not absorbed by an operator', () => {
    const absorbing = program('input.all(x, input.all(y, x <= y || x > y)) || true', { input: ints })
    expect(() => absorbing.evaluate({ input }, { costLimit: 1000 })).toThrow(CelCostExceeded)
  })
})
