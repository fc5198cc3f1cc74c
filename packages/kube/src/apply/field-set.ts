import type { Json } from '../types.ts'
import { canonicalElement, compareElements, describeElement } from './path-element.ts'
import type { PathElement } from './path-element.ts'

/**
 * A set of paths, kept in the very form in which managed fields are stored (FieldsV1), so that no conversion is needed
 * on the way in and out. A node without entries is a member of the set and nothing more; a node with entries is a
 * member too when one of them is `.`. The empty set is `undefined`. Nodes are shared and never changed.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet
}

type Building = { [element: PathElement]: FieldSet }

/** A member without anything below it. */
export const MEMBER: FieldSet = Object.freeze({})

/** Marks a node with entries as a member. */
const SELF = '.'

export function isMember(node: FieldSet): boolean {
  return SELF in node || !hasEntries(node)
}

/** Whether anything but the node itself is in the set. */
export function hasEntries(node: FieldSet): boolean {
  for (const element in node) {
    if (element !== SELF) return true
  }
  return false
}

/** The node with itself as a member. */
export function withMember(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return MEMBER
  return isMember(node) ? node : { [SELF]: MEMBER, ...node }
}

/** The node without itself as a member. */
function withoutMember(node: FieldSet): FieldSet | undefined {
  if (!(SELF in node)) return hasEntries(node) ? node : undefined
  let result: Building | undefined
  for (const element in node) {
    if (element !== SELF) (result ??= {})[element] = childOf(node, element)
  }
  return result
}

/** `node` with `child` below `element`. Consumes a node that nobody else holds yet. */
export function attach(node: FieldSet | undefined, element: PathElement, child: FieldSet): FieldSet {
  if (node === undefined) return { [element]: child }
  const building: Building = node
  building[element] = child
  return building
}

/** Whether the node is a member and nothing more. */
export function isLeaf(node: FieldSet): boolean {
  for (const _ in node) return false
  return true
}

/** The node with these entries and, if `self`, itself as a member; `last` when that says the same. */
export function assemble(
  elements: readonly PathElement[],
  nodes: readonly FieldSet[],
  last: FieldSet | undefined,
  self: boolean,
): FieldSet | undefined {
  if (elements.length === 0) return self ? MEMBER : undefined
  if (last !== undefined && saysTheSame(elements, nodes, last, self)) return last
  const result: Building = self ? { [SELF]: MEMBER } : {}
  for (const [index, element] of elements.entries()) result[element] = nodes[index] ?? MEMBER
  return result
}

function saysTheSame(
  elements: readonly PathElement[],
  nodes: readonly FieldSet[],
  last: FieldSet,
  self: boolean,
): boolean {
  for (const [index, element] of elements.entries()) {
    if (last[element] !== nodes[index]) return false
  }
  let entries = 0
  for (const _ in last) entries++
  return entries === elements.length + (self ? 1 : 0) && SELF in last === self
}

function childOf(node: FieldSet, element: PathElement): FieldSet {
  return node[element] ?? MEMBER
}

export function union(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || left === right) return right
  return right === undefined ? left : unionNodes(left, right)
}

/** Returns `left` itself when `right` adds nothing. */
function unionNodes(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left
  if (!hasEntries(right)) return withMember(left)
  if (!hasEntries(left)) return withMember(right)
  let result: Building | undefined
  for (const element in right) {
    const mine = left[element]
    const other = childOf(right, element)
    const child = mine === undefined ? other : unionNodes(mine, other)
    if (child !== mine) (result ??= { ...left })[element] = child
  }
  return result ?? left
}

/** Members of both. */
export function intersection(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return undefined
  if (left === right) return left
  const member = isMember(left) && isMember(right)
  let result: Building | undefined = member ? { [SELF]: MEMBER } : undefined
  let entries = false
  for (const element in left) {
    if (element === SELF) continue
    const child = intersection(left[element], right[element])
    if (child === undefined) continue
    entries = true
    ;(result ??= {})[element] = child
  }
  return member && !entries ? MEMBER : result
}

/** Whether every member of `left` is one of `right`. */
export function isSubset(left: FieldSet | undefined, right: FieldSet | undefined): boolean {
  if (left === undefined || left === right) return true
  if (right === undefined || (isMember(left) && !isMember(right))) return false
  for (const element in left) {
    if (element !== SELF && !isSubset(left[element], right[element])) return false
  }
  return true
}

