import { ArrayList } from '../collections.ts'
import { define, member } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { patternOf } from '../patterns.ts'
import { matching } from '../prices.ts'
import { celInt, celString, listOf } from '../types.ts'

function find(text: string, pattern: string): string {
  const matcher = patternOf(pattern).matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

/** At most `limit` matches; all when it is negative. */
function findAll(text: string, pattern: string, limit = -1n): ArrayList {
  const matcher = patternOf(pattern).matcher(text)
  const found: string[] = []
  const most = limit < 0n ? Infinity : Number(limit)
  for (let count = 0; count < most && matcher.find(); count++) found.push(matcher.group() ?? '')
  return new ArrayList(found)
}

/** At worst every character is a match of its own. */
const finding: Price = {
  actual: matching.actual,
  estimate: (args) => ({ ...matching.estimate(args), size: { min: 0, max: args[0]!.size.max } }),
}

/** Regular expressions in RE2 syntax; `matches` is with the standard functions. */
export const regexFunctions: readonly FunctionDeclaration[] = [
  define('find', member('string_find_string', [celString, celString], celString, find, finding)),
  define(
    'findAll',
    member('string_find_all_string', [celString, celString], listOf(celString), findAll, finding),
    member('string_find_all_string_int', [celString, celString, celInt], listOf(celString), findAll, finding),
  ),
]
