/** Columns after which a long line of text goes on in the next one, where a single space allows it. */
const WIDTH = 80
/** The longest key that is written in front of its value; longer ones stand alone behind a question mark. */
const LONGEST_KEY = 128

/**
 * A JSON value as the block YAML that Go's Kubernetes tools write, byte for byte: sorted keys, lists no deeper than
 * their key, long texts folded. File names of recorded requests are made of these bytes. Undefined members are left out.
 */
export function writeYaml(value: unknown): string {
  const writer = new YamlWriter()
  writer.node(value, -1, 'root')
  return writer.finish()
}

type Place = 'root' | 'item' | 'value'

class YamlWriter {
  #text = ''
  #column = 0

  finish(): string {
    return `${this.#text}\n`
  }

  /** `indent` is that of the collection around the value; the cursor is behind its `-` or `:`. */
  node(value: unknown, indent: number, place: Place): void {
    if (Array.isArray(value) && value.length > 0) this.#list(value, indent, place)
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const members = Object.entries(value).filter(([, member]) => member !== undefined)
      if (members.length > 0) this.#map(members, indent, place)
      else this.#scalar('{}')
    } else if (typeof value === 'string') this.#string(value, indent)
    else this.#scalar(Array.isArray(value) ? '[]' : typeof value === 'number' ? numberText(value) : String(value))
  }

  #list(items: readonly unknown[], around: number, place: Place): void {
    const indent = place === 'value' ? around : around < 0 ? 0 : around + 2
    for (const [index, item] of items.entries()) {
      // A list in a list begins behind the dash of the outer one.
      if (place === 'value' || index > 0) this.#line(indent)
      else this.#gap(place)
      this.#put('-')
      this.node(item, indent, 'item')
    }
  }

  #map(members: readonly (readonly [string, unknown])[], around: number, place: Place): void {
    const indent = around < 0 ? 0 : around + 2
    for (const [index, [key, value]] of members.toSorted(([left], [right]) => compareKeys(left, right)).entries()) {
      if (place === 'value' || index > 0) this.#line(indent)
      else this.#gap(place)
      if (Buffer.byteLength(key) > LONGEST_KEY || key.includes('\n')) {
        this.#put('?')
        this.#string(key, indent)
        this.#line(indent)
      } else {
        this.#key(key)
      }
      this.#put(':')
      this.node(value, indent, 'value')
    }
  }

  /** Between an outer dash and what begins behind it. */
  #gap(place: Place): void {
    if (place === 'item') this.#put(' ')
  }

  #scalar(text: string): void {
    this.#put(this.#column === 0 ? text : ` ${text}`)
  }

  #key(key: string): void {
    const { plain, single } = analysed(key)
    if (plain && !resolves(key)) this.#put(key)
    else if (!resolves(key) && single) this.#put(`'${key.replaceAll("'", "''")}'`)
    else this.#put(`"${Array.from(key).map(escaped).join('')}"`)
  }

  #string(text: string, around: number): void {
    const indent = around < 0 ? 2 : around + 2
    const { plain, single, block } = analysed(text)
    if (this.#column > 0) this.#put(' ')
    if (text.includes('\n') && block) this.#literal(text, indent)
    else if (text.includes('\n') || resolves(text)) this.#double(text, indent)
    else if (plain) this.#folded(text, indent, false)
    else if (single) {
      this.#put("'")
      this.#folded(text.replaceAll("'", "''"), indent, true)
      this.#put("'")
    } else this.#double(text, indent)
  }

  #literal(text: string, indent: number): void {
    const hint = /^[ \n]/.test(text) ? '2' : ''
    const breaks = /[\n]*$/.exec(text)![0].length
    this.#put(`|${hint}${breaks === 0 ? '-' : breaks > 1 || text.length === 1 ? '+' : ''}`)
    const lines = text.split('\n')
    if (breaks > 0) lines.pop()
    for (const line of lines) {
      this.#text += '\n'
      if (line !== '') this.#text += ' '.repeat(indent) + line
    }
    this.#column = indent
  }

  /** Text whose single spaces may become line breaks. */
  #folded(text: string, indent: number, quoted: boolean): void {
    const characters = Array.from(text)
    let spaces = false
    for (const [index, character] of characters.entries()) {
      if (character !== ' ') {
        this.#put(character)
        spaces = false
        continue
      }
      const inside = !quoted || (index > 0 && index < characters.length - 1)
      if (inside && !spaces && this.#column > WIDTH && characters[index + 1] !== ' ') this.#line(indent)
      else this.#put(character)
      spaces = true
    }
  }

  #double(text: string, indent: number): void {
    this.#put('"')
    const characters = Array.from(text)
    let spaces = false
    for (const [index, character] of characters.entries()) {
      if (character !== ' ') {
        this.#put(escaped(character))
        spaces = false
        continue
      }
      if (!spaces && this.#column > WIDTH && index > 0 && index < characters.length - 1) {
        this.#line(indent)
        if (characters[index + 1] === ' ') this.#put('\\')
      } else {
        this.#put(character)
      }
      spaces = true
    }
    this.#put('"')
  }

  #put(text: string): void {
    this.#text += text
    // Columns are counted in characters, and most texts have no others than those of one unit.
    this.#column += /[\ud800-\udbff]/.test(text) ? Array.from(text).length : text.length
  }

  #line(indent: number): void {
    this.#text += `\n${' '.repeat(indent)}`
    this.#column = indent
  }
}

