/**
 * The fields that occur more than once in an object of a JSON text, as `spec.list[0].name`, each once. The text must
 * be valid JSON: call this after parsing it.
 */
export function duplicateFields(text: string): string[] {
  const scanner = new Scanner(text)
  scanner.value('')
  return [...scanner.found]
}

class Scanner {
  readonly found = new Set<string>()
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(path: string): void {
    switch (this.#peek()) {
      case '{':
        this.#object(path)
        break
      case '[':
        this.#array(path)
        break
      case '"':
        this.#string()
        break
      default:
        this.#scalar()
    }
  }

  #object(path: string): void {
    const seen = new Set<string>()
    this.#at++
    while (this.#peek() !== '}') {
      const name = this.#string()
      const child = path === '' ? name : `${path}.${name}`
      if (seen.has(name)) this.found.add(child)
      seen.add(name)
      this.#peek()
      this.#at++ // the colon
      this.value(child)
      if (this.#peek() === ',') this.#at++
    }
    this.#at++
  }

  #array(path: string): void {
    this.#at++
    for (let index = 0; this.#peek() !== ']'; index++) {
      this.value(`${path}[${index}]`)
      if (this.#peek() === ',') this.#at++
    }
    this.#at++
  }

  #string(): string {
    const start = this.#at
    let end = start
    do end = this.#text.indexOf('"', end + 1)
    while (this.#isEscaped(end))
    this.#at = end + 1
    const raw = this.#text.slice(start + 1, end)
    return raw.includes('\\') ? (JSON.parse(this.#text.slice(start, end + 1)) as string) : raw
  }

  #isEscaped(quote: number): boolean {
    let slashes = 0
    while (this.#text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++
    return slashes % 2 === 1
  }

  #scalar(): void {
    while (this.#at < this.#text.length && !',]} \t\r\n'.includes(this.#text[this.#at]!)) this.#at++
  }

  /** Skips white space and looks at the next character. */
  #peek(): string | undefined {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++
    return this.#text[this.#at]
  }
}
