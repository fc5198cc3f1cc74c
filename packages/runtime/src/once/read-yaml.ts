import { yaml } from '@locktender/kube'

/**
 * The value of a YAML or JSON file with one document. Files as Kubernetes' tools write them are read here; what is
 * unusual in them (anchors, tags, flow collections, several documents) is left to the YAML library, which costs a start
 * and several times as long.
 *
 * @throws Error as the library words it, when the file is not YAML.
 */
export function readYaml(text: string): unknown {
  try {
    return /^\s*[{[]/.test(text) ? readJson(text) : new PlainReader(text).document()
  } catch (error) {
    if (!(error instanceof Unusual)) throw error
    return yaml().parse(text) as unknown
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unusual()
  }
}

/** The text is something this reader does not do. */
class Unusual extends Error {}

interface Line {
  readonly indent: number
  /** Without indentation and trailing spaces. */
  readonly text: string
}

class PlainReader {
  readonly #lines: readonly string[]
  #at = 0

  constructor(text: string) {
    if (text.includes('\r') || text.includes('\ufeff')) throw new Unusual()
    this.#lines = text.split('\n')
  }

  document(): unknown {
    while (this.#at < this.#lines.length && isBlank(this.#lines[this.#at]!)) this.#at++
    if (this.#lines[this.#at] === '---') this.#at++
    const first = this.#peek()
    if (first === undefined) return null
    const value = this.#block(first)
    if (this.#peek() !== undefined) throw new Unusual()
    return value
  }

  /** The next line that says something; the cursor is then at it. */
  #peek(): Line | undefined {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!
      if (isBlank(line)) continue
      let indent = 0
      while (line.charCodeAt(indent) === 32) indent++
      if (line.charCodeAt(indent) === 9) throw new Unusual()
      if (indent === 0 && /^(?:---|\.\.\.|%)/.test(line)) throw new Unusual()
      return { indent, text: line.slice(indent).trimEnd() }
    }
    return undefined
  }

  #block({ indent, text }: Line): unknown {
    return text === '-' || text.startsWith('- ') ? this.#list(indent) : this.#map(indent)
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = []
    for (let line = this.#peek(); line !== undefined && line.indent === indent; line = this.#peek()) {
      if (line.text !== '-' && !line.text.startsWith('- ')) break
      const rest = line.text.slice(1).trimStart()
      if (rest === '' || rest.startsWith('#')) {
        this.#at++
        items.push(this.#below(indent, false))
        continue
      }
      const inner = indent + line.text.length - rest.length
      if (rest === '-' || rest.startsWith('- ') || keyEnd(rest) !== undefined) items.push(this.#inline(inner, rest))
      else items.push(this.#scalar(rest, indent))
    }
    if ((this.#peek()?.indent ?? -1) > indent) throw new Unusual()
    return items
  }

  /** A collection that begins behind a dash: as if the dash were indentation. */
  #inline(indent: number, rest: string): unknown {
    const lines = this.#lines as string[]
    lines[this.#at] = ' '.repeat(indent) + rest
    return this.#block({ indent, text: rest })
  }

  #map(indent: number): Record<string, unknown> {
    const members: Record<string, unknown> = {}
    for (let line = this.#peek(); line !== undefined && line.indent === indent; line = this.#peek()) {
      if (line.text === '-' || line.text.startsWith('- ')) break
      const end = keyEnd(line.text)
      if (end === undefined) throw new Unusual()
      const key = keyOf(line.text.slice(0, end))
      if (Object.hasOwn(members, key) || key === '__proto__' || key === '<<') throw new Unusual()
      const rest = line.text.slice(end + 1).trimStart()
      if (rest === '' || rest.startsWith('#')) {
        this.#at++
        members[key] = this.#below(indent, true)
      } else {
        members[key] = this.#scalar(rest, indent)
      }
    }
    if ((this.#peek()?.indent ?? -1) > indent) throw new Unusual()
    return members
  }

  /** What stands on the lines under a key or a lone dash; a list may be as far left as its key. */
  #below(indent: number, isMember: boolean): unknown {
    const next = this.#peek()
    if (next === undefined) return null
    if (next.indent > indent) {
      const isBlock = next.text === '-' || next.text.startsWith('- ') || keyEnd(next.text) !== undefined
      return isBlock ? this.#block(next) : this.#scalar(next.text, indent)
    }
    const isList = next.text === '-' || next.text.startsWith('- ')
    return isMember && next.indent === indent && isList ? this.#list(indent) : null
  }

  /** A scalar that begins with `rest` on the present line; its further lines are deeper than `indent`. */
  #scalar(rest: string, indent: number): unknown {
    const first = rest[0]!
    if (first === '"' || first === "'") return this.#quoted(rest, indent, first)
    if (first === '|') return this.#literal(rest, indent)
    if (rest === '{}' || rest === '[]') {
      this.#at++
      return rest === '{}' ? {} : []
    }
    if ('[]{}&*!>%@`?,#'.includes(first) || /^[-?:](?: |$)/.test(rest)) throw new Unusual()
    return this.#plain(rest, indent)
  }

  #plain(rest: string, indent: number): unknown {
    const comment = rest.indexOf(' #')
    const head = comment < 0 ? rest : rest.slice(0, comment).trimEnd()
    if (keyEnd(head) !== undefined) throw new Unusual()
    this.#at++
    const lines = [head]
    let empty = 0
    for (let at = this.#at; at < this.#lines.length; at++) {
      const line = this.#lines[at]!
      const text = line.trim()
      if (text === '') {
        empty++
        continue
      }
      if (line.length - line.trimStart().length <= indent || comment >= 0 || text.startsWith('#')) break
      if (/^(?:---|\.\.\.)/.test(line) || text.includes(' #') || keyEnd(text) !== undefined || line.includes('\t')) {
        throw new Unusual()
      }
      lines.push(`${empty === 0 ? ' ' : '\n'.repeat(empty)}${text}`)
      empty = 0
      this.#at = at + 1
    }
    return lines.length === 1 ? resolved(head) : lines.join('')
  }

  #quoted(rest: string, indent: number, quote: string): string {
    const inner = quote === '"' ? /^"((?:[^"\\]|\\[^])*)"/ : /^'((?:[^']|'')*)'/
    let text = rest
    for (;;) {
      const match = inner.exec(text)
      this.#at++
      if (match !== null) {
        const tail = text.slice(match[0].length).trimStart()
        if (tail !== '' && !tail.startsWith('#')) throw new Unusual()
        const folded = foldQuoted(match[1]!)
        return quote === '"' ? unescaped(folded) : folded.replaceAll("''", "'")
      }
      const next = this.#lines[this.#at]
      if (next === undefined || (next.trim() !== '' && next.length - next.trimStart().length <= indent)) {
        throw new Unusual()
      }
      text += `\n${next}`
    }
  }

  #literal(rest: string, indent: number): string {
    const match = /^\|([1-9]?)([-+]?)(?: +#.*)?$/.exec(rest)
    if (match === null) throw new Unusual()
    this.#at++
    let depth = match[1] === '' ? 0 : indent + Number(match[1])
    const lines: string[] = []
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!
      const content = line.length - line.trimStart().length
      if (line.trim() === '') {
        if (depth === 0 ? line !== '' : content > depth) {
          if (depth === 0 || line.includes('\t')) throw new Unusual()
        }
        lines.push(depth > 0 ? line.slice(depth) : '')
        continue
      }
      if (depth === 0) {
        if (content <= indent) break
        depth = content
      }
      if (content < depth) {
        if (content > indent) throw new Unusual()
        break
      }
      if (line.slice(0, depth).includes('\t')) throw new Unusual()
      lines.push(line.slice(depth))
    }
    // The last break of the file ends its last line and begins none.
    if (this.#at === this.#lines.length && lines.at(-1) === '') lines.pop()
    const chomping = match[2]
    const text = lines.map((line) => `${line}\n`).join('')
    if (chomping === '+') return text
    const body = text.replace(/\n+$/, '')
    return chomping === '-' || body === '' ? body : `${body}\n`
  }
}

function isBlank(line: string): boolean {
  return /^ *(?:#.*)?$/.test(line)
}

/** Index of the colon that ends the key with which `text` begins; undefined when it begins with none. */
function keyEnd(text: string): number | undefined {
  const first = text[0]!
  if (first === '"' || first === "'") {
    const match = (first === '"' ? /^"(?:[^"\\]|\\.)*"/ : /^'(?:[^']|'')*'/).exec(text)
    const end = match?.[0].length
    return end !== undefined && /^:(?: |$)/.test(text.slice(end)) ? end : undefined
  }
  const end = text.search(/:(?: |$)/)
  return end < 0 ? undefined : end
}

function keyOf(text: string): string {
  const first = text[0]
  if (first === '"') return unescaped(text.slice(1, -1))
  if (first === "'") return text.slice(1, -1).replaceAll("''", "'")
  if (first === undefined || '[]{}&*!|>%@`?,#'.includes(first) || /^[-?] /.test(text) || text.includes(' #')) {
    throw new Unusual()
  }
  const key = resolved(text.trimEnd())
  if (typeof key === 'string') return key
  throw new Unusual()
}

function foldQuoted(text: string): string {
  if (!text.includes('\n')) return text
  const lines = text.split('\n')
  let result = lines[0]!.trimEnd()
  // A backslash before the break takes the break away and keeps the spaces before it.
  let joined = endsEscaped(lines[0]!)
  if (joined) result = lines[0]!.slice(0, -1)
  let empty = 0
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue
    const isLast = index === lines.length - 1
    const trimmed = isLast ? line.trimStart() : line.trim()
    if (trimmed === '' && !isLast) {
      empty++
      continue
    }
    const continues = !isLast && endsEscaped(line)
    if (!joined) result += empty === 0 ? ' ' : '\n'.repeat(empty)
    else if (empty > 0) throw new Unusual()
    result += continues ? line.trimStart().slice(0, -1) : trimmed
    joined = continues
    empty = 0
  }
  return result
}

function endsEscaped(line: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
}

const ESCAPED: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\u001b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g,
    (_, two?: string, four?: string, eight?: string, one?: string) => {
      const hex = two ?? four ?? eight
      if (hex !== undefined) return four === undefined ? String.fromCodePoint(Number.parseInt(hex, 16)) : unit(hex)
      const character = ESCAPED[one!]
      if (character === undefined) throw new Unusual()
      return character
    },
  )
}

/** One UTF-16 unit, so that surrogates written one by one come together again. */
function unit(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}

/** What an unquoted scalar means in YAML 1.2. */
function resolved(text: string): unknown {
  switch (text) {
    case 'true':
    case 'True':
    case 'TRUE':
      return true
    case 'false':
    case 'False':
    case 'FALSE':
      return false
    case 'null':
    case 'Null':
    case 'NULL':
    case '~':
      return null
  }
  const first = text.charCodeAt(0)
  if ((first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46) {
    if (/^[-+]?[0-9]+$/.test(text)) return Number(text)
    if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text)
    if (/^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(text)) return Number(text)
    if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(text)) throw new Unusual()
  }
  return text
}