/** Members of `left` that are not in `right`, path by path. Returns `left` itself when nothing goes. */
export function difference(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return left
  return subtract(left, right, false)
}

/** As {@link difference}, but what lies below a member of `right` goes as well. */
export function recursiveDifference(left: FieldSet | undefined, right: FieldSet | undefined): FieldSet | undefined {
  if (left === undefined || right === undefined) return left
  return subtract(left, right, true)
}

function subtract(left: FieldSet, right: FieldSet, recursive: boolean): FieldSet | undefined {
  const covered = isMember(right)
  if (covered && recursive) return undefined
  const node = covered && isMember(left) ? withoutMember(left) : left
  if (node === undefined || !hasEntries(right)) return node
  let changed: Map<PathElement, FieldSet | undefined> | undefined
  for (const element in right) {
    const mine = node[element]
    if (element === SELF || mine === undefined) continue
    const child = subtract(mine, childOf(right, element), recursive)
    if (child !== mine) (changed ??= new Map()).set(element, child)
  }
  return changed === undefined ? node : replaceChildren(node, changed)
}

function replaceChildren(
  node: FieldSet,
  changed: ReadonlyMap<PathElement, FieldSet | undefined>,
): FieldSet | undefined {
  const result: Building = {}
  let size = 0
  for (const element in node) {
    const child = changed.has(element) ? changed.get(element) : node[element]
    if (child === undefined) continue
    result[element] = child
    size++
  }
  // A member that lost all its entries is a plain member again.
  if (size === 1 && SELF in result) return MEMBER
  return size === 0 ? undefined : result
}

/** The set in the order in which it is stored; the set itself when it is in that order already. */
export function sorted(node: FieldSet): FieldSet {
  let previous = ''
  let inOrder = true
  let changed: Map<PathElement, FieldSet> | undefined
  for (const element in node) {
    if (previous !== '' && compareElements(previous, element) > 0) inOrder = false
    previous = element
    const child = childOf(node, element)
    const ordered = sorted(child)
    if (ordered !== child) (changed ??= new Map()).set(element, ordered)
  }
  if (inOrder && changed === undefined) return node
  const result: Building = {}
  const elements = Object.keys(node)
  for (const element of inOrder ? elements : elements.sort(compareElements)) {
    result[element] = changed?.get(element) ?? childOf(node, element)
  }
  return result
}

/**
 * Reads a stored set that someone else may have written: spellings become canonical, unknown path elements are
 * skipped. Throws SyntaxError when it cannot be read.
 */
export function decodeFieldSet(value: Json | undefined): FieldSet | undefined {
  if (value === undefined || value === null) return undefined
  const set = decodeNode(value)
  return set === undefined || !hasEntries(set) ? undefined : sorted(withoutMember(set) ?? MEMBER)
}

function decodeNode(value: Json): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`a field set is made of objects, not ${JSON.stringify(value)}`)
  }
  let result: FieldSet | undefined
  let read = 0
  for (const [text, content] of Object.entries(value)) {
    read++
    if (text === SELF) {
      result = withMember(result)
      if (result === MEMBER) result = { [SELF]: MEMBER }
      continue
    }
    const element = canonicalElement(text)
    const child = element === undefined ? undefined : decodeNode(content)
    if (element !== undefined && child !== undefined) {
      result = result === undefined ? { [element]: child } : unionNodes(result, { [element]: child })
    }
  }
  if (read === 0) return MEMBER
  return result === undefined || hasEntries(result) ? result : MEMBER
}

/** All paths as people read them, those of a level before those below it. */
export function describePaths(set: FieldSet | undefined, prefix = ''): string[] {
  if (set === undefined) return []
  const here: string[] = []
  const below: string[] = []
  for (const element in set) {
    if (element === SELF) continue
    const child = childOf(set, element)
    const path = prefix + describeElement(element)
    if (isMember(child)) here.push(path)
    below.push(...describePaths(child, path))
  }
  return [...here, ...below]
}

/** A set of paths of field names: `[['status'], ['metadata', 'labels']]`. */
export function fieldSetOf(paths: readonly (readonly string[])[]): FieldSet | undefined {
  let result: FieldSet | undefined
  for (const path of paths) {
    let node = MEMBER
    for (const name of path.toReversed()) node = { [`f:${name}`]: node }
    if (path.length > 0) result = union(result, node)
  }
  return result
}
