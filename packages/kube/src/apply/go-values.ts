import type { Json } from '../types.ts'

// Messages of Kubernetes show values in the ways in which Go prints them.

/** The name of a value's type, as `%T`. */
export function goType(value: Json): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64'
    case 'string':
      return 'string'
    default:
      return 'map[string]interface {}'
  }
}

/** A value for people, as `%v`: `map[a:1 b:[x y]]`. */
export function goText(value: Json): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const pairs = entriesOf(value).map(([key, item]) => `${key}:${goText(item)}`)
  return `map[${pairs.join(' ')}]`
}

/** A value as it would be written in a program, as `%#v`: `map[string]interface {}{"a":1}`. */
export function goSyntax(value: Json): string {
  if (value === null) return 'interface {}(nil)'
  if (Array.isArray(value)) return `${goType(value)}{${value.map(goSyntax).join(', ')}}`
  if (typeof value !== 'object') return JSON.stringify(value)
  const pairs = entriesOf(value).map(([key, item]) => `${JSON.stringify(key)}:${goSyntax(item)}`)
  return `${goType(value)}{${pairs.join(', ')}}`
}

function entriesOf(map: Readonly<Record<string, Json | undefined>>): [string, Json][] {
  return Object.entries(map)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
}
