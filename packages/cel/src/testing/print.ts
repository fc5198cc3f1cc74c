import { operators } from '../ast.ts'
import type { Expr, LiteralValue } from '../ast.ts'

const BINARY: ReadonlyMap<string, string> = new Map([
  [operators.and, '&&'],
  [operators.or, '||'],
  [operators.equals, '=='],
  [operators.notEquals, '!='],
  [operators.less, '<'],
  [operators.lessOrEqual, '<='],
  [operators.greater, '>'],
  [operators.greaterOrEqual, '>='],
  [operators.in, 'in'],
  [operators.add, '+'],
  [operators.subtract, '-'],
  [operators.multiply, '*'],
  [operators.divide, '/'],
  [operators.modulo, '%'],
])

/** Writes a tree as an expression that parses to it. */
export function print(expr: Expr): string {
  switch (expr.kind) {
    case 'literal':
      return printLiteral(expr.value)
    case 'ident':
      return expr.name
    case 'select':
      return `(${print(expr.operand)}).${expr.optional ? '?' : ''}${expr.field}`
    case 'presence':
      return `has((${print(expr.operand)}).${expr.field})`
    case 'call':
      return printCall(expr)
    case 'list':
      return `[${expr.elements.map(({ value, optional }) => mark(optional) + print(value)).join(', ')}]`
    case 'map':
      return `{${expr.entries.map(({ key, value, optional }) => `${mark(optional)}${print(key)}: ${print(value)}`).join(', ')}}`
    case 'struct':
      return `${expr.type}{${expr.fields.map(({ name, value, optional }) => `${mark(optional)}${name}: ${print(value)}`).join(', ')}}`
    case 'comprehension': {
      const variables = expr.variable2 === undefined ? expr.variable : `${expr.variable}, ${expr.variable2}`
      const filter = expr.filter === undefined ? '' : `, ${print(expr.filter)}`
      const body = expr.macro === 'filter' ? '' : `, ${print(expr.body)}`
      return `(${print(expr.range)}).${expr.macro}(${variables}${filter}${body})`
    }
    case 'bind':
      throw new Error('a binding is part of a macro')
  }
}

function mark(optional: boolean): string {
  return optional ? '?' : ''
}

function printCall({ name, target, args }: Expr & { kind: 'call' }): string {
  const [first, second, third] = args.map((arg) => `(${print(arg)})`)
  const binary = BINARY.get(name)
  if (binary !== undefined) return `${first} ${binary} ${second}`
  switch (name) {
    case operators.not:
      return `!${first}`
    case operators.negate:
      return `-${first}`
    case operators.conditional:
      return `${first} ? ${second} : ${third}`
    case operators.index:
      return `${first}[${print(args[1]!)}]`
    case operators.optionalIndex:
      return `${first}[?${print(args[1]!)}]`
    default:
      return `${target === undefined ? '' : `(${print(target)}).`}${name}(${args.map(print).join(', ')})`
  }
}

function printLiteral(value: LiteralValue): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number': {
      const text = String(value)
      return /[.e]/.test(text) ? text : `${text}.0`
    }
    case 'object':
      if (value === null) return 'null'
      if (value instanceof Uint8Array) {
        return `b"${Array.from(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`
      }
      return `${value.value}u`
    default:
      return String(value)
  }
}
