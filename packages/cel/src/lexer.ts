import type { SourceError } from './source.ts'

export type TokenKind = 'ident' | 'quoted' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written. Keywords (`true`, `false`, `null`, `in`) are symbols. */
  readonly text: string
  readonly at: number
}

/** Stops parsing; carries what to report. */
export class SyntaxFailure extends Error {
  readonly failure: SourceError

  constructor(at: number, message: string) {
    super(message)
    this.failure = { at, message }
  }
}

/** Words that are tokens of their own, never names. */
export const KEYWORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in'])

const SPACE = /(?:[\t \r\n\f]|\/\/[^\n]*)+/y

/** Longest first where one is the beginning of another. */
const TOKENS: readonly (readonly [TokenKind, RegExp])[] = [
  [
    'bytes',
    /[bB](?:[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')|"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*')/y,
  ],
  [
    'string',
    /[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')|"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*'/y,
  ],
  ['double', /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y],
  ['uint', /0x[0-9a-fA-F]+[uU]|\d+[uU]/y],
  ['int', /0x[0-9a-fA-F]+|\d+/y],
  ['ident', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['quoted', /`[A-Za-z0-9_.\-/ ]+`/y],
  ['symbol', /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y],
]

/** Splits an expression into tokens; the last one is of kind `end`. Throws SyntaxFailure. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (true) {
    SPACE.lastIndex = at
    if (SPACE.test(source)) at = SPACE.lastIndex
    if (at >= source.length) break
    const token = tokenAt(source, at)
    if (token === undefined) {
      const rest = /^(?:[rR]?["'`][^\n]*|.)/u.exec(source.slice(at))?.[0] ?? ''
      throw new SyntaxFailure(at, `Syntax error: token recognition error at: '${rest}'`)
    }
    tokens.push(token)
    at += token.text.length
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length })
  return tokens
}

function tokenAt(source: string, at: number): Token | undefined {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text !== undefined) return { kind: kind === 'ident' && KEYWORDS.has(text) ? 'symbol' : kind, text, at }
  }
  return undefined
}
