import { deepEqual, isObject, type Json, type JsonObject } from '@locktender/kube'

/** A place where two documents differ. An absent side has nothing there. */
export interface FieldDifference {
  /** `status.conditions[type=Available].status`. */
  readonly path: string
  readonly expected?: Json
  readonly actual?: Json
}

/** Fields that tell the items of a list apart, in the order in which they are tried. */
const ITEM_KEYS = ['type', 'name', 'key', 'uid', 'id', 'ip', 'host', 'containerPort', 'port', 'path'] as const

/** Where two documents differ, deepest places first named by the fields that people know items by. */
export function fieldDifferences(expected: Json | undefined, actual: Json | undefined, path = ''): FieldDifference[] {
  if (deepEqual(expected, actual)) return []
  if (isObject(expected) && isObject(actual)) return memberDifferences(expected, actual, path)
  if (Array.isArray(expected) && Array.isArray(actual)) return itemDifferences(expected, actual, path)
  const [left, right] = [embedded(expected), embedded(actual)]
  if (left !== undefined && right !== undefined) {
    const inside = fieldDifferences(left, right, `${path}{}`)
    if (inside.length > 0) return inside
  }
  return [
    {
      path: path === '' ? '.' : path,
      ...(expected !== undefined && { expected }),
      ...(actual !== undefined && { actual }),
    },
  ]
}

function memberDifferences(expected: JsonObject, actual: JsonObject, path: string): FieldDifference[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort()
  return names.flatMap((name) => {
    const member = /^[A-Za-z_][\w-]*$/.test(name) ? `${path === '' ? '' : `${path}.`}${name}` : `${path}["${name}"]`
    return fieldDifferences(own(expected, name), own(actual, name), member)
  })
}

function itemDifferences(expected: readonly Json[], actual: readonly Json[], path: string): FieldDifference[] {
  const key = ITEM_KEYS.find((candidate) => [expected, actual].every((list) => areToldApart(list, candidate)))
  if (key === undefined) {
    const length = Math.max(expected.length, actual.length)
    return Array.from({ length }, (_, index) =>
      fieldDifferences(expected[index], actual[index], `${path}[${index}]`),
    ).flat()
  }
  const [left, right] = [byKey(expected, key), byKey(actual, key)]
  const differences = [...new Set([...left.keys(), ...right.keys()])].flatMap((value) =>
    fieldDifferences(left.get(value), right.get(value), `${path}[${key}=${value}]`),
  )
  // The same items in another order.
  return differences.length > 0
    ? differences
    : [{ path: `${path}[].${key}`, expected: [...left.keys()], actual: [...right.keys()] }]
}

function areToldApart(list: readonly Json[], key: string): boolean {
  const values = list.map((item) => (isObject(item) ? item[key] : undefined))
  const isName = (value: Json | undefined) => typeof value === 'string' || typeof value === 'number'
  return values.every(isName) && new Set(values).size === values.length
}

function byKey(list: readonly Json[], key: string): Map<string, Json> {
  return new Map(list.map((item) => [String((item as JsonObject)[key] as string | number), item]))
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** A JSON document kept as text. */
function embedded(value: Json | undefined): Json | undefined {
  if (typeof value !== 'string' || !/^\s*[{[]/.test(value)) return undefined
  try {
    return JSON.parse(value) as Json
  } catch {
    return undefined
  }
}

/** One line for people: what was wanted at the place, and what is there. Long texts are shown from where they differ. */
export function describeDifference({ path, expected, actual }: FieldDifference): string {
  if (expected === undefined) return `${path}: unexpected ${shown(actual!)}`
  if (actual === undefined) return `${path}: missing ${shown(expected)}`
  if (typeof expected === 'string' && typeof actual === 'string') {
    const start = commonStart(expected, actual)
    if (start > 40) {
      const line = expected.slice(0, start).split('\n').length
      const place = expected.includes('\n') ? `${path}, line ${line}` : path
      const from = Math.max(start - 20, expected.lastIndexOf('\n', start - 1) + 1)
      const part = (text: string) => `${from > 0 ? '…' : ''}${text.slice(from).split('\n', 1)[0]}`
      return `${place}: expected ${shown(part(expected))}, got ${shown(part(actual))}`
    }
  }
  return `${path}: expected ${shown(expected)}, got ${shown(actual)}`
}

function commonStart(left: string, right: string): number {
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  return at
}

const LONGEST_SHOWN = 200

function shown(value: Json): string {
  const text = JSON.stringify(value)
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`
}
