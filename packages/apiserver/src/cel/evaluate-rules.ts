import type { Program } from '@locktender/cel'
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired, isObject } from '@locktender/kube'
import type { FieldError, Json, SchemaRule } from '@locktender/kube'
import { formerItem, partOf, isSame } from '../schema/correlate.ts'
import type { Pair } from '../schema/correlate.ts'
import { joinPath, noPath } from '../schema/failure.ts'
import type { CompiledRule } from './compile-rules.ts'
import { cel } from './engine.ts'
import { CALL_COST_LIMIT, MESSAGE_BYTES, OBJECT_COST_LIMIT } from './limits.ts'
import type { RuleTree } from './rule-tree.ts'

/** Thrown where no further rule is to be evaluated. */
class Stop extends Error {}

interface Evaluation {
  readonly errors: FieldError[]
  /** What the remaining rules may cost. */
  budget: number
}

/** A value on its way through the tree. */
interface Place {
  readonly value: Json
  /** What rules see as the former value; undefined where there is none. */
  readonly before: Json | undefined
  readonly path: string
  /** The value and its former self, if the two can be told to be the same thing. */
  readonly pair: Pair | undefined
  /** The nearest value around it that has a former self. */
  readonly around: Pair | undefined
}

/**
 * Evaluates the rules of a schema on a value at `path`, which is empty for an object of its own. `before` is the value
 * it replaces: rules about changes are evaluated, and what has not changed is tolerated.
 */
export function evaluateRules(
  tree: RuleTree,
  value: Json,
  before: Json | undefined,
  path: string,
  tolerateUnchanged = true,
): FieldError[] {
  const evaluation: Evaluation = { errors: [], budget: OBJECT_COST_LIMIT }
  const pair = before === undefined || !tolerateUnchanged ? undefined : { schema: tree.schema, now: value, before }
  try {
    visit(tree, { value, before, path, pair, around: undefined }, evaluation)
  } catch (error) {
    if (!(error instanceof Stop)) throw error
  }
  return evaluation.errors
}

function visit(tree: RuleTree, place: Place, evaluation: Evaluation): void {
  const { value, before, path } = place
  if (value === null) return
  for (const compiled of tree.rules) evaluate(tree, compiled, place, evaluation)
  if (Array.isArray(value)) {
    if (tree.items === undefined) return
    for (let index = 0; index < value.length; index++) {
      const old = Array.isArray(before) ? formerItem(tree.schema, value[index]!, before) : undefined
      visit(
        tree.items,
        { ...step(place, index), path: `${path}[${index}]`, value: value[index]!, before: old },
        evaluation,
      )
    }
  } else if (isObject(value)) {
    for (const key in value) {
      const property = tree.properties.get(key)
      const part = property ?? tree.entries
      if (part === undefined) continue
      const old = isObject(before) && Object.hasOwn(before, key) ? before[key] : undefined
      const at = property === undefined ? `${path}[${key}]` : joinPath(path, key)
      visit(part, { ...step(place, key), path: at, value: value[key]!, before: old ?? undefined }, evaluation)
    }
  }
}

function step({ pair, around }: Place, name: string | number): Pick<Place, 'pair' | 'around'> {
  if (pair === undefined) return { pair, around }
  // Version and kind of an object are converted before anything is compared.
  if (around === undefined && (name === 'apiVersion' || name === 'kind')) return { pair: undefined, around: undefined }
  return { pair: partOf(pair, name), around: pair }
}

