import { tests } from '@bufbuild/cel-spec/testdata/parsing.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { operators } from './ast.ts'
import type { Expr } from './ast.ts'
import { parse } from './parser.ts'
import { print } from './testing/print.ts'
import { CelUint } from './values.ts'

const quotedFields = { quotedFields: true }

/** A tree without places. */
function strip(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) => {
      if (key === 'at') return undefined
      if (typeof value === 'bigint') return `int ${value}`
      if (typeof value === 'number') return Object.is(value, -0) ? 'double -0' : `double ${value}`
      return value instanceof Uint8Array ? `bytes ${value.join()}` : value
    }),
  )
}

const name = fc.constantFrom('a', 'b', 'self', 'x1', '_y')
const literal = fc.oneof(
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new CelUint(value)),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 4 }),
  fc.constant(null),
)

const { expression } = fc.letrec<{ expression: Expr }>((tie) => {
  const inner = tie('expression')
  const at = 0
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      literal.map((value): Expr => ({ kind: 'literal', at, value })),
      name.map((ident): Expr => ({ kind: 'ident', at, name: ident })),
      fc
        .tuple(inner, name, fc.boolean())
        .map(([operand, field, optional]): Expr => ({ kind: 'select', at, operand, field, optional })),
      fc.tuple(inner, name).map(([operand, field]): Expr => ({ kind: 'presence', at, operand, field })),
      fc
        .tuple(
          fc.constantFrom(operators.add, operators.modulo, operators.less, operators.in, operators.index),
          inner,
          inner,
        )
        .map(([operator, left, right]): Expr => call(operator, [left, right])),
      fc
        .tuple(fc.constantFrom(operators.and, operators.or), inner, inner)
        .map(([operator, left, right]) => call(operator, [left, right])),
      fc.tuple(inner, inner, inner).map((args) => call(operators.conditional, args)),
      inner.map((operand) => call(operators.not, [operand])),
      fc.tuple(inner, fc.array(inner, { maxLength: 2 })).map(([target, args]) => call('method', args, target)),
      fc
        .array(fc.record({ value: inner, optional: fc.boolean() }), { maxLength: 3 })
        .map((elements): Expr => ({ kind: 'list', at, elements })),
      fc
        .array(fc.record({ key: inner, value: inner, optional: fc.boolean() }), { maxLength: 3 })
        .map((entries): Expr => ({ kind: 'map', at, entries })),
      fc.tuple(inner, name, inner).map(([range, variable, body]): Expr => comprehension('all', range, variable, body)),
      fc.tuple(inner, name, inner).map(([range, variable, body]): Expr => comprehension('map', range, variable, body)),
    ),
  }
})

function call(name: string, args: readonly Expr[], target?: Expr): Expr {
  return { kind: 'call', at: 0, name, target, args }
}

function comprehension(macro: 'all' | 'map', range: Expr, variable: string, body: Expr): Expr {
  return { kind: 'comprehension', at: 0, macro, range, variable, variable2: undefined, filter: undefined, body }
}

describe('the parser', () => {
  test('reads back what is printed', () => {
    fc.assert(
      fc.property(expression, (expr) => {
        const source = print(expr)
        const parsed = parse(source, quotedFields)
        expect(parsed.ok ? strip(parsed.expr) : source).toEqual(strip(expr))
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('answers any text', () => {
    const words = fc.constantFrom(
      'a',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '?',
      ':',
      '"',
      "'",
      '-',
      '1',
      '1.5',
      '0x',
      'in',
      ' ',
      '\\',
      '`',
      'has',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(words).map((parts) => parts.join('')),
        ),
        (source) => {
          const parsed = parse(source, quotedFields)
          expect(parsed.ok || parsed.errors.length > 0).toBe(true)
        },
      ),
      { seed: 1, numRuns: 2000 },
    )
  })

  test('finds what binds tighter', () => {
    const tree = (source: string): unknown => {
      const parsed = parse(source, quotedFields)
      return parsed.ok ? strip(parsed.expr) : parsed.errors
    }
    expect(tree('a + b * -a.b[0] < 3 && !b || a ? 1 : a ? 2 : 3')).toEqual(
      tree('(((((a + (b * (-((a.b)[0])))) < 3) && (!b)) || a) ? 1 : (a ? 2 : 3))'),
    )
    expect(tree('a - b - 1')).toEqual(tree('(a - b) - 1'))
    expect(tree('--a')).toEqual(tree('a'))
    expect(tree('a // comment\n+ b')).toEqual(tree('a + b'))
  })
})

interface ParsingTest {
  readonly original: { readonly expr: string }
  readonly ast?: string
  readonly error?: string
}

/** Tests of cel-go's parser with other settings: shorter limits, no optionals, no quoted fields. */
const OTHER_SETTINGS = /recursion (?:limit|depth)|unsupported syntax|lookahead limit/

const parsing = ((tests as { tests?: readonly ParsingTest[] }).tests ?? []).filter(
  ({ error }) => !OTHER_SETTINGS.test(error ?? ''),
)

test.each(parsing.map((entry) => [entry.original.expr, entry] as const))(
  'parses or refuses as cel-go does: %j',
  (source, entry) => {
    const parsed = parse(source, quotedFields)
    expect(parsed.ok).toBe(entry.ast !== undefined)
  },
)
