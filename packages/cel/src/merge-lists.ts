import { ArrayList, itemsOf, memberKey } from './collections.ts'
import { JsonFields, JsonList } from './json.ts'
import type { CelListMerge } from './types.ts'
import { CelMap } from './values.ts'
import type { CelList, CelValue } from './values.ts'

/** A list that was merged from lists that Kubernetes treats as sets or maps; it still compares as one. */
class MergedList extends ArrayList {
  readonly merge: CelListMerge

  constructor(items: readonly CelValue[], merge: CelListMerge) {
    super(items)
    this.merge = merge
  }
}

/** How a list compares and concatenates, when not by order. */
export function mergeOf(list: CelList): CelListMerge | undefined {
  return list instanceof JsonList || list instanceof MergedList ? list.merge : undefined
}

type Equals = (left: CelValue, right: CelValue) => boolean

/** `list + list`: sets leave out what the left side has, maps overwrite it. */
export function concatenate(left: CelList, right: CelList, equals: Equals): CelList {
  const merge = mergeOf(left)
  if (merge === undefined) return new ArrayList([...itemsOf(left), ...itemsOf(right)])
  const items = [...itemsOf(left)]
  const find = finder(items, merge, equals)
  for (const other of itemsOf(right)) {
    const same = find(other)
    if (same < 0) items.push(other)
    else if (merge.kind === 'map') items[same] = other
  }
  return new MergedList(items, merge)
}

/** Whether two lists of the same size hold the same, in any order. */
export function equalInAnyOrder(left: CelList, right: CelList, merge: CelListMerge, equals: Equals): boolean {
  const others = itemsOf(right)
  const find = finder(others, merge, equals)
  return itemsOf(left).every((item) => {
    const same = find(item)
    return same >= 0 && equals(item, others[same]!)
  })
}

/**
 * Finds an item of a list by what identifies it: itself in a set, its keys in a map. Scalars are looked up, so that
 * long lists take no longer than their cost says.
 */
function finder(items: readonly CelValue[], merge: CelListMerge, equals: Equals): (item: CelValue) => number {
  const byIdentity = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const identity = identityOf(item, merge)
    if (identity !== undefined && !byIdentity.has(identity)) byIdentity.set(identity, index)
  }
  return (item) => {
    const identity = identityOf(item, merge)
    if (identity !== undefined) return byIdentity.get(identity) ?? -1
    return items.findIndex((other) => isSame(item, other, merge, equals))
  }
}

/** Equal texts for what is the same; undefined where a part is no scalar. */
function identityOf(item: CelValue, merge: CelListMerge): string | undefined {
  const parts = merge.kind === 'set' ? [item] : merge.keys.map((key) => keyOf(item, key))
  const texts = parts.map((part) => {
    const key = part === undefined ? null : memberKey(part)
    return key === undefined ? undefined : `${typeof key} ${String(key)}`
  })
  return texts.includes(undefined) ? undefined : JSON.stringify(texts)
}

function isSame(left: CelValue, right: CelValue, merge: CelListMerge, equals: Equals): boolean {
  if (merge.kind === 'set') return equals(left, right)
  return merge.keys.every((key) => {
    const one = keyOf(left, key)
    const other = keyOf(right, key)
    return one === undefined || other === undefined ? one === other : equals(one, other)
  })
}

function keyOf(item: CelValue, property: string): CelValue | undefined {
  if (item instanceof CelMap) return item.get(property)
  if (!(item instanceof JsonFields)) return undefined
  for (const [name, field] of item.type.fields) if (field.property === property) return item.get(name)
  return undefined
}