function evaluate(tree: RuleTree, compiled: CompiledRule, place: Place, evaluation: Evaluation): void {
  const { value, before, path } = place
  const { rule, expression, usesOldSelf } = compiled
  const at = path === '' ? noPath : path
  const type = tree.schema.type ?? ''
  const fail = (why: string): void => {
    evaluation.errors.push(fieldInvalid(at, type, why))
  }
  const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'
  if (evaluation.budget <= 0) {
    fail(outOfBudget)
    throw new Stop()
  }
  if (expression.error !== undefined) {
    fail(`rule compile error: ${expression.error}`)
    return
  }
  if (usesOldSelf && before === undefined && rule.optionalOldSelf !== true) return
  const bindings = compiled.bindings(value, before)
  let holds: boolean
  try {
    const { value: result, cost } = expression.program!.evaluate(bindings, { costLimit: CALL_COST_LIMIT })
    if (cost > evaluation.budget) {
      fail(outOfBudget)
      throw new Stop()
    }
    evaluation.budget -= cost
    holds = result === true
  } catch (error) {
    if (error instanceof cel().CelCostExceeded) {
      const why = `no further validation rules will be run due to call cost exceeds limit for rule: ${nameOf(rule)}`
      fail(evaluation.budget < CALL_COST_LIMIT ? outOfBudget : `'${error.message}': ${why}`)
      throw new Stop()
    }
    if (!(error instanceof cel().CelEvaluationError)) throw error
    fail(
      error.message.startsWith('no such overload')
        ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${nameOf(rule)}`
        : `${error.message} evaluating rule: ${nameOf(rule)}`,
    )
    return
  }
  if (holds) return
  const blamed = compiled.fieldPath === '' ? at : joinPath(path, compiled.fieldPath)
  const tolerated = !usesOldSelf && isUnchanged(place)
  const add = (error: FieldError): void => {
    if (!tolerated) evaluation.errors.push(error)
  }
  const message = messageOf(compiled, bindings, evaluation, (why) => add(fieldInvalid(blamed, type, why)))
  add(errorFor(rule, blamed, type === 'object' || type === 'array' ? undefined : value, message))
}

function isUnchanged({ pair, around }: Place): boolean {
  if (pair !== undefined) return isSame(pair)
  return around !== undefined && isSame(around)
}

/** How errors name a rule. */
function nameOf({ message = '', rule }: SchemaRule): string {
  return (message === '' ? rule : message).trim()
}

function messageOf(
  { rule, message }: CompiledRule,
  bindings: Readonly<Record<string, unknown>>,
  evaluation: Evaluation,
  fail: (why: string) => void,
): string {
  const own = (rule.message ?? '') === '' ? `failed rule: ${nameOf(rule)}` : nameOf(rule)
  if (message?.program === undefined) return own
  return evaluateMessage(message.program, rule.messageExpression!, bindings, evaluation, fail) ?? own
}

/** The message an expression makes; undefined when it makes none that can be shown. */
function evaluateMessage(
  program: Program,
  text: string,
  bindings: Readonly<Record<string, unknown>>,
  evaluation: Evaluation,
  fail: (why: string) => void,
): string | undefined {
  try {
    const { value, cost } = program.evaluate(bindings, { costLimit: CALL_COST_LIMIT })
    if (cost > evaluation.budget) {
      fail(
        'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run',
      )
      throw new Stop()
    }
    evaluation.budget -= cost
    const message = typeof value === 'string' ? value.trim() : ''
    const fits = message !== '' && !message.includes('\n') && Buffer.byteLength(message) <= MESSAGE_BYTES
    return fits ? message : undefined
  } catch (error) {
    if (error instanceof cel().CelCostExceeded) {
      const why = 'no further validation rules will be run due to call cost exceeds limit for messageExpression'
      fail(`${why}: ${JSON.stringify(text)}`)
      throw new Stop()
    }
    if (!(error instanceof cel().CelEvaluationError)) throw error
    return undefined
  }
}

/** The error of a broken rule. Objects and lists are not repeated in it: `value` is undefined for them. */
function errorFor({ reason }: SchemaRule, field: string, value: Json | undefined, message: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return fieldForbidden(field, message)
    case 'FieldValueRequired':
      return fieldRequired(field, message)
    case 'FieldValueDuplicate':
      // What is duplicate needs no further words.
      return value === undefined ? { reason, message: 'Duplicate value', field } : fieldDuplicate(field, value)
    default:
      return value === undefined
        ? { reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, field }
        : fieldInvalid(field, value, message)
  }
}
