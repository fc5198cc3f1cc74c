/**
 * The source with the contents of comments, strings and regular expressions blanked out, so that what is left is
 * code at its old place. Code inside `${}` of templates stays.
 */
export function maskSource(source: string): string {
  return new Masker(source).run()
}

/** After these a slash begins a regular expression and is no division. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|of|in|await|yield|void|delete|throw))\s*$/

class Masker {
  readonly #source: string
  #out = ''
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  run(): string {
    this.#code(false)
    return this.#out
  }

  /** Copies code, up to the brace that closes `${` if inside a template. */
  #code(inTemplate: boolean): void {
    let depth = 0
    while (this.#at < this.#source.length) {
      const char = this.#source[this.#at]!
      const two = this.#source.slice(this.#at, this.#at + 2)
      if (two === '//') this.#blankTo(this.#find('\n'))
      else if (two === '/*') this.#blankTo(this.#find('*/', 2) + 2)
      else if (char === "'" || char === '"') this.#literal(char)
      else if (char === '`') this.#template()
      else if (char === '/' && BEFORE_REGEX.test(this.#out.slice(-40))) this.#regex()
      else if (inTemplate && char === '}' && depth === 0) return
      else {
        if (char === '{') depth++
        if (char === '}') depth--
        this.#copy(1)
      }
    }
  }

  #literal(quote: string): void {
    this.#copy(1)
    while (this.#at < this.#source.length && this.#source[this.#at] !== quote) {
      this.#blankTo(this.#at + (this.#source[this.#at] === '\\' ? 2 : 1))
    }
    this.#copy(1)
  }

  #regex(): void {
    let inClass = false
    this.#copy(1)
    for (; this.#at < this.#source.length;) {
      const char = this.#source[this.#at]
      if (char === '\n' || (char === '/' && !inClass)) break
      if (char === '[') inClass = true
      if (char === ']') inClass = false
      this.#blankTo(this.#at + (char === '\\' ? 2 : 1))
    }
    this.#copy(1)
  }

  #template(): void {
    this.#copy(1)
    while (this.#at < this.#source.length && this.#source[this.#at] !== '`') {
      if (this.#source.startsWith('${', this.#at)) {
        this.#copy(2)
        this.#code(true)
        this.#copy(1)
      } else this.#blankTo(this.#at + (this.#source[this.#at] === '\\' ? 2 : 1))
    }
    this.#copy(1)
  }

  #find(text: string, skip = 0): number {
    const found = this.#source.indexOf(text, this.#at + skip)
    return found < 0 ? this.#source.length : found
  }

  #copy(length: number): void {
    this.#out += this.#source.slice(this.#at, this.#at + length)
    this.#at += length
  }

  #blankTo(end: number): void {
    this.#out += this.#source.slice(this.#at, end).replaceAll(/[^\n]/g, ' ')
    this.#at = end
  }
}