/** How a text may be written inside block collections. */
function analysed(text: string): { readonly plain: boolean; readonly single: boolean; readonly block: boolean } {
  const unprintable = UNPRINTABLE.test(text)
  const spaceBreak = / [\n]/.test(text)
  const breakSpace = /[\n] /.test(text)
  const special = unprintable || spaceBreak
  const indicator =
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:-](?:[ \t\n]|$)/.test(text) ||
    /:(?:[ \t\n]|$)/.test(text) ||
    /[ \t\n]#/.test(text)
  const edges = /^[ \n]|[ \n]$/.test(text)
  const breaks = /[\n]/.test(text)
  return {
    plain: !special && !indicator && !edges && !breaks,
    single: !special && !breakSpace,
    block: !special && !text.endsWith(' ') && text !== '',
  }
}

/**
 * What is not written as it is: control characters, to which tabs count here, and the line breaks of Unicode, which YAML
 * 1.1 and 1.2 read differently.
 */
const UNPRINTABLE = /[^\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\u001b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function escaped(character: string): string {
  if (!'"\\\n'.includes(character) && !UNPRINTABLE.test(character)) return character
  const known = ESCAPES[character]
  if (known !== undefined) return known
  const code = character.codePointAt(0)!
  const hex = (digits: number) => code.toString(16).toUpperCase().padStart(digits, '0')
  return code <= 0xff ? `\\x${hex(2)}` : code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`
}

/** Texts that unquoted would be read as something else, by the rules of YAML 1.1 and some of before. */
function resolves(text: string): boolean {
  if (text === '') return true
  if (WORDS.has(text)) return true
  const first = text.charCodeAt(0)
  const numeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46
  if (!numeric) return false
  if (DATE.test(text) || SEXAGESIMAL.test(text)) return true
  const plain = text.replaceAll('_', '')
  return INTEGER.test(plain) || FLOAT.test(plain)
}

const WORDS: ReadonlySet<string> = new Set(
  ['y', 'yes', 'true', 'on', 'n', 'no', 'false', 'off', 'null', '.inf', '-.inf', '+.inf']
    .flatMap((word) => [word, word.toUpperCase(), word.replace(/[a-z]/, (letter) => letter.toUpperCase())])
    .concat('~', '<<', '.nan', '.NaN', '.NAN'),
)
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const SEXAGESIMAL = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const DATE =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2}))|(?: [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?))?$/

/** The shortest text that is read as the same number, with an exponent as Go writes it. */
function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  const exponent = Math.floor(Math.log10(Math.abs(value)))
  if (exponent >= -4 && exponent < 21) return String(value)
  const [digits, power] = value.toExponential().split('e')
  return `${digits}e${power!.slice(0, 1)}${power!.slice(1).padStart(2, '0')}`
}

/** Signs before digits before letters, and numbers in names by their value: `a2` before `a10`. */
export function compareKeys(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)]
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x, y] = [a[at]!, b[at]!]
    if (x === y) continue
    const [letterX, letterY] = [isLetter(x), isLetter(y)]
    if (letterX !== letterY) return letterX ? 1 : -1
    if (letterX) return compareCharacters(x, y)
    return compareNumbers(a, b, at) || compareCharacters(x, y)
  }
  return a.length - b.length
}

/** Compares the numbers that begin at `at`; zeros within a number count as its digits. */
function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  let lead = 0n
  if (a[at] === '0' || b[at] === '0') {
    for (let before = at - 1; before >= 0 && isDigit(a[before]!); before--) {
      if (a[before] !== '0') {
        lead = 1n
        break
      }
    }
  }
  const numberAt = (characters: readonly string[]) => {
    let [value, end] = [lead, at]
    for (; end < characters.length && isDigit(characters[end]!); end++) value = value * 10n + BigInt(characters[end]!)
    return { value, end }
  }
  const [x, y] = [numberAt(a), numberAt(b)]
  return x.value === y.value ? x.end - y.end : x.value < y.value ? -1 : 1
}

function compareCharacters(left: string, right: string): number {
  return left.codePointAt(0)! - right.codePointAt(0)!
}

function isLetter(character: string): boolean {
  return /\p{L}/u.test(character)
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}
