import { yaml } from '@locktender/kube'
import type { Document, LineCounter } from 'yaml'

/** Names and indexes that lead to a value in a document. */
export type Path = readonly (string | number)[]

/** A file is not what it should be: where, what, and what to do. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

/** A YAML or JSON document of a known shape. Whatever is wrong with it is said with its file, line and path. */
export class DocumentReader {
  readonly #source: string
  readonly #document: Document
  readonly #lines: LineCounter

  /** @throws DocumentError when the text is no YAML */
  constructor(text: string, source: string) {
    this.#source = source
    this.#lines = new (yaml().LineCounter)()
    this.#document = yaml().parseDocument(text, { lineCounter: this.#lines })
    const [error] = this.#document.errors
    if (error === undefined) return
    throw new DocumentError(
      `${source}:${this.#lines.linePos(error.pos[0]).line}: ${error.message.split(/ at line \d/)[0]!}`,
    )
  }

  /** Everything in it, as plain values. */
  value(): unknown {
    return this.#document.toJS()
  }

  /** An error about the value at `path`. */
  error(path: Path, message: string): DocumentError {
    let node: unknown = this.#document.contents
    let offset = 0
    for (const part of [undefined, ...path]) {
      if (part !== undefined) node = yaml().isCollection(node) ? node.get(part, true) : undefined
      const range = (node as { readonly range?: readonly number[] } | undefined)?.range
      if (range === undefined) break
      offset = range[0]!
    }
    const where = path.length === 0 ? '' : `${pathText(path)}: `
    return new DocumentError(`${this.#source}:${this.#lines.linePos(offset).line}: ${where}${message}`)
  }

  /** The members of a mapping that has no others than `known`, and has all of `required`. */
  members(value: unknown, path: Path, known: readonly string[], required: readonly string[] = []): Members {
    const members = this.mapping(value, path)
    for (const name of Object.keys(members)) {
      if (!known.includes(name)) throw this.error([...path, name], `is not known here; known are ${known.join(', ')}`)
    }
    for (const name of required) if (members[name] === undefined) throw this.error(path, `${name} is missing`)
    return members
  }

  mapping(value: unknown, path: Path): Members {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
    throw this.error(path, 'must be a mapping')
  }

  list(value: unknown, path: Path): readonly unknown[] {
    if (Array.isArray(value)) return value
    throw this.error(path, 'must be a list')
  }

  text(value: unknown, path: Path): string {
    if (typeof value === 'string' && value !== '') return value
    throw this.error(path, 'must be a text')
  }

  /** A whole number, from `smallest` on. */
  count(value: unknown, path: Path, smallest: number): number {
    if (Number.isSafeInteger(value) && (value as number) >= smallest) return value as number
    throw this.error(path, `must be a whole number from ${smallest} on`)
  }

  oneOf<T extends string>(value: unknown, path: Path, words: readonly T[]): T {
    if ((words as readonly unknown[]).includes(value)) return value as T
    throw this.error(path, `must be one of ${words.join(', ')}`)
  }

  flag(value: unknown, path: Path): boolean {
    if (typeof value === 'boolean') return value
    throw this.error(path, 'must be true or false')
  }
}

export type Members = Readonly<Record<string, unknown>>

/** `steps[2].change.name` */
function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}
