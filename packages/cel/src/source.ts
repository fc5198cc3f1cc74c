import type { CelCompileError } from './errors.ts'
import { characterCount } from './text.ts'

/** An error found while parsing or checking, at an offset in UTF-16 units. */
export interface SourceError {
  readonly at: number
  readonly message: string
}

/** Lines beyond this are not repeated under an error. */
const maxSnippet = 16384

/** Errors with line and column, in the order of the source. What macros evaluate twice is told once. */
export function locate(source: string, errors: readonly SourceError[]): CelCompileError[] {
  return [...new Map(errors.map((error) => [`${error.at} ${error.message}`, error])).values()]
    .sort((left, right) => left.at - right.at)
    .map(({ at, message }) => {
      const before = source.slice(0, at).split('\n')
      return { message, line: before.length, column: characterCount(before.at(-1)!) + 1 }
    })
}

/** Errors as cel-go prints them, with the line and a caret. */
export function describe(source: string, errors: readonly CelCompileError[]): string {
  const lines = source.split('\n')
  return errors
    .map(({ message, line, column }) => {
      const head = `ERROR: <input>:${line}:${column}: ${message}`
      const snippet = (lines[line - 1] ?? '').replaceAll('\t', ' ')
      if (snippet.length > maxSnippet) return head
      const characters = Array.from(snippet)
      const dots = characters.slice(0, column - 1).map((character) => (isWide(character) ? '\uff0e' : '.'))
      const caret = isWide(characters[column - 1] ?? '') ? '\uff3e' : '^'
      return `${head}\n | ${snippet}\n | ${dots.join('')}${caret}`
    })
    .join('\n')
}

function isWide(character: string): boolean {
  return (character.codePointAt(0) ?? 0) > 0x7f
}
