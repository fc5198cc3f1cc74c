import type { KubeObject } from '@locktender/kube'

/** What is kept of a value: all of it, or of the members named. */
type Kept = true | ReadonlyMap<string, Kept>

/**
 * A function that takes from an object what `paths` name (`spec.overrides`, `status.conditions`). apiVersion, kind and
 * metadata always stay, but managedFields only when a path asks for them: they are often the larger half. A path that
 * meets a list goes on in each of its elements.
 */
export function keepFields<T extends KubeObject>(paths: Iterable<string>): (object: T) => T {
  const wanted = new Map<string, Kept>()
  let managedFields = false
  for (const path of paths) {
    if (path === 'metadata.managedFields') managedFields = true
    if (path !== '' && path.split('.', 1)[0] !== 'metadata') enter(wanted, path.split('.'))
  }
  return (object) => {
    const { apiVersion, kind, metadata } = object
    const { managedFields: _, ...withoutManagedFields } = metadata
    const kept = pick(object as unknown as Record<string, unknown>, wanted)
    return { apiVersion, kind, metadata: managedFields ? metadata : withoutManagedFields, ...kept } as T
  }
}

function enter(tree: Map<string, Kept>, path: readonly string[]): void {
  const [first, ...rest] = path
  const below = tree.get(first!)
  if (below === true) return
  if (rest.length === 0) {
    tree.set(first!, true)
    return
  }
  const branch = new Map(below)
  enter(branch, rest)
  tree.set(first!, branch)
}

function pick(object: Readonly<Record<string, unknown>>, wanted: ReadonlyMap<string, Kept>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, below] of wanted) {
    const value = object[name]
    if (value !== undefined) kept[name] = below === true ? value : within(value, below)
  }
  return kept
}

function within(value: unknown, wanted: ReadonlyMap<string, Kept>): unknown {
  if (Array.isArray(value)) return value.map((element: unknown) => within(element, wanted))
  if (typeof value !== 'object' || value === null) return value
  return pick(value as Record<string, unknown>, wanted)
}
