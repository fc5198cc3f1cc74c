import { ArrayList } from '../collections.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { sizeOf } from '../prices.ts'
import { perCharacter, perPatternCharacter, scale, scaled } from '../ranges.ts'
import { celString, listOf, opaqueType, optionalOf } from '../types.ts'
import { CelOpaque, CelOptional } from '../values.ts'
import type { CelValue } from '../values.ts'
import { parseTimestamp } from '../time.ts'
import { CelEvaluationError } from '../errors.ts'
import { parseUrl } from './url-syntax.ts'

const formatType = opaqueType('kubernetes.NamedFormat')

/** Estimates take every format's regular expression for this long. */
const maxPatternSize = 128

/** A named format of strings. */
class NamedFormat extends CelOpaque {
  readonly type = formatType
  readonly name: string
  /** How long the regular expression is that Kubernetes would match, in characters. */
  readonly patternSize: number
  /** What is wrong with a string. */
  readonly validate: (text: string) => string[]

  constructor(name: string, patternSize: number, validate: (text: string) => string[]) {
    super()
    this.name = name
    this.patternSize = patternSize
    this.validate = validate
  }

  equals(other: CelOpaque): boolean {
    return other instanceof NamedFormat && other.name === this.name
  }
}

function patternError(message: string, pattern: string, examples: readonly string[]): string {
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

const labelPattern = new RegExp(`^${LABEL}$`)
const subdomainPattern = new RegExp(`^${SUBDOMAIN}$`)
const label1035Pattern = new RegExp(`^${LABEL_1035}$`)
const keyPattern = new RegExp(`^${KEY}$`)
const valuePattern = new RegExp(`^(${KEY})?$`)

function tooLong(text: string, limit: number): string[] {
  return text.length > limit ? [`must be no more than ${limit} characters`] : []
}

function dnsLabel(text: string): string[] {
  const errors = tooLong(text, 63)
  if (labelPattern.test(text)) return errors
  if (subdomainPattern.test(text)) return [...errors, 'must not contain dots']
  const message =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
    'with an alphanumeric character'
  return [...errors, patternError(message, LABEL, ['my-name', '123-abc'])]
}

function dnsSubdomain(text: string): string[] {
  const errors = tooLong(text, 253)
  if (subdomainPattern.test(text)) return errors
  const message =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " +
    'and end with an alphanumeric character'
  return [...errors, patternError(message, SUBDOMAIN, ['example.com'])]
}

function dns1035Label(text: string): string[] {
  const errors = tooLong(text, 63)
  if (label1035Pattern.test(text)) return errors
  const message =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
    'and end with an alphanumeric character'
  return [...errors, patternError(message, LABEL_1035, ['my-name', 'abc-123'])]
}

function keyError(): string {
  const message =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  return patternError(message, KEY, ['MyName', 'my.name', '123-abc'])
}

function qualifiedName(text: string): string[] {
  const parts = text.split('/')
  if (parts.length > 2) {
    return [`a valid label key ${keyError()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const name = parts.at(-1)!
  const errors: string[] = []
  if (parts.length === 2) {
    const problems = parts[0] === '' ? ['must be non-empty'] : dnsSubdomain(parts[0]!)
    errors.push(...problems.map((problem) => `prefix part ${problem}`))
  }
  if (name === '') errors.push('name part must be non-empty')
  errors.push(...tooLong(name, 63).map((problem) => `name part ${problem}`))
  if (!keyPattern.test(name)) errors.push(`name part ${keyError()}`)
  return errors
}

function labelValue(text: string): string[] {
  const errors = tooLong(text, 63)
  if (valuePattern.test(text)) return errors
  const message =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
    'and end with an alphanumeric character'
  return [...errors, patternError(message, `(${KEY})?`, ['MyValue', 'my_value', '12345'])]
}

/** A prefix may end in a dash, because something follows it. */
function asPrefix(validate: (text: string) => string[]): (text: string) => string[] {
  return (text) => validate(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)
}

function uri(text: string): string[] {
  const result = parseUrl(text, false)
  return result.ok ? [] : [result.reason]
}

function uuid(text: string): string[] {
  const valid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)
  return valid ? [] : ['does not match the UUID format']
}

function base64(text: string): string[] {
  const valid = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) && text !== ''
  return valid ? [] : ['invalid base64']
}

function isTimestamp(text: string): boolean {
  try {
    parseTimestamp(text)
    return true
  } catch (error) {
    if (error instanceof CelEvaluationError) return false
    throw error
  }
}

function date(text: string): string[] {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && isTimestamp(`${text}T00:00:00Z`) ? [] : ['invalid date']
}

function dateTime(text: string): string[] {
  return isTimestamp(text.toUpperCase()) ? [] : ['invalid datetime']
}

const FORMATS: ReadonlyMap<string, NamedFormat> = new Map(
  (
    [
      ['dns1123Label', 'DNS1123Label', 30, dnsLabel],
      ['dns1123Subdomain', 'DNS1123Subdomain', 60, dnsSubdomain],
      ['dns1035Label', 'DNS1035Label', 30, dns1035Label],
      ['qualifiedName', 'QualifiedName', 60, qualifiedName],
      ['dns1123LabelPrefix', 'DNS1123LabelPrefix', 30, asPrefix(dnsLabel)],
      ['dns1123SubdomainPrefix', 'DNS1123SubdomainPrefix', 60, asPrefix(dnsSubdomain)],
      ['dns1035LabelPrefix', 'DNS1035LabelPrefix', 30, asPrefix(dns1035Label)],
      ['labelValue', 'LabelValue', 40, labelValue],
      ['uri', 'URI', 1103, uri],
      ['uuid', 'uuid', 79, uuid],
      ['byte', 'byte', 84, base64],
      ['date', 'date', 71, date],
      ['datetime', 'datetime', 71, dateTime],
    ] as const
  ).map(([key, name, patternSize, validate]) => [key, new NamedFormat(name, patternSize, validate)]),
)

const validation: Price = {
  actual: ([format, text]) =>
    scaled(1 + sizeOf(text!), perCharacter) * scaled((format as NamedFormat).patternSize, perPatternCharacter),
  estimate: ([, text]) => ({ cost: scale(scale(text!.size, perCharacter), maxPatternSize * perPatternCharacter) }),
}

function validate(format: NamedFormat, text: string): CelOptional {
  const errors = format.validate(text)
  return errors.length === 0 ? CelOptional.none : new CelOptional(new ArrayList(errors))
}

function named(name: string): CelOptional {
  const format: CelValue | undefined = FORMATS.get(name)
  return format === undefined ? CelOptional.none : new CelOptional(format)
}

export const formatFunctions: readonly FunctionDeclaration[] = [
  define('format.named', overload('format-named', [celString], optionalOf(formatType), named)),
  define(
    'validate',
    member('format-validate', [formatType, celString], optionalOf(listOf(celString)), validate, validation),
  ),
  ...[...FORMATS].map(([name, format]) =>
    define(
      `format.${name}`,
      overload(`format.${name}`, [], formatType, () => format),
    ),
  ),
]
