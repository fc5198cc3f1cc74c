import type { Token } from './lexer.ts'
import { SyntaxFailure } from './lexer.ts'
import { maxInt, maxUint, minInt } from './integers.ts'
import { CelUint } from './values.ts'

/** The value of an int literal; the sign belongs to it, so that the smallest int can be written. */
export function intLiteral(token: Token, negative: boolean, at: number): bigint {
  const value = negative ? -BigInt(token.text) : BigInt(token.text)
  if (value < minInt || value > maxInt) throw new SyntaxFailure(at, 'invalid int literal')
  return value
}

export function uintLiteral(token: Token): CelUint {
  const value = BigInt(token.text.slice(0, -1))
  if (value > maxUint) throw new SyntaxFailure(token.at, 'invalid uint literal')
  return new CelUint(value)
}

export function doubleLiteral(token: Token, negative: boolean, at: number): number {
  const value = Number(token.text)
  if (!Number.isFinite(value)) throw new SyntaxFailure(at, 'invalid double literal')
  return negative ? -value : value
}

/** The string a literal stands for. */
export function stringLiteral(token: Token): string {
  const { raw, body } = unquote(token.text)
  if (raw) return body
  return body.replace(ESCAPE, (escape: string) => String.fromCodePoint(decodeEscape(escape, token)))
}

/** The bytes a literal stands for: text as UTF-8, `\x` and octal escapes as single bytes. */
export function bytesLiteral(token: Token): Uint8Array {
  const { raw, body } = unquote(token.text.slice(1))
  const encoder = new TextEncoder()
  if (raw) return encoder.encode(body)
  const bytes: number[] = []
  for (const part of body.split(SPLIT_ESCAPES)) {
    if (!part.startsWith('\\')) {
      bytes.push(...encoder.encode(part))
      continue
    }
    if (/^\\[uU]/.test(part)) throw new SyntaxFailure(token.at, 'unable to unescape string')
    bytes.push(decodeEscape(part, token))
  }
  return Uint8Array.from(bytes)
}

const ESCAPES = String.raw`\\(?:[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[^])`
const ESCAPE = new RegExp(ESCAPES, 'g')
const SPLIT_ESCAPES = new RegExp(`(${ESCAPES})`)

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '"': 34,
  "'": 39,
  '\\': 92,
  '?': 63,
  '`': 96,
}

function decodeEscape(escape: string, token: Token): number {
  const simple = escape.length === 2 ? SIMPLE_ESCAPES[escape[1]!] : undefined
  if (simple !== undefined) return simple
  const digits = escape.slice(2)
  if (/^\\[xXuU]/.test(escape) && digits !== '') {
    const code = Number.parseInt(digits, 16)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      throw new SyntaxFailure(token.at, 'invalid unicode code point')
    }
    return code
  }
  if (/^\\[0-3][0-7]{2}$/.test(escape)) return Number.parseInt(escape.slice(1), 8)
  // The token ends, as far as anybody can tell, with the first character that does not fit.
  const bad = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?[^]/
  const start = token.text.indexOf(escape)
  const end = start + bad.exec(token.text.slice(start))![0].length
  throw new SyntaxFailure(token.at, `Syntax error: token recognition error at: '${token.text.slice(0, end)}'`)
}

function unquote(text: string): { raw: boolean; body: string } {
  const raw = /^[rR]/.test(text)
  // Line ends are the same for everybody, whatever the file was written with.
  const quoted = (raw ? text.slice(1) : text).replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  const width = /^(?:"""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1
  return { raw, body: quoted.slice(width, -width) }
}
