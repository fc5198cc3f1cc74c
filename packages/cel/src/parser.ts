import { operators } from './ast.ts'
import type { Expr, ListExpr, MapExpr, StructExpr } from './ast.ts'
import { KEYWORDS, SyntaxFailure, tokenize } from './lexer.ts'
import type { Token, TokenKind } from './lexer.ts'
import { bytesLiteral, doubleLiteral, intLiteral, stringLiteral, uintLiteral } from './literals.ts'
import { expandMacro } from './macros.ts'
import { locate } from './source.ts'
import type { CelCompileError } from './errors.ts'

/** Deeper expressions are refused, so that no later step runs out of stack. */
const maxDepth = 250

const RESERVED: ReadonlySet<string> = new Set([
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])

/** Whether a word cannot be an identifier as it is. */
export function isReserved(word: string): boolean {
  return KEYWORDS.has(word) || RESERVED.has(word)
}

const EXPRESSION_START =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

const RELATIONS: ReadonlyMap<string, string> = new Map([
  ['<', operators.less],
  ['<=', operators.lessOrEqual],
  ['>', operators.greater],
  ['>=', operators.greaterOrEqual],
  ['==', operators.equals],
  ['!=', operators.notEquals],
  ['in', operators.in],
])
const SUMS: ReadonlyMap<string, string> = new Map([
  ['+', operators.add],
  ['-', operators.subtract],
])
const PRODUCTS: ReadonlyMap<string, string> = new Map([
  ['*', operators.multiply],
  ['/', operators.divide],
  ['%', operators.modulo],
])

export interface ParseOptions {
  /** Whether a field may be written in backticks. */
  readonly quotedFields: boolean
}

export type ParseResult =
  | { readonly ok: true; readonly expr: Expr }
  | { readonly ok: false; readonly errors: readonly CelCompileError[] }

