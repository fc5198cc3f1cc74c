import { badRequest } from './errors.ts'
import { labelKeyProblems, labelValueProblems } from './label-rules.ts'

export type LabelOperator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  /** One for `=`, `!=`, `>` and `<`; at least one for `in` and `notin`; none otherwise. */
  readonly values: readonly string[]
}

/** metav1.LabelSelector. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** Requirements that must all hold. Without any, everything matches. */
export class LabelSelector {
  readonly requirements: readonly LabelRequirement[]

  constructor(requirements: readonly LabelRequirement[]) {
    this.requirements = requirements.toSorted((left, right) =>
      left.key < right.key ? -1 : left.key > right.key ? 1 : 0,
    )
  }

  get empty(): boolean {
    return this.requirements.length === 0
  }

  matches(labels: Readonly<Record<string, string>> | undefined): boolean {
    for (const requirement of this.requirements) {
      if (
        !holds(
          requirement,
          labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined,
        )
      ) {
        return false
      }
    }
    return true
  }

  /** The selector in the grammar of {@link parseLabelSelector}, sorted by key. */
  toString(): string {
    return this.requirements.map(written).join(',')
  }
}

function holds({ operator, values }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case '=':
    case 'in':
      return value !== undefined && values.includes(value)
    // Objects without the key match, as in Kubernetes.
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case '>':
      return value !== undefined && INTEGER.test(value) && BigInt(value) > BigInt(values[0]!)
    default:
      return value !== undefined && INTEGER.test(value) && BigInt(value) < BigInt(values[0]!)
  }
}

function written({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.toSorted().join(',')})`
    default:
      return `${key}${operator}${values[0]}`
  }
}

const INTEGER = /^-?[0-9]+$/

/** The operators a key may be followed by, as Kubernetes lists them to those who wrote another. */
const EXPECTED_OPERATORS = 'in, notin, =, ==, !=, gt, lt'

/** @throws ApiError BadRequest */
function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: string[] = []
  const refuse = (path: string, value: string, problems: readonly string[]): void => {
    if (problems.length > 0) errors.push(`${path}: Invalid value: ${JSON.stringify(value)}: ${problems.join('; ')}`)
  }
  refuse('<nil>', key, labelKeyProblems(key))
  const compares = operator === '>' || operator === '<'
  for (const [index, value] of values.toSorted().entries()) {
    if (compares && !isInt64(value)) {
      refuse(`values[${index}]`, value, ["for 'Gt', 'Lt' operators, the value must be an integer"])
    }
    refuse(`values[${index}][${key}]`, value, labelValueProblems(value))
  }
  if (errors.length > 0) throw unparsable(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`)
  return { key, operator, values }
}

