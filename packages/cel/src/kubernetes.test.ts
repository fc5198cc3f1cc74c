import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { CelEvaluationError } from './errors.ts'

function evaluate(expression: string): unknown {
  const result = compile(expression, { variables: {} })
  if (!result.ok) throw new Error(result.text)
  return result.program.evaluate({}).value
}

/** Expressions that must be true. */
const TRUE: Readonly<Record<string, readonly string[]>> = {
  urls: [
    "isURL('https://example.com/a?b=c')",
    "isURL('/absolute/path')",
    "!isURL('relative/path')",
    "!isURL('')",
    "!isURL('https://a:b:c/')",
    "!isURL('https://example.com/%zz')",
    "!isURL('../up')",
    "isURL('http://user:pw@[::1]:8080/')",
    "!isURL('http://[::1')",
    "url('https://user@example.com:8443/a%20b?x=1&x=2&y=#f').getHost() == 'example.com:8443'",
    "url('https://example.com:8443/').getHostname() == 'example.com'",
    "url('https://example.com:8443/').getPort() == '8443'",
    "url('https://example.com/').getPort() == ''",
    "url('https://[::1]:80/').getHostname() == '::1'",
    "url('https://[::1]:80/').getHost() == '[::1]:80'",
    "url('HTTPS://example.com/').getScheme() == 'https'",
    "url('https://example.com/a b/').getEscapedPath() == '/a%20b/'",
    "url('https://example.com/a%2Fb').getEscapedPath() == '/a%2Fb'",
    "url('https://example.com/path#f').getEscapedPath() == '/path'",
    "url('/path').getScheme() == '' && url('/path').getHost() == ''",
    "url('https://example.com/?k=a&k=b%20c&d').getQuery() == {'k': ['a', 'b c'], 'd': ['']}",
    "url('https://example.com/') == url('https://example.com/')",
    "url('https://example.com/') != url('https://example.com/a')",
  ],
  'regular expressions': [
    "'abc 123'.find('[0-9]+') == '123'",
    "'abc'.find('[0-9]+') == ''",
    "'1, 2, 3'.findAll('[0-9]') == ['1', '2', '3']",
    "'1, 2, 3'.findAll('[0-9]', 2) == ['1', '2']",
    "'1, 2, 3'.findAll('[0-9]', 0) == []",
    "'hello'.matches('ell')",
    "!'hello'.matches('^ell')",
    "'grüße'.matches('^\\\\pL+$')",
    // Exponential for engines that try one way after the other.
    "!'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')",
  ],
  lists: [
    "[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [].isSorted()",
    "[1, 3].sum() == 4 && [1.5, 0.5].sum() == 2.0 && [duration('1m'), duration('1s')].sum() == duration('61s')",
    '[1u, 2u].sum() == 3u',
    "['b', 'c', 'a'].min() == 'a' && ['b', 'c', 'a'].max() == 'c'",
    "[timestamp('2020-01-01T00:00:00Z'), timestamp('2021-01-01T00:00:00Z')].max().getFullYear() == 2021",
    '[1, 2, 2, 3].indexOf(2) == 1 && [1, 2, 2, 3].lastIndexOf(2) == 2 && [1].indexOf(9) == -1',
    '[1, 2, 3, 4].slice(1, 3) == [2, 3]',
    '[[1, 2], [], [3]].flatten() == [1, 2, 3]',
    '[[[1, 2], [3]], []].flatten(2) == [1, 2, 3]',
    "['b', 'a'].sort() == ['a', 'b'] && [3, 1, 2].sort() == [1, 2, 3]",
    "[{'n': 2}, {'n': 1}].sortBy(e, e.n) == [{'n': 1}, {'n': 2}]",
    '[1, 2, 1].distinct() == [1, 2]',
    'lists.range(3) == [0, 1, 2] && lists.range(0) == []',
    '[1, 2].reverse() == [2, 1]',
    '[1, 2].first().value() == 1 && [1, 2].last().value() == 2 && ![].first().hasValue()',
  ],
  sets: [
    'sets.contains([1, 2, 3], [2, 3]) && !sets.contains([1], [1, 2]) && sets.contains([], [])',
    'sets.equivalent([1, 2, 2], [2, 1]) && !sets.equivalent([1], [1, 2])',
    'sets.intersects([1], [1, 2]) && !sets.intersects([1], [2]) && !sets.intersects([], [])',
  ],
  strings: [
    "'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == ''",
    "'tacocat'.indexOf('a') == 1 && 'tacocat'.indexOf('a', 3) == 5 && 'tacocat'.indexOf('') == 0",
    "'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('a', 3) == 1",
    "'a😀b'.indexOf('b') == 2 && 'a😀b'.size() == 3 && 'a😀b'.substring(1, 2) == '😀'",
    "'TacoÉ'.lowerAscii() == 'tacoÉ' && 'tacoé'.upperAscii() == 'TACOé'",
    "'a-b-c'.replace('-', '') == 'abc' && 'a-b-c'.replace('-', '+', 1) == 'a+b-c' && 'ab'.replace('', '_') == '_a_b_'",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
    "'tacocat'.substring(4) == 'cat'",
    "' \\ttrim\\n '.trim() == 'trim'",
    "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b'",
    'strings.quote(\'a\\n"\') == \'"a\\\\n\\\\""\'',
    "'%s has %d'.format(['x', 3]) == 'x has 3'",
    "'%.2f'.format([1234.567]) == '1,234.57'",
    "'%s'.format([['a', 'b']]) == '[\"a\", \"b\"]'",
    "'%e'.format([3.14]) == '3.140000×10⁰⁰'",
    "'%d %s %f %s %s'.format([1, 'abc', 1.0, duration('1m'), timestamp('2000-01-01T00:00:00Z')]) == '1 abc 1.000000 60s 2000-01-01T00:00:00Z'",
    "'%x %b %o'.format([255, 5, 8]) == 'ff 101 10'",
  ],
  quantities: [
    'isQuantity("20M") && isQuantity("20Mi") && isQuantity("1e3") && !isQuantity("20Mo") && !isQuantity("10Mm") && !isQuantity("")',
    'quantity("200M") == quantity("0.2G") && quantity("2000k") == quantity("2M")',
    'quantity("50M").isLessThan(quantity("50Mi")) && !quantity("50M").isLessThan(quantity("50M"))',
    'quantity("50Mi").isGreaterThan(quantity("50M"))',
    'quantity("200M").compareTo(quantity("0.2G")) == 0 && quantity("50M").compareTo(quantity("50Mi")) == -1',
    'quantity("50k").add(quantity("20")) == quantity("50.02k") && quantity("50k").add(20) == quantity("50020")',
    'quantity("50k").sub(quantity("20")) == quantity("49.98k") && quantity("50k").sub(20) == quantity("49980")',
    'quantity("50k").add(20).sub(quantity("100k")).sub(-50000).asInteger() == 20',
    'quantity("50").isInteger() && quantity("50k").asInteger() == 50000',
    '!quantity("500m").isInteger() && !quantity("9999999999999999999999999999999999999G").isInteger()',
    'quantity("50.703k").asApproximateFloat() == 50703.0',
    'sign(quantity("-1")) == -1 && sign(quantity("0")) == 0',
    '[quantity("9999999999999999999999999999999999999")].all(x, x.add(quantity("1")).compareTo(x.add(quantity("2"))) == -1)',
  ],
  'IP addresses': [
    "isIP('192.168.0.1') && isIP('2001:db8::abcd') && !isIP('192.168.0.1.0') && !isIP('192.168.00.1')",
    "!isIP('::ffff:1.2.3.4') && !isIP('fe80::1%en0') && isIP('1::') && !isIP('1:::2') && isIP('::1.2.3.4')",
    "ip('192.168.0.1').family() == 4 && ip('::1').family() == 6",
    "ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')",
    "!ip.isCanonical('2001:db8:0:0:0:0:0:abcd')",
    "ip('127.0.0.1') == ip('127.0.0.1') && ip('2001:db8::') == ip('2001:DB8::0') && ip('10.0.0.1') != ip('10.0.0.2')",
    "ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified() && !ip('127.0.0.1').isUnspecified()",
    "ip('127.0.0.1').isLoopback() && ip('::1').isLoopback() && !ip('10.0.0.1').isLoopback()",
    "ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()",
    "ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()",
    "ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast() && !ip('ff00::1').isGlobalUnicast()",
    "string(ip('2001:0db8::1')) == '2001:db8::1'",
    "type(ip('1.2.3.4')) == net.IP && type(cidr('1.2.3.4/8')) == net.CIDR",
  ],
  'CIDR blocks': [
    "isCIDR('192.168.0.0/24') && isCIDR('2001:db8::/32') && !isCIDR('192.168.0.0/') && !isCIDR('192.168.0.0/33')",
    "isCIDR('192.168.0.1/24') && !isCIDR('::ffff:1.2.3.4/24')",
    "cidr('192.168.0.0/24').containsIP('192.168.0.1') && !cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))",
    "cidr('192.168.0.0/24').containsCIDR('192.168.0.0/25') && !cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23')",
    "cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/24')) && !cidr('10.0.0.0/8').containsCIDR('::/0')",
    "cidr('192.168.0.1/24').ip() == ip('192.168.0.1') && cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')",
    "cidr('2001:db8::/32').prefixLength() == 32 && string(cidr('2001:DB8::/32')) == '2001:db8::/32'",
  ],
  'semantic versions': [
    'isSemver("1.2.3-beta.1+build.1") && !isSemver("v1.0.0") && !isSemver("1.0") && !isSemver("01.1.1") && !isSemver("")',
    'isSemver("v1.0", true) && isSemver("01.01.01", true) && !isSemver(" 1.0.0", true)',
    'semver("v01.01", true) == semver("1.1.0")',
    'semver("1.0.0").isLessThan(semver("1.2.3")) && semver("1.2.3").isGreaterThan(semver("1.2.3-rc.1"))',
    'semver("1.0.0-alpha.2").compareTo(semver("1.0.0-alpha.10")) == -1 && semver("1.0.0+a").compareTo(semver("1.0.0+b")) == 0',
    'semver("1.2.3").major() == 1 && semver("1.2.3").minor() == 2 && semver("1.2.3").patch() == 3',
  ],
  formats: [
    "!format.dns1123Label().validate('my-name').hasValue() && format.dns1123Label().validate('My.Name').hasValue()",
    "format.dns1123Label().validate('a.b').value() == ['must not contain dots']",
    "!format.dns1123Subdomain().validate('example.com').hasValue()",
    "format.dns1035Label().validate('1a').hasValue() && !format.dns1123LabelPrefix().validate('my-').hasValue()",
    "!format.qualifiedName().validate('example.com/MyName').hasValue() && format.qualifiedName().validate('a/b/c').hasValue()",
    "!format.labelValue().validate('').hasValue() && format.labelValue().validate('-').hasValue()",
    "!format.uri().validate('https://example.com').hasValue() && format.uri().validate('x').hasValue()",
    "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
    "!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('aGVsbG8').hasValue()",
    "!format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-02-30').hasValue()",
    "!format.datetime().validate('2021-01-01T00:00:00Z').hasValue()",
    "format.named('dns1123Label').hasValue() && !format.named('nothing').hasValue()",
    "format.named('uuid').value() == format.uuid()",
  ],
  optionals: [
    "{'a': 1}.?a.value() == 1 && !{'a': 1}.?b.hasValue() && {'a': 1}[?'b'].orValue(2) == 2",
    "{'a': {'b': 1}}.?a.?b.orValue(0) == 1 && {'a': {'c': 1}}.?a.b.orValue(0) == 0",
    '[1][?5].or(optional.of(3)).value() == 3',
    "optional.ofNonZeroValue('').hasValue() == false && optional.ofNonZeroValue('x').hasValue()",
    'optional.of(2).optMap(x, x * 2).value() == 4 && !optional.none().optMap(x, x).hasValue()',
    "{'a': {'b': 1}}.?a.optFlatMap(m, m.?b).value() == 1",
    "{?'a': {'x': 1}.?x, ?'b': {'x': 1}.?y} == {'a': 1} && [?{'x': 1}.?x, ?{'x': 1}.?y] == [1]",
    "has({'a': 1}.a) && !has({'a': 1}.b)",
    'optional.unwrap([optional.of(1), optional.none()]) == [1]',
  ],
  'comprehensions with two variables': [
    "{'a': 1, 'b': 2}.all(k, v, k < 'c' && v < 3) && [5, 6].exists(i, v, i == 1 && v == 6)",
    "['a', 'b'].transformList(i, v, string(i) + v) == ['0a', '1b']",
    "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2) == {'b': 4}",
    "{'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}",
  ],
  times: [
    "timestamp('2023-07-10T18:11:52Z').getHours('+02:00') == 20 && timestamp('2023-07-10T18:11:52Z').getHours('America/New_York') == 14",
    "timestamp('2023-12-31T23:30:00Z').getDayOfYear() == 364 && timestamp('2023-01-01T00:00:00Z').getDayOfWeek() == 0",
    "timestamp('2023-07-10T18:11:52Z') - timestamp('2023-07-10T18:11:22Z') == duration('30s')",
    "duration('1h30m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 1500",
    "string(duration('90s')) == '90s' && string(timestamp('2023-07-10T20:11:52.5+02:00')) == '2023-07-10T20:11:52.5+02:00' && timestamp('2023-07-10T20:11:52+02:00') == timestamp('2023-07-10T18:11:52Z')",
  ],
  numbers: [
    "1 < 1.5 && 2u > 1 && 1.0 <= 1u && string(1000000.0) == '1e+06' && string(0.25) == '0.25'",
    "int('9223372036854775807') == 9223372036854775807 && uint(18446744073709551615u) == 18446744073709551615u",
    '7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1',
  ],
}

