/**
 * What is wrong with a text that is no JSON, in the words of Go's decoder, which clients of Kubernetes know. Undefined
 * when there is nothing wrong.
 */
export function jsonProblem(text: string): string | undefined {
  try {
    const scanner = new Scanner(text)
    scanner.value()
    scanner.end()
    return undefined
  } catch (error) {
    if (error instanceof Problem) return error.message
    throw error
  }
}

class Problem extends Error {}

const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }

/** Reads JSON as far as it is some. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): void {
    const first = this.#skipSpace()
    if (first === '{') this.#object()
    else if (first === '[') this.#array()
    else if (first === '"') this.#string()
    else if (first !== undefined && /[-\d]/.test(first)) this.#number()
    else if (first !== undefined && Object.hasOwn(LITERALS, first)) this.#literal(LITERALS[first]!)
    else throw this.#wrong('looking for beginning of value')
  }

  end(): void {
    if (this.#skipSpace() !== undefined) throw this.#wrong('after top-level value')
  }

  #object(): void {
    this.#at++
    if (this.#skipSpace() === '}') {
      this.#at++
      return
    }
    for (;;) {
      if (this.#skipSpace() !== '"') throw this.#wrong('looking for beginning of object key string')
      this.#string()
      if (this.#skipSpace() !== ':') throw this.#wrong('after object key')
      this.#at++
      this.value()
      if (this.#ends('}', 'after object key:value pair')) return
    }
  }

  #array(): void {
    this.#at++
    if (this.#skipSpace() === ']') {
      this.#at++
      return
    }
    do this.value()
    while (!this.#ends(']', 'after array element'))
  }

  /** Whether this is the end rather than a comma. */
  #ends(end: string, where: string): boolean {
    const next = this.#skipSpace()
    if (next !== end && next !== ',') throw this.#wrong(where)
    this.#at++
    return next === end
  }

  #string(): void {
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      const next = this.#text[this.#at]
      if (next === undefined || next < ' ') throw this.#wrong('in string literal')
      if (next === '\\') this.#escape()
    }
    this.#at++
  }

  #escape(): void {
    this.#at++
    const next = this.#text[this.#at]
    if (next === undefined || !'"\\/bfnrtu'.includes(next)) throw this.#wrong('in string escape code')
    if (next !== 'u') return
    for (let digits = 0; digits < 4; digits++) {
      this.#at++
      if (!/[\da-f]/i.test(this.#text[this.#at] ?? '')) throw this.#wrong('in \\u hexadecimal character escape')
    }
  }

  #literal(word: string): void {
    for (const [index, letter] of word.split('').entries()) {
      if (this.#text[this.#at] !== letter) throw this.#wrong(`in literal ${word} (expecting '${word[index]}')`)
      this.#at++
    }
  }

  #number(): void {
    if (this.#text[this.#at] === '-') this.#at++
    if (this.#text[this.#at] === '0') this.#at++
    else this.#digits('in numeric literal')
    if (this.#text[this.#at] === '.') {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    if (!/^e$/i.test(this.#text[this.#at] ?? '')) return
    this.#at++
    if (/^[-+]$/.test(this.#text[this.#at] ?? '')) this.#at++
    this.#digits('in exponent of numeric literal')
  }

  #digits(where: string): void {
    const start = this.#at
    while (/^\d$/.test(this.#text[this.#at] ?? '')) this.#at++
    if (this.#at === start) throw this.#wrong(where)
  }

  #skipSpace(): string | undefined {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at]
  }

  #wrong(where: string): Problem {
    const next = this.#text[this.#at]
    if (next === undefined) return new Problem('unexpected end of JSON input')
    return new Problem(`invalid character ${quoted(next)} ${where}`)
  }
}

function quoted(character: string): string {
  if (character === "'") return `'\\''`
  if (character === '"') return `'"'`
  const text = JSON.stringify(character).slice(1, -1)
  return `'${text.replace(/[\u007f-\u00a0\u00ad]/, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)}'`
}

/** Bytes of a body that are shown. */
const SHOWN = 30

/** The beginning of a body for a message: as it is when it looks like JSON, otherwise its bytes. */
export function summaryOf(text: string): string {
  if (text === '') return '<empty>'
  const bytes = Buffer.from(text)
  const head = bytes.subarray(0, SHOWN).toString(text.startsWith('{') ? 'utf8' : 'hex')
  return bytes.length > SHOWN ? `${head} ...` : head
}

/** How Go names the type of a JSON value. */
export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`
  return typeof value
}
