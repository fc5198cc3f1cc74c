import { createRequire } from 'node:module'
import type * as Cel from '@locktender/cel'

let loaded: typeof Cel | undefined

/**
 * The Common Expression Language, loaded when the first rule is met: many servers never see one, and all of them should
 * start fast. It loads at once rather than later, so that a write which needs it is not overtaken by others.
 */
export function cel(): typeof Cel {
  loaded ??= createRequire(import.meta.url)('@locktender/cel') as typeof Cel
  return loaded
}
