/**
 * Whether two JSON values mean the same: order of keys does not matter, and a key whose value is undefined counts as
 * absent, since it does not survive encoding.
 */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left)) return Array.isArray(right) && equalArrays(left, right)
  if (Array.isArray(right)) return false
  return equalObjects(left as Record<string, unknown>, right as Record<string, unknown>)
}

function equalArrays(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    if (!deepEqual(left[index], right[index])) return false
  }
  return true
}

function equalObjects(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  let shared = 0
  for (const key of Object.keys(left)) {
    const value = left[key]
    if (value === undefined) continue
    if (!Object.hasOwn(right, key) || !deepEqual(value, right[key])) return false
    shared++
  }
  for (const key of Object.keys(right)) {
    if (right[key] !== undefined) shared--
  }
  return shared === 0
}

/** A deep copy of a JSON value; several times faster than structuredClone. Undefined members are left out. */
export function clone<T>(value: T): T {
  return copy(value) as T
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value) items.push(copy(item))
    return items
  }
  const source = value as Record<string, unknown>
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    const member = source[key]
    if (member !== undefined) setMember(result, key, copy(member))
  }
  return result
}

/** Sets an own member even when it is called `__proto__`, which plain assignment would take for the prototype. */
export function setMember(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[key] = value
  }
}
