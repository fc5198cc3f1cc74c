import { hasEntries, MEMBER } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, MapType } from './field-type.ts'

/**
 * Fits a stored set to a schema that changed since: where a container has become atomic, owning any of its contents
 * becomes owning the container. A container that was atomic is treated as if it had always merged piece by piece.
 * Returns the set itself when it fits.
 */
export function reconcileWithType(set: FieldSet, type: MapType): FieldSet {
  return reconcileMap(set, type)
}

function reconcileMap(set: FieldSet, type: MapType): FieldSet {
  // Types without any declared field cannot say which of their contents are atomic.
  if (type.fields.size === 0 && type.element === DEDUCED) return set
  let result: Record<string, FieldSet> | undefined
  for (const element in set) {
    const node = set[element]
    if (node === undefined || !element.startsWith('f:') || !hasEntries(node)) continue
    const below = type.fields.get(element.slice(2))?.type ?? type.element
    if (below === undefined) continue
    const fitting = reconcile(node, below)
    if (fitting !== node) (result ??= { ...set })[element] = fitting
  }
  return result ?? set
}

function reconcile(node: FieldSet, type: FieldType): FieldSet {
  if (type.map !== undefined) return type.map.atomic ? MEMBER : reconcileMap(node, type.map)
  if (type.list === undefined) return node
  if (type.list.atomic) return MEMBER
  let result: Record<string, FieldSet> | undefined
  for (const element in node) {
    const item = node[element]
    if (item === undefined || !hasEntries(item)) continue
    const fitting = reconcile(item, type.list.element)
    if (fitting !== item) (result ??= { ...node })[element] = fitting
  }
  return result ?? node
}
