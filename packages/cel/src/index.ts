/**
 * The Common Expression Language as Kubernetes uses it.
 *
 * ```ts
 * const self = objectType('Widget', { replicas: celInt, hosts: listOf(celString) })
 * const result = compile('self.replicas <= 5 && self.hosts.all(h, isURL(h))', { variables: { self }, resultType: celBool })
 * if (!result.ok) throw new Error(result.text)
 * result.program.estimateCost({ maxSize: () => 100 }) // { min, max }
 * result.program.evaluate({ self: { replicas: 3, hosts: [] } }, { costLimit: 1_000_000 }) // { value: true, cost }
 * ```
 *
 * `compile` parses, type-checks and plans once; a program is then a tree of closures. Values enter as plain JSON and are
 * read by their declared type, field by field, when an expression asks for them. The library is that of Kubernetes:
 * standard functions, strings, lists, sets, two-variable comprehensions, optionals, regular expressions in RE2 syntax,
 * URLs, IP addresses and CIDR blocks, quantities, semantic versions, formats and the authorizer.
 */
export { compile } from './compile.ts'
export { isReserved } from './parser.ts'
export type {
  CompileOptions,
  CompileResult,
  CostEstimate,
  EvaluateOptions,
  Evaluation,
  Program,
  SizeEstimates,
} from './program.ts'
export { CelCostExceeded, CelEvaluationError } from './errors.ts'
export type { CelCompileError } from './errors.ts'
export {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celNull,
  celString,
  celTimestamp,
  celUint,
  formatType,
  listOf,
  mapOf,
  objectType,
  optionalOf,
} from './types.ts'
export type { CelField, CelListMerge, CelObjectType, CelType } from './types.ts'
export {
  CelDuration,
  CelList,
  CelMap,
  CelObject,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
} from './values.ts'
export type { CelValue } from './values.ts'
export { LazyObject } from './lazy-object.ts'
export { Authorizer, ResourceCheck, authorizerType, resourceCheckType } from './authorizer.ts'
export type { AuthorizationAnswer, AuthorizationQuestion, Authorize, ResourceAttributes } from './authorizer.ts'
