import { isIPv4, isIPv6 } from 'node:net'
import type { StructuralSchema } from '@locktender/kube'

type Format = (text: string) => boolean

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const uuid3 = /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const uuid4 = /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i
const uuid5 = /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i
const objectId = /^[0-9a-f]{24}$/i
const socialSecurity = /^\d{3}[- ]?\d{2}[- ]?\d{4}$/
const hexColor = /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i
const base64 = /^[A-Za-z0-9+/]*={0,2}$/
const mac =
  /^(?:[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){7}|(?:[0-9a-f]{4}\.){2,3}[0-9a-f]{4})$/i
const emailLocal = /^[^\s@"(),:;<>[\\\]]+$/
const shortName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const hostLabel = /^[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?$/i
const schemeUri = /^[a-z][a-z0-9+.-]*:[^\s]+$/i

/**
 * The formats that a Kubernetes API server enforces on strings; every other format is a remark. Named as compared:
 * in lower case, without dashes.
 */
const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['bsonobjectid', (text) => objectId.test(text)],
  ['uri', (text) => (text.startsWith('/') ? !/\s/.test(text) : schemeUri.test(text))],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', isLenientIPv4],
  ['ipv6', (text) => isIPv6(text) && !text.includes('%')],
  ['cidr', isCidr],
  ['mac', (text) => mac.test(text)],
  ['uuid', (text) => uuid.test(text)],
  ['uuid3', (text) => uuid3.test(text)],
  ['uuid4', (text) => uuid4.test(text)],
  ['uuid5', (text) => uuid5.test(text)],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', (text) => text.length === 11 && socialSecurity.test(text)],
  ['hexcolor', (text) => hexColor.test(text)],
  ['rgbcolor', isRgbColor],
  ['byte', (text) => text !== '' && text.length % 4 === 0 && base64.test(text)],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['k8sshortname', (text) => text.length <= 63 && shortName.test(text)],
  ['k8slongname', (text) => text.length <= 253 && text.split('.').every((label) => shortName.test(label))],
])

/** The check of a format; undefined when it is not enforced. */
export function formatCheck(name: string): Format | undefined {
  return formats.get(name.replaceAll('-', ''))
}

/** Formats of strings in a schema that are not enforced, each once. */
export function unenforcedFormats(schema: StructuralSchema): Set<string> {
  const found = new Set<string>()
  const look = ({ type, format, properties = {}, items, additionalProperties }: StructuralSchema): void => {
    if (type === 'string' && format !== undefined && format !== '' && formatCheck(format) === undefined) {
      found.add(format)
    }
    for (const property of Object.values(properties)) look(property)
    if (items !== undefined) look(items)
    if (typeof additionalProperties === 'object') look(additionalProperties)
  }
  look(schema)
  return found
}

function isHostLabel(label: string): boolean {
  return label.length <= 63 && hostLabel.test(label)
}

/** Either one label with at most one hyphen, or labels with a domain of letters at their end. */
const hostname =
  /^(?:[a-zA-Z0-9\p{S}\p{L}](?:-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|(?:[a-zA-Z0-9\p{S}\p{L}](?:[-a-zA-Z0-9\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?\.)+[a-zA-Z\p{L}]{2,63})$/u

function isHostname(text: string): boolean {
  if (!hostname.test(text) || Buffer.byteLength(text) > 255) return false
  return text.split('.').every((label) => Buffer.byteLength(label) <= 63)
}

/** Parts may begin with zeros, which mean nothing. */
function isLenientIPv4(text: string): boolean {
  return isIPv4(text.replaceAll(/(?<![\d])0+(?=\d)/g, ''))
}

/** Maybe with the name of a person before it. */
function isEmail(address: string): boolean {
  const text = /^[^<>@]*<([^<>]+)>$/.exec(address)?.[1] ?? address
  const at = text.lastIndexOf('@')
  return (
    at > 0 &&
    emailLocal.test(text.slice(0, at)) &&
    text
      .slice(at + 1)
      .split('.')
      .every(isHostLabel)
  )
}

function isCidr(text: string): boolean {
  const match = /^(.+)\/(\d{1,3})$/.exec(text)
  if (match === null) return false
  const length = Number(match[2])
  return (isLenientIPv4(match[1]!) && length <= 32) || (isIPv6(match[1]!) && length <= 128)
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return month >= 1 && month <= 12 && day >= 1 && day <= lastDay
}

function isDateTime(text: string): boolean {
  const at = text.toLowerCase().indexOf('t')
  if (at === -1 || !isDate(text.slice(0, at))) return false
  const match = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})$/i.exec(text.slice(at + 1))
  return match !== null && match[1]! <= '23' && match[2]! <= '59' && match[3]! <= '59'
}

const goDuration =
  /^[-+]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*)$/
const durationUnit = /^(?:ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*)$/i

/** What Go's time.ParseDuration reads (`1h30m`), or a text with a number and a unit in it (`3 days`, `P1D`). */
function isDuration(text: string): boolean {
  if (goDuration.test(text)) return true
  return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit]) => durationUnit.test(unit!))
}

function isRgbColor(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)
  return match !== null && match.slice(1).every((part) => Number(part) <= 255)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{9}[\dX]$/i.test(digits)) return false
  let sum = 0
  for (let index = 0; index < 10; index++) {
    const digit = digits[index]!
    sum += (10 - index) * (digit === 'X' || digit === 'x' ? 10 : Number(digit))
  }
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{13}$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < 13; index++) sum += Number(digits[index]) * (index % 2 === 0 ? 1 : 3)
  return sum % 10 === 0
}

/** The Luhn checksum over 13 to 19 digits. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = digit * 2
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
