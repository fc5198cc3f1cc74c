import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { CelEvaluationError } from './errors.ts'
import { maxInt, maxUint, minInt } from './integers.ts'
import type { Program } from './program.ts'
import { celDouble, celInt, celString, celUint, listOf } from './types.ts'
import type { CelType } from './types.ts'
import { CelUint } from './values.ts'

function program(expression: string, variables: Record<string, CelType>): Program {
  const result = compile(expression, { variables })
  if (!result.ok) throw new Error(result.text)
  return result.program
}

function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof CelEvaluationError) return error.message
    throw error
  }
}

const interesting = fc.constantFrom(0n, 1n, -1n, 2n, minInt, maxInt, minInt + 1n, maxInt - 1n)
const int = fc.oneof(interesting, fc.bigInt({ min: minInt, max: maxInt }))
const uint = fc.oneof(fc.constantFrom(0n, 1n, maxUint), fc.bigInt({ min: 0n, max: maxUint }))

const OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint | string>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0n ? 'division by zero' : a / b),
}

describe.each(Object.entries(OPERATIONS))('%s', (operator, exact) => {
  test('on int is exact or an error', () => {
    const compiled = program(`a ${operator} b`, { a: celInt, b: celInt })
    fc.assert(
      fc.property(int, int, (a, b) => {
        const result = exact(a, b)
        const fits = typeof result === 'string' || (result >= minInt && result <= maxInt)
        expect(outcome(() => compiled.evaluate({ a, b }).value)).toBe(fits ? result : 'integer overflow')
      }),
      { seed: 1 },
    )
  })

  test('on uint is exact or an error', () => {
    const compiled = program(`a ${operator} b`, { a: celUint, b: celUint })
    fc.assert(
      fc.property(uint, uint, (a, b) => {
        const result = exact(a, b)
        const fits = typeof result === 'string' || (result >= 0n && result <= maxUint)
        const value = outcome(
          () => (compiled.evaluate({ a: new CelUint(a), b: new CelUint(b) }).value as CelUint).value,
        )
        expect(value).toBe(fits ? result : 'unsigned integer overflow')
      }),
      { seed: 1 },
    )
  })
})

test('text of an int or double reads back as the same', () => {
  const ints = program('int(string(a)) == a', { a: celInt })
  const doubles = program('double(string(a)) == a', { a: celDouble })
  fc.assert(
    fc.property(int, fc.double({ noNaN: true }), (a, b) => {
      expect(ints.evaluate({ a }).value).toBe(true)
      expect(doubles.evaluate({ a: b }).value).toBe(true)
    }),
    { seed: 1 },
  )
})

test('order and equality agree between all numeric types', () => {
  const compiled = program('[a < b, a == dyn(b), a > b].existsOne(holds, holds)', { a: celInt, b: celDouble })
  fc.assert(
    fc.property(int, fc.double({ noNaN: true }), (a, b) => {
      expect(compiled.evaluate({ a, b }).value).toBe(true)
    }),
    { seed: 1 },
  )
})

describe('costs', () => {
  const all = program('self.all(x, x.startsWith("a") && size(x) < 100)', { self: listOf(celString) })
  const matches = program('self.matches("^[a-z]+$")', { self: celString })

  test('grow with what is evaluated', () => {
    fc.assert(
      fc.property(fc.array(fc.constant('ab'), { maxLength: 30 }), fc.nat(500), (list, length) => {
        expect(all.evaluate({ self: [...list, 'ab'] }).cost).toBeGreaterThan(all.evaluate({ self: list }).cost)
        const shorter = matches.evaluate({ self: 'a'.repeat(length) }).cost
        expect(matches.evaluate({ self: 'a'.repeat(length + 10) }).cost).toBeGreaterThanOrEqual(shorter)
      }),
      { seed: 1 },
    )
  })

  test('are never above the estimate for the size, and estimates grow with sizes', () => {
    const sizes = (items: number, characters: number): Parameters<Program['estimateCost']>[0] => ({
      maxSize: (path) => (path.length === 1 ? items : characters),
    })
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }), (self) => {
        const { max } = all.estimateCost(sizes(20, 20))
        expect(all.evaluate({ self }).cost).toBeLessThanOrEqual(max)
        expect(all.estimateCost(sizes(21, 20)).max).toBeGreaterThan(max)
      }),
      { seed: 1 },
    )
  })
})