function isInt64(text: string): boolean {
  return INTEGER.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`)
}

/**
 * Reads `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`, `k>1`, `k<1`, joined by commas.
 * @throws ApiError BadRequest
 */
export function parseLabelSelector(text: string): LabelSelector {
  const reader = new TokenReader(text)
  const requirements: LabelRequirement[] = []
  if (reader.peek() === '') return new LabelSelector(requirements)
  for (;;) {
    requirements.push(parseRequirement(reader))
    const separator = reader.next()
    if (separator === '') return new LabelSelector(requirements)
    if (separator !== ',') throw badRequest(`found '${separator}', expected: ',' or 'end of string'`)
    const next = reader.peek()
    if (next !== '!' && !isWord(next)) throw badRequest(`found '${next}', expected: identifier after ','`)
  }
}

function parseRequirement(reader: TokenReader): LabelRequirement {
  const negated = reader.peek() === '!'
  if (negated) reader.next()
  const key = reader.next()
  if (!isWord(key)) {
    throw negated
      ? unparsable(`found '${key}', expected: identifier`)
      : badRequest(`found '${key}', expected: !, identifier, or 'end of string'`)
  }
  if (negated) return requirement(key, '!', [])
  switch (reader.peek()) {
    case '':
    case ',':
      return requirement(key, 'exists', [])
    case 'in':
    case 'notin':
      return requirement(key, reader.next() as LabelOperator, parseValues(reader))
    case '=':
    case '==':
      reader.next()
      return requirement(key, '=', [parseValue(reader)])
    case '!=':
    case '>':
    case '<':
      return requirement(key, reader.next() as LabelOperator, [parseValue(reader)])
    default:
      throw unparsable(`found '${reader.peek()}', expected: ${EXPECTED_OPERATORS}`)
  }
}

/** `k=` asks for the empty value. */
function parseValue(reader: TokenReader): string {
  const token = reader.peek()
  if (token === '' || token === ',') return ''
  if (SYMBOLS.test(token)) throw unparsable(`found '${token}', expected: identifier`)
  return reader.next()
}

function parseValues(reader: TokenReader): string[] {
  const opening = reader.next()
  if (opening !== '(') throw unparsable(`found '${opening}' expected: '('`)
  const values = new Set<string>()
  for (;;) {
    const token = reader.next()
    if (token === ')') {
      values.add('')
      return [...values]
    }
    if (token === ',') {
      values.add('')
      continue
    }
    if (!isWord(token)) {
      throw unparsable(`found '${token}', expected: ',', ${values.size === 0 ? "')' or" : 'or'} identifier`)
    }
    values.add(token)
    const separator = reader.next()
    if (separator === ')') return [...values]
    if (separator !== ',') throw unparsable(`found '${separator}', expected: ',' or ')'`)
  }
}

const SYMBOLS = /^[=!(),><]/

function isWord(token: string): boolean {
  return token !== '' && !SYMBOLS.test(token)
}

const TOKEN = /[ \t\r\n]*(==|!=|[=!(),><]|[^=!(),>< \t\r\n]+)?/y

/** Splits into operators, parentheses, commas and words; the empty token is the end. */
class TokenReader {
  readonly #text: string
  #position = 0
  #ahead: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  peek(): string {
    this.#ahead ??= this.#read()
    return this.#ahead
  }

  next(): string {
    const token = this.peek()
    this.#ahead = undefined
    return token
  }

  #read(): string {
    TOKEN.lastIndex = this.#position
    const token = TOKEN.exec(this.#text)?.[1] ?? ''
    this.#position = TOKEN.lastIndex
    return token
  }
}

const EXPRESSION_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
}

/**
 * The selector of a metav1.LabelSelector. An empty one matches everything.
 * @throws ApiError BadRequest
 */
export function labelSelectorFrom(selector: LabelSelectorObject): LabelSelector {
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => requirement(key, '=', [value]))
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(EXPRESSION_OPERATORS, operator) ? EXPRESSION_OPERATORS[operator] : undefined
    if (known === undefined) throw unparsable(`${JSON.stringify(operator)} is not a valid label selector operator`)
    const needsValues = known === 'in' || known === 'notin'
    if (needsValues !== values.length > 0) {
      throw unparsable(
        `for ${operator} the values of key ${JSON.stringify(key)} must ${needsValues ? 'not ' : ''}be empty`,
      )
    }
    requirements.push(requirement(key, known, values))
  }
  return new LabelSelector(requirements)
}

export interface FieldRequirement {
  /** Path of the field: `metadata.name`. */
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/**
 * Reads `a.b=c`, `a.b==c`, `a.b!=c`, joined by commas; `\\`, `\,` and `\=` escape in values.
 * Which fields a resource supports is for the server to say.
 * @throws ApiError BadRequest
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const requirements: FieldRequirement[] = []
  for (const term of splitTerms(text)) {
    if (term === '') continue
    const match = /^((?:\\.|[^\\=!]|!(?!=))*)(!=|==|=)([^]*)$/.exec(term)
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
    const [, field, operator, value] = match
    const unescaped = unescapeValue(value!)
    // Of nothing it is nothing to ask.
    if (field === '' && unescaped === '') continue
    requirements.push({ field: field!, operator: operator === '!=' ? '!=' : '=', value: unescaped })
  }
  return requirements
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let term = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    if (character === ',') {
      terms.push(term)
      term = ''
    } else {
      term += character
      if (character === '\\' && index + 1 < text.length) term += text[++index]!
    }
  }
  terms.push(term)
  return terms
}

function unescapeValue(value: string): string {
  for (const [part] of value.matchAll(/\\[^]?|[,=]/g)) {
    if (part.length === 1 && part !== '\\') {
      throw badRequest(`invalid field selector: unescaped character in value: ${part.codePointAt(0)}`)
    }
    if (!/^\\[\\,=]$/.test(part)) throw badRequest(`invalid field selector: invalid escape sequence: ${part}`)
  }
  return value.replaceAll(/\\(.)/g, '$1')
}
