import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { TableColumn } from '../served-resource.ts'
import { dateCell } from '../present/table-cells.ts'

/** A column of a built-in kind. */
export function column(name: string, cell: TableColumn['cell'], type = 'string', priority = 0): TableColumn {
  return { name, type, format: '', description: '', priority, cell }
}

/** A column that is shown in wide output only. */
export function wide(name: string, cell: TableColumn['cell'], type = 'string'): TableColumn {
  return column(name, cell, type, 1)
}

/** The value at a path of field names; undefined where the path ends early. */
export function at(object: unknown, ...path: readonly string[]): unknown {
  let value = object
  for (const name of path) value = isRecord(value) ? value[name] : undefined
  return value
}

/** The objects of a list at a path; none where there is no list. */
export function recordsAt(object: unknown, ...path: readonly string[]): Record<string, unknown>[] {
  const value = at(object, ...path)
  return Array.isArray(value) ? value.filter(isRecord) : []
}

export function text(...path: readonly string[]): (object: unknown) => string {
  return (object) => {
    const value = at(object, ...path)
    return typeof value === 'string' ? value : ''
  }
}

/** Text, or `<none>` where there is none. */
export function textOrNone(...path: readonly string[]): (object: AnyObject) => string {
  return (object) => text(...path)(object) || '<none>'
}

export function number(...path: readonly string[]): (object: unknown) => number {
  return numberOr(0, ...path)
}

export function numberOr(fallback: number, ...path: readonly string[]): (object: unknown) => number {
  return (object) => {
    const value = at(object, ...path)
    return typeof value === 'number' ? value : fallback
  }
}

/** Age of the time at a path. */
export function since(...path: readonly string[]): TableColumn['cell'] {
  return (object, nowMs) => {
    const value = at(object, ...path)
    return typeof value === 'string' ? dateCell(value, nowMs) : '<none>'
  }
}

/** How many members the maps or lists of these names have together. */
export function count(...fields: readonly string[]): (object: AnyObject) => number {
  return (object) => {
    let sum = 0
    for (const field of fields) {
      const value = object[field]
      if (Array.isArray(value)) sum += value.length
      else if (isRecord(value)) sum += Object.keys(value).length
    }
    return sum
  }
}

/** `a=1,b in (x,y)`, as kubectl shows what selects pods. */
export function selectorText(selector: unknown): string {
  if (!isRecord(selector)) return '<none>'
  const labels =
    isRecord(selector['matchLabels']) || 'matchExpressions' in selector ? selector['matchLabels'] : selector
  const parts = isRecord(labels) ? Object.keys(labels).map((key) => `${key}=${String(labels[key])}`) : []
  for (const expression of recordsAt(selector, 'matchExpressions')) {
    const key = String(expression['key'])
    const values = Array.isArray(expression['values']) ? `(${expression['values'].join(',')})` : ''
    const operators: Record<string, string> = {
      In: `${key} in ${values}`,
      NotIn: `${key} notin ${values}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    }
    parts.push(operators[String(expression['operator'])] ?? key)
  }
  return parts.toSorted().join(',') || '<none>'
}

/** Names and images of the containers of a pod template, and what selects its pods, in wide output. */
export function templateColumns(...path: readonly string[]): TableColumn[] {
  return [
    wide('Containers', (object) => names(object, path, 'name')),
    wide('Images', (object) => names(object, path, 'image')),
  ]
}

function names(object: AnyObject, path: readonly string[], field: string): string {
  return recordsAt(object, ...path, 'spec', 'containers')
    .map((container) => text(field)(container))
    .join(',')
}
