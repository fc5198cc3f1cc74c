/** Characters of a value that are enough to recognize it. */
const SHOWN = 300

/** Accepts some values; `text` says which, after "must be". */
export class Matcher {
  readonly text: string
  readonly accepts: (value: unknown) => boolean
  /** What is wrong with a value at `path`, where the text alone would not help to find it. */
  readonly explain: ((value: unknown, path: string) => string) | undefined

  constructor(text: string, accepts: (value: unknown) => boolean, explain?: Matcher['explain']) {
    this.text = text
    this.accepts = accepts
    this.explain = explain
  }
}

export const absent = new Matcher('absent', (value) => value === undefined)
export const present = new Matcher('present', (value) => value !== undefined)
export const uuid = textLike('a UUID', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
export const version = textLike('a resource version', /^[1-9]\d*$/)
export const timestamp = textLike('a time in seconds, UTC', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
export const text = textLike('a text', /[^]/)

/** The whole value, not only a part of it. */
export function exactly(expected: unknown): Matcher {
  return new Matcher(
    `exactly ${shown(expected)}`,
    (value) => sameJson(value, expected),
    (value, path) => difference(value, expected, path),
  )
}

/** Where two JSON values first differ. */
function difference(actual: unknown, expected: unknown, path: string): string {
  const deeper = (key: string, name: string, left: unknown, right: unknown): string | undefined =>
    sameJson(left, right)
      ? undefined
      : difference(left, right, `${path}${/^[\w-]+$/.test(key) ? name : `[${shown(key)}]`}`)
  if (isRecord(actual) && isRecord(expected)) {
    const keys = new Set([...Object.keys(actual), ...Object.keys(expected)])
    const found = first(keys, (key) => deeper(key, `.${key}`, actual[key], expected[key]))
    if (found !== undefined) return found
  }
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length === expected.length) {
    const found = first(expected.entries(), ([index, item]) => deeper(`${index}`, `[${index}]`, actual[index], item))
    if (found !== undefined) return found
  }
  return `${path} must be exactly ${shown(expected)}, but is ${shown(actual)}`
}

/** A list with an item for each of these, in any place. */
export function including(...items: readonly unknown[]): Matcher {
  const missing = (list: readonly unknown[]): unknown =>
    items.find((item) => list.every((other) => mismatch(other, item, '') !== undefined))
  return new Matcher(
    `a list including ${items.map(shown).join(', ')}`,
    (value) => Array.isArray(value) && missing(value) === undefined,
    (value, path) => {
      if (!Array.isArray(value)) return `${path} must be a list, but is ${shown(value)}`
      const item = missing(value)
      return `${path} must include ${shown(item)}${closest(value, item, path)}`
    },
  )
}

/** Names the item that was probably meant, by its first field, and what is wrong with it. */
function closest(list: readonly unknown[], item: unknown, path: string): string {
  if (!isRecord(item)) return `, but is ${shown(list)}`
  const [key = '', value] = Object.entries(item)[0] ?? []
  const index = list.findIndex((other) => isRecord(other) && mismatch(other[key], value, '') === undefined)
  if (index === -1) return `, but none of its ${list.length} items has this ${key}`
  return `, but ${mismatch(list[index], item, `${path}[${index}]`)!}`
}

export function not(expected: unknown): Matcher {
  return new Matcher(
    `anything but ${shown(expected)}`,
    (value) => value !== undefined && mismatch(value, expected, '') !== undefined,
  )
}

function textLike(name: string, pattern: RegExp): Matcher {
  return new Matcher(name, (value) => typeof value === 'string' && pattern.test(value))
}

/**
 * What is wrong with `actual`, or undefined. Objects may have more fields than expected, lists must have the same
 * length, texts may be described by a regular expression, anything by a Matcher.
 */
export function mismatch(actual: unknown, expected: unknown, path: string): string | undefined {
  const wrong = (want: string): string => `${path === '' ? 'it' : path} must be ${want}, but is ${shown(actual)}`
  if (expected instanceof Matcher) {
    if (expected.accepts(actual)) return undefined
    return expected.explain?.(actual, path === '' ? 'it' : path) ?? wrong(expected.text)
  }
  if (expected instanceof RegExp) {
    return typeof actual === 'string' && expected.test(actual) ? undefined : wrong(`like ${String(expected)}`)
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return wrong(shown(expected))
    return first(expected.entries(), ([index, item]) => mismatch(actual[index], item, `${path}[${index}]`))
  }
  if (isRecord(expected)) {
    if (!isRecord(actual)) return wrong(shown(expected))
    return first(Object.entries(expected), ([key, item]) =>
      mismatch(actual[key], item, path === '' ? key : `${path}.${key}`),
    )
  }
  return Object.is(actual, expected) ? undefined : wrong(shown(expected))
}

/** Equality of JSON values: the order of fields does not count. */
function sameJson(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameJson(item, right[index]))
  }
  if (isRecord(left) && isRecord(right)) {
    const keys = Object.keys(left)
    return keys.length === Object.keys(right).length && keys.every((key) => sameJson(left[key], right[key]))
  }
  return Object.is(left, right)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function first<T>(items: Iterable<T>, check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = check(item)
    if (found !== undefined) return found
  }
  return undefined
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  const json = JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof RegExp) return String(part)
    return part instanceof Matcher ? `<${part.text}>` : part
  })
  return json.length > SHOWN ? `${json.slice(0, SHOWN)}…` : json
}