describe.each(Object.entries(TRUE))('%s', (_subject, expressions) => {
  test.each(expressions)('%s', (expression) => {
    expect(evaluate(expression)).toBe(true)
  })
})

/** Expressions and the error that evaluating them ends in. */
const ERRORS: readonly (readonly [expression: string, message: string])[] = [
  ['1 / 0 == 0', 'division by zero'],
  ['1 % 0 == 0', 'modulus by zero'],
  ['9223372036854775807 + 1 > 0', 'integer overflow'],
  ['0u - 1u > 0u', 'unsigned integer overflow'],
  ["{'a': 1}.b == 1", 'no such key: b'],
  ["{'a': 1}['b'] == 1", 'no such key: b'],
  ['[1][2] == 1', 'index out of bounds: 2'],
  ["int('x') == 1", "type conversion error from 'string' to 'int'"],
  ['optional.none().value() == 1', 'optional.none() dereference'],
  ['[].max() == 1', 'max called on empty list'],
  ['quantity("10Mm").isInteger()', "unable to parse quantity's suffix"],
  ['quantity("10Mo").isInteger()', 'quantities must match the regular expression'],
  ['quantity("0.5").asInteger() == 1', 'cannot convert value to integer'],
  ['semver("v1.0") == semver("1.0.0")', 'No Major.Minor.Patch elements found'],
  [
    "ip('x').family() == 4",
    'IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP',
  ],
  ["cidr('x').prefixLength() == 4", 'network address parse error during conversion from string'],
  ["url('x').getHost() == ''", 'URL parse error during conversion from string: parse "x": invalid URI for request'],
  ['[1, 2].slice(1, 5) == []', 'cannot slice(1, 5), list is length 2'],
  ["'a'.find('(') == ''", 'missing closing )'],
  ["timestamp('9999-12-31T23:59:59Z') + duration('1s') > timestamp('2000-01-01T00:00:00Z')", 'timestamp overflow'],
  ["timestamp('2000-01-01T00:00:00Z').getHours('Nowhere/Land') == 0", 'unknown time zone Nowhere/Land'],
]

test.each(ERRORS)('%s fails: %s', (expression, message) => {
  expect(() => evaluate(expression)).toThrow(CelEvaluationError)
  expect(() => evaluate(expression)).toThrow(message)
})

describe('errors', () => {
  test.each(['1 / 0 == 0 || true', 'true || 1 / 0 == 0', '!(1 / 0 == 0 && false)', '[0, 1].exists(x, 1 / x == 1)'])(
    'make no difference where the other side decides: %s',
    (expression) => {
      expect(evaluate(expression)).toBe(true)
    },
  )

  test.each(['1 / 0 == 0 || false', '1 / 0 == 0 && true', '[0, 1].all(x, 1 / x == 1)'])(
    'stand where nothing decides: %s',
    (expression) => {
      expect(() => evaluate(expression)).toThrow('division by zero')
    },
  )
})
