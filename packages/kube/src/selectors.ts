import { badRequest } from './errors.ts'

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
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Whether `key` may be the key of a label: an optional DNS prefix and a name of at most 63 characters. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  if (slash === -1) return NAME.test(key)
  const prefix = key.slice(0, slash)
  return prefix.length <= 253 && PREFIX.test(prefix) && NAME.test(key.slice(slash + 1))
}

/** Whether `value` may be the value of a label: empty or at most 63 characters of a small alphabet. */
export function isLabelValue(value: string): boolean {
  return VALUE.test(value)
}

function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  if (!isLabelKey(key)) throw unparsable(`${JSON.stringify(key)} is not a valid label key`)
  for (const value of values) {
    if (!isLabelValue(value))
      throw unparsable(`${JSON.stringify(value)} is not a valid label value for key ${JSON.stringify(key)}`)
  }
  if ((operator === '>' || operator === '<') && !INTEGER.test(values[0] ?? '')) {
    throw unparsable(`for "${operator}" the value of key ${JSON.stringify(key)} must be an integer`)
  }
  return { key, operator, values }
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
    if (separator !== ',') throw unparsable(`found '${separator}', expected: ',' or 'end of string'`)
    if (reader.peek() === '') throw unparsable(`found '', expected: identifier after ','`)
  }
}

function parseRequirement(reader: TokenReader): LabelRequirement {
  const negated = reader.peek() === '!'
  if (negated) reader.next()
  const key = reader.next()
  if (key === '' || SYMBOLS.test(key)) throw unparsable(`found '${key}', expected: !, identifier, or 'end of string'`)
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
      throw unparsable(`found '${reader.peek()}', expected: in, notin, =, ==, !=, >, <`)
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
  if (opening !== '(') throw unparsable(`found '${opening}', expected: '('`)
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
    if (token === '' || SYMBOLS.test(token)) throw unparsable(`found '${token}', expected: ',', ')' or identifier`)
    values.add(token)
    const separator = reader.next()
    if (separator === ')') return [...values]
    if (separator !== ',') throw unparsable(`found '${separator}', expected: ',' or ')'`)
  }
}

const SYMBOLS = /^[=!(),><]/
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
    requirements.push({ field: field!, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value!, text) })
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

function unescapeValue(value: string, selector: string): string {
  if (/^(?:[^\\,=]|\\[\\,=])*$/.test(value)) return value.replaceAll(/\\(.)/g, '$1')
  throw badRequest(`invalid selector: '${selector}'; '${value}' holds an unescaped '=', ',' or a wrong escape`)
}