/** Parses an expression. Stops at the first error. */
export function parse(source: string, options: ParseOptions): ParseResult {
  try {
    return { ok: true, expr: new Parser(tokenize(source), options).parse() }
  } catch (error) {
    if (error instanceof SyntaxFailure) return { ok: false, errors: locate(source, [error.failure]) }
    throw error
  }
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #options: ParseOptions
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[], options: ParseOptions) {
    this.#tokens = tokens
    this.#options = options
  }

  parse(): Expr {
    const expr = this.#expression()
    const rest = this.#peek()
    if (rest.kind !== 'end') {
      // One thing too many, or something else altogether.
      const last = this.#tokens[this.#next + 1]!.kind === 'end'
      throw new SyntaxFailure(
        rest.at,
        `Syntax error: ${last ? 'extraneous' : 'mismatched'} input '${rest.text}' expecting <EOF>`,
      )
    }
    return expr
  }

  #expression(): Expr {
    return this.#nested(() => {
      const condition = this.#disjunction()
      const question = this.#accept('?')
      if (question === undefined) return condition
      const yes = this.#disjunction()
      this.#expect(':')
      return call(question.at, operators.conditional, [condition, yes, this.#expression()])
    })
  }

  #disjunction(): Expr {
    return this.#logical(operators.or, '||', () => this.#logical(operators.and, '&&', () => this.#relation()))
  }

  #relation(): Expr {
    return this.#binary(RELATIONS, () => this.#binary(SUMS, () => this.#binary(PRODUCTS, () => this.#unary())))
  }

  /** A chain of && or ||, as a balanced tree: a thousand of them are no deeper than ten. */
  #logical(name: string, symbol: string, operand: () => Expr): Expr {
    const terms = [operand()]
    const places: number[] = []
    for (let token = this.#accept(symbol); token !== undefined; token = this.#accept(symbol)) {
      places.push(token.at)
      terms.push(operand())
    }
    const balance = (low: number, high: number): Expr => {
      if (low > high) return terms[low]!
      const middle = (low + high + 1) >> 1
      return call(places[middle]!, name, [balance(low, middle - 1), balance(middle + 1, high)])
    }
    return balance(0, places.length - 1)
  }

  #binary(symbols: ReadonlyMap<string, string>, operand: () => Expr): Expr {
    let left = operand()
    const depth = this.#depth
    while (true) {
      const token = this.#peek()
      const name = token.kind === 'symbol' ? symbols.get(token.text) : undefined
      if (name === undefined) break
      this.#next++
      this.#deepen()
      left = call(token.at, name, [left, operand()])
    }
    this.#depth = depth
    return left
  }

  #unary(): Expr {
    if (this.#is('!')) return this.#prefixed('!', operators.not)
    return this.#is('-') && !this.#isNumber(1) ? this.#prefixed('-', operators.negate) : this.#member()
  }

  /** A row of the same sign; two of them are none. */
  #prefixed(symbol: string, name: string): Expr {
    const { at } = this.#peek()
    let odd = false
    while (this.#accept(symbol) !== undefined) odd = !odd
    const operand = this.#member()
    return odd ? call(at, name, [operand]) : operand
  }

  #member(): Expr {
    let expr = this.#primary()
    const depth = this.#depth
    while (true) {
      const token = this.#peek()
      if (this.#accept('.') !== undefined) expr = this.#select(expr, token)
      else if (this.#accept('[') !== undefined) expr = this.#index(expr, token)
      else break
      this.#deepen()
    }
    this.#depth = depth
    return expr
  }

  #select(operand: Expr, dot: Token): Expr {
    const optional = this.#accept('?') !== undefined
    const token = this.#peek()
    const field = this.#field()
    const open = optional || token.kind !== 'ident' ? undefined : this.#accept('(')
    if (open !== undefined) return expandMacro(call(open.at, field, this.#arguments(), operand))
    return { kind: 'select', at: dot.at, operand, field, optional }
  }

  #index(operand: Expr, bracket: Token): Expr {
    const optional = this.#accept('?') !== undefined
    const index = this.#expression()
    this.#close(']')
    return call(bracket.at, optional ? operators.optionalIndex : operators.index, [operand, index])
  }

  /** A field name; reserved words are allowed. */
  #field(): string {
    const token = this.#peek()
    if (token.kind === 'quoted') {
      if (!this.#options.quotedFields) throw new SyntaxFailure(token.at, "unsupported syntax: '`'")
      this.#next++
      return token.text.slice(1, -1)
    }
    return this.#take('ident', 'IDENTIFIER').text
  }

  #primary(): Expr {
    const token = this.#peek()
    const { at } = token
    switch (token.kind) {
      case 'ident':
        return this.#name('')
      case 'int':
      case 'double':
        return this.#number(false, at)
      case 'uint':
        this.#next++
        return { kind: 'literal', at, value: uintLiteral(token) }
      case 'string':
        this.#next++
        return { kind: 'literal', at, value: stringLiteral(token) }
      case 'bytes':
        this.#next++
        return { kind: 'literal', at, value: bytesLiteral(token) }
      case 'symbol':
        return this.#symbol(token)
      default:
        return this.#unexpected(token, EXPRESSION_START)
    }
  }

  #symbol(token: Token): Expr {
    const { at } = token
    switch (token.text) {
      case 'true':
      case 'false':
        this.#next++
        return { kind: 'literal', at, value: token.text === 'true' }
      case 'null':
        this.#next++
        return { kind: 'literal', at, value: null }
      case '-':
        if (!this.#isNumber(1)) return this.#unexpected(token, EXPRESSION_START)
        this.#next++
        return this.#number(true, at)
      case '.':
        this.#next++
        return this.#name('.')
      case '(': {
        this.#next++
        const inner = this.#expression()
        this.#close(')')
        return inner
      }
      case '[':
        this.#next++
        return this.#list(at)
      case '{':
        this.#next++
        return this.#map(at)
      default:
        return this.#unexpected(token, EXPRESSION_START)
    }
  }

  #number(negative: boolean, at: number): Expr {
    const token = this.#peek()
    this.#next++
    const value = token.kind === 'int' ? intLiteral(token, negative, at) : doubleLiteral(token, negative, at)
    return { kind: 'literal', at, value }
  }

  /** An identifier, a call of a function or the construction of an object. */
  #name(dot: string): Expr {
    const token = this.#take('ident', 'IDENTIFIER')
    const name = dot + token.text
    const type = this.#structType(name)
    if (type !== undefined) return this.#struct(type)
    if (RESERVED.has(token.text)) {
      throw new SyntaxFailure(dot === '' ? token.at : token.at - 1, `reserved identifier: ${token.text}`)
    }
    const open = this.#accept('(')
    if (open !== undefined) return expandMacro(call(open.at, name, this.#arguments()))
    return { kind: 'ident', at: token.at, name }
  }

  /** `name.name.name` when a brace follows it; nothing is consumed otherwise. */
  #structType(first: string): string | undefined {
    let type = first
    let ahead = this.#next
    while (this.#tokens[ahead]!.text === '.' && this.#tokens[ahead + 1]!.kind === 'ident') {
      type += `.${this.#tokens[ahead + 1]!.text}`
      ahead += 2
    }
    if (this.#tokens[ahead]!.text !== '{' || this.#tokens[ahead]!.kind !== 'symbol') return undefined
    this.#next = ahead
    return type
  }

  #struct(type: string): StructExpr {
    const { at } = this.#expect('{')
    const fields = this.#items('}', () => {
      const optional = this.#accept('?') !== undefined
      const name = this.#field()
      const colon = this.#expect(':')
      return { at: colon.at, name, value: this.#expression(), optional }
    })
    return { kind: 'struct', at, type, fields }
  }

  #list(at: number): ListExpr {
    const elements = this.#items(']', () => {
      const optional = this.#accept('?') !== undefined
      return { value: this.#expression(), optional }
    })
    return { kind: 'list', at, elements }
  }

  #map(at: number): MapExpr {
    const entries = this.#items('}', () => {
      const optional = this.#accept('?') !== undefined
      const key = this.#expression()
      this.#expect(':')
      return { key, value: this.#expression(), optional }
    })
    return { kind: 'map', at, entries }
  }

  #arguments(): Expr[] {
    const args: Expr[] = []
    if (this.#accept(')') !== undefined) return args
    do args.push(this.#expression())
    while (this.#accept(',') !== undefined)
    this.#close(')')
    return args
  }

  /** Items with commas between them and perhaps after the last. */
  #items<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = []
    if (this.#is(',') && this.#tokens[this.#next + 1]!.text === close) this.#next++
    while (!this.#is(close)) {
      items.push(item())
      if (this.#accept(',') === undefined) break
    }
    if (this.#accept(close) === undefined) this.#unexpected(this.#peek(), `{'${close}', ','}`)
    return items
  }

  #nested<Result>(run: () => Result): Result {
    const depth = this.#depth
    this.#deepen()
    const result = run()
    this.#depth = depth
    return result
  }

  #deepen(): void {
    if (++this.#depth > maxDepth) {
      throw new SyntaxFailure(this.#peek().at, `expression recursion limit exceeded: ${maxDepth}`)
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #is(symbol: string): boolean {
    const token = this.#peek()
    return token.kind === 'symbol' && token.text === symbol
  }

  #isNumber(ahead: number): boolean {
    const kind = this.#tokens[this.#next + ahead]?.kind
    return kind === 'int' || kind === 'double'
  }

  #accept(symbol: string): Token | undefined {
    return this.#is(symbol) ? this.#tokens[this.#next++]! : undefined
  }

  #expect(symbol: string): Token {
    return this.#accept(symbol) ?? this.#unexpected(this.#peek(), `'${symbol}'`)
  }

  /** The end of something that holds one expression. */
  #close(symbol: string): void {
    if (this.#accept(symbol) !== undefined) return
    const { at, text, kind } = this.#peek()
    if (kind === 'end') throw new SyntaxFailure(at, `Syntax error: missing '${symbol}' at '${text}'`)
    const surplus = this.#tokens[this.#next + 1]!.text === symbol
    throw new SyntaxFailure(
      at,
      `Syntax error: ${surplus ? 'extraneous' : 'mismatched'} input '${text}' expecting '${symbol}'`,
    )
  }

  #take(kind: TokenKind, name: string): Token {
    const token = this.#peek()
    if (token.kind !== kind) return this.#unexpected(token, name)
    this.#next++
    return token
  }

  #unexpected(token: Token, expected: string): never {
    throw new SyntaxFailure(token.at, `Syntax error: mismatched input '${token.text}' expecting ${expected}`)
  }
}

function call(at: number, name: string, args: readonly Expr[], target?: Expr): Expr & { kind: 'call' } {
  return { kind: 'call', at, name, target, args }
}
