const SURROGATE = /[\ud800-\udfff]/

/** By UTF-8 bytes, as Go compares strings. JavaScript compares UTF-16, which differs beyond U+FFFF. */
export function compareNames(left: string, right: string): number {
  if (SURROGATE.test(left) || SURROGATE.test(right)) return compareCodePoints(left, right)
  return left < right ? -1 : left > right ? 1 : 0
}

/** Sorts in place. */
export function sortNames(names: string[]): string[] {
  names.sort()
  return names.some((name) => SURROGATE.test(name)) ? names.sort(compareCodePoints) : names
}

function compareCodePoints(left: string, right: string): number {
  const lefts = Array.from(left)
  const rights = Array.from(right)
  for (let index = 0; index < lefts.length && index < rights.length; index++) {
    const difference = (lefts[index]?.codePointAt(0) ?? 0) - (rights[index]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return lefts.length - rights.length
}
