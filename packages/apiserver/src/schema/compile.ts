import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { evaluateRules } from '../cel/evaluate-rules.ts'
import { ruleTreeOf } from '../cel/rule-tree.ts'
import { compileDefaults } from './defaults.ts'
import { embeddedRules } from './embedded-rules.ts'
import { isUnchanged } from './correlate.ts'
import { fieldError, noPath } from './failure.ts'
import type { Check } from './failure.ts'
import { listRules } from './list-rules.ts'
import { compilePrune } from './prune.ts'
import { valueRules } from './value-rules.ts'
import { compileWalk } from './walk.ts'

/** A structural schema, ready to be applied to objects of its kind. No function changes its input. */
export interface CompiledSchema {
  /**
   * Removes the fields the schema does not know, and says which, as `spec.foo[0].bar`. The value is the same object
   * when there are none. apiVersion, kind and metadata of the object and of embedded resources stay as they are.
   */
  prune<T>(object: T): { value: T; pruned: string[] }
  /** Fills in defaults and removes nulls that are not allowed; returns the same object when nothing changes. */
  applyDefaults<T>(object: T): T
  /**
   * All rules the object breaks, in the words of Kubernetes; empty when it is valid. On an update, what has not
   * changed since `before` is tolerated, so that a stricter schema does not lock up stored objects. `first` and `last`
   * are errors found elsewhere; they come before and after those of the values, and may keep rules from being checked.
   */
  validate(object: unknown, before?: unknown, first?: readonly FieldError[], last?: readonly FieldError[]): FieldError[]
  /** A valid object as it is read back once it was stored, where that is not as it was written. */
  toStored?<T>(object: T): T
}

/** Rules expect values of the declared types and sizes; after such errors they are not evaluated. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

const unchecked: FieldError = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing ' +
    'errors to complete validation',
  field: noPath,
}

/**
 * The functions of the schema of a kind. Each is compiled when it is first used: most definitions of a cluster never
 * are, and a server with many of them should start fast. They throw when a pattern is not valid RE2, which
 * {@link validateStructural} reports.
 */
export function compileSchema(schema: StructuralSchema): CompiledSchema {
  const pruner = once(() => compilePrune(schema, true))
  const defaulter = once(() => compileDefaults(schema))
  const validate = once(() => compileValidation(schema))
  const rules = once(() => ruleTreeOf(schema, true))
  return {
    prune<T>(object: T) {
      const pruned = pruner()?.(object as Json)
      if (pruned === undefined) return { value: object, pruned: [] }
      return { value: pruned.value as T, pruned: pruned.paths.map((path) => path.replace(/^\./, '')) }
    },
    applyDefaults<T>(object: T) {
      const apply = defaulter()
      return apply === undefined ? object : (apply(object as Json) as T)
    },
    validate(object, before, first = [], last = []) {
      const errors = [...first, ...validate()(object as Json, '', before as Json | undefined), ...last]
      const tree = rules()
      if (tree === undefined) return errors
      if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, unchecked]
      return [...errors, ...evaluateRules(tree, object as Json, before as Json | undefined, '')]
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Compiles validation of any value, a part of an object for instance; errors are placed below `path`. */
export function compileValidation(
  schema: StructuralSchema,
): (value: Json, path: string, before?: Json) => FieldError[] {
  const values = compileWalk(schema, valueRules)
  const embedded = compileWalk(schema, embeddedRules)
  const lists = compileWalk(schema, listRules)
  return (value, path, before) => {
    const errors: FieldError[] = []
    const add = (check: Check | undefined, tolerateUnchanged: boolean): void => {
      for (const failure of check?.(value) ?? []) {
        if (tolerateUnchanged && before !== undefined && isUnchanged(failure, schema, value, before)) continue
        errors.push(fieldError(failure, path))
      }
    }
    add(values, true)
    add(embedded, false)
    // Lists that were not unique before need not become so.
    if (lists !== undefined && (before === undefined || lists(before) === undefined)) add(lists, false)
    return errors
  }
}
