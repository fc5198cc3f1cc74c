import { equals } from '../equality.ts'
import { define, overload } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { itemsOf } from '../collections.ts'
import { sizeOf } from '../prices.ts'
import { exactly, plus, scale, times } from '../ranges.ts'
import { celBool, listOf, typeParameter } from '../types.ts'
import type { CelList } from '../values.ts'

const list = listOf(typeParameter('T'))

function contains(set: CelList, part: CelList): boolean {
  const items = itemsOf(set)
  return itemsOf(part).every((wanted) => items.some((item) => equals(item, wanted)))
}

function intersects(left: CelList, right: CelList): boolean {
  const others = itemsOf(right)
  return itemsOf(left).some((item) => others.some((other) => equals(item, other)))
}

/** Every item against every other, `times` times. */
function pairwise(factor: number): Price {
  return {
    upFront: true,
    actual: ([left, right]) => 1 + sizeOf(left!) * sizeOf(right!) * factor,
    estimate: ([left, right]) => ({ cost: plus(scale(times(left!.size, right!.size), factor), exactly(1)) }),
  }
}

/** Lists as sets. */
export const setFunctions: readonly FunctionDeclaration[] = [
  define('sets.contains', overload('list_sets_contains_list', [list, list], celBool, contains, pairwise(1))),
  define(
    'sets.equivalent',
    overload(
      'list_sets_equivalent_list',
      [list, list],
      celBool,
      (left: CelList, right: CelList) => contains(left, right) && contains(right, left),
      pairwise(2),
    ),
  ),
  define('sets.intersects', overload('list_sets_intersects_list', [list, list], celBool, intersects, pairwise(1))),
]
