import type { Json } from '../types.ts'
import type { FieldType, ListType, MapType, ScalarKind } from './field-type.ts'
import { goSyntax, goText, goType } from './go-values.ts'
import { kindOf } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { describeElement, ItemError, itemElement } from './path-element.ts'
import type { PathElement } from './path-element.ts'

/**
 * What keeps an object from being applied as `type`, each as `<path>: <why>`: fields the schema does not declare,
 * values of another kind, list items that are repeated or lack their keys. Null is a value of every type.
 */
export function applyProblems(object: JsonMap, type: MapType): string[] {
  const problems: string[] = []
  checkMap(object, type, '', problems)
  return problems
}

/** Whether a value has no such problems. */
export function fits(value: Json, type: FieldType): boolean {
  if (typeof value !== 'object') return type.scalar !== undefined && isScalar(value, type.scalar)
  if (value === null) return true
  const problems: string[] = []
  check(value, type, '', problems)
  return problems.length === 0
}

function check(value: Json, type: FieldType, path: string, problems: string[]): void {
  switch (kindOf(value)) {
    case 'map':
      if (type.map !== undefined) return checkMap(value as JsonMap, type.map, path, problems)
      break
    case 'list':
      if (type.list !== undefined) return checkList(value as JsonList, type.list, path, problems)
      break
    case 'scalar':
      if (type.scalar !== undefined && isScalar(value, type.scalar)) return
      break
    default:
      return
  }
  problems.push(`${path}: ${unexpected(value, type)}`)
}

function isScalar(value: Json, kind: ScalarKind): boolean {
  switch (kind) {
    case 'numeric':
      return typeof value === 'number'
    case 'untyped':
      return true
    default:
      return typeof value === kind
  }
}

/** Kubernetes shows the value in another way for each type. */
function unexpected(value: Json, type: FieldType): string {
  if (type.map !== undefined) return `expected map, got &{${goText(value)}}`
  if (type.list !== undefined) return `expected list, got &{${goText(value)}}`
  switch (type.scalar) {
    case 'numeric':
      return `expected numeric (int or float), got ${goType(value)}`
    case 'string':
      return `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`
    default:
      return `expected ${type.scalar === 'untyped' ? 'any scalar' : (type.scalar ?? 'nothing')}, got &{${goText(value)}}`
  }
}

function checkMap(map: JsonMap, type: MapType, path: string, problems: string[]): void {
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const fieldType = type.fields.get(key)?.type ?? type.element
    const fieldPath = `${path}.${key}`
    if (fieldType === undefined) problems.push(`${fieldPath}: field not declared in schema`)
    else check(value, fieldType, fieldPath, problems)
  }
}

function checkList(list: JsonList, type: ListType, path: string, problems: string[]): void {
  const seen = new Set<PathElement>()
  for (const [index, item] of list.entries()) {
    let element: PathElement = `i:${index}`
    if (!type.atomic) {
      try {
        element = itemElement(type, item)
      } catch (error) {
        if (!(error instanceof ItemError)) throw error
        problems.push(`${path}: element ${index}: ${error.message}`)
        return
      }
      if (seen.has(element)) problems.push(`${path}: duplicate entries for key ${describeElement(element)}`)
      seen.add(element)
    }
    check(item, type.element, path + describeElement(element), problems)
  }
}
