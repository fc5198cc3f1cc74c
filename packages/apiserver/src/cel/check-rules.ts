import { fieldForbidden, fieldInvalid } from '@locktender/kube'
import type { FieldError, Json, SchemaRule } from '@locktender/kube'
import type { RuleNode } from '../schema/schema-document.ts'
import { compileRules, unlimitedCardinality } from './compile-rules.ts'
import type { CompiledRule } from './compile-rules.ts'
import { RULE_COST_LIMIT, SCHEMA_COST_LIMIT } from './limits.ts'
import { ruleTypeOf } from './rule-type.ts'

/** Greatest number of rules that are blamed when all together cost too much. */
const BLAMED = 4

interface Cost {
  readonly path: string
  readonly cost: number
}

/**
 * Compiles the rules of a schema and estimates what they can cost: the errors an API server gives at the write of a
 * CustomResourceDefinition whose schema is at `path`.
 */
export function checkRules(nodes: readonly RuleNode[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const costs: Cost[] = []
  for (const node of nodes) checkNode(node, errors, costs)
  const total = costs.reduce((sum, { cost }) => sum + cost, 0)
  if (total > SCHEMA_COST_LIMIT) {
    const dear = costs.filter(({ cost }) => cost >= SCHEMA_COST_LIMIT / 100).sort((one, other) => other.cost - one.cost)
    for (const { path: rulePath } of dear.slice(0, BLAMED)) {
      const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
      errors.push(fieldForbidden(rulePath, why))
    }
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    errors.push(fieldForbidden(path, tooDear(what, total, SCHEMA_COST_LIMIT)))
  }
  return errors
}

function checkNode(
  { schema, path, isResource, cardinality, uncorrelatable }: RuleNode,
  errors: FieldError[],
  costs: Cost[],
): void {
  const type = ruleTypeOf(schema, isResource, 'selfType')
  const list = `${path}.x-kubernetes-validations`
  if (type === undefined) {
    const why = 'internal error: failed to retrieve type information for x-kubernetes-validations'
    errors.push({ reason: 'InternalError', message: `Internal error: ${why}`, field: list })
    return
  }
  const times = cardinality ?? unlimitedCardinality(type)
  compileRules(schema, type).forEach((compiled, index) => {
    const at = `${list}[${index}]`
    const shown = shownRule(compiled.rule)
    const { expression, message } = compiled
    observe(`${at}.rule`, 'estimated rule cost', expression.maxCost * times, errors, costs)
    if (expression.error !== undefined) errors.push(fieldInvalid(`${at}.rule`, shown, expression.error))
    if (message?.error !== undefined) errors.push(fieldInvalid(`${at}.messageExpression`, shown, message.error))
    else if (message !== undefined) {
      observe(`${at}.messageExpression`, 'estimated messageExpression cost', message.maxCost, errors, costs)
    }
    errors.push(...checkOldSelf(compiled, at, uncorrelatable))
  })
}

/** A rule as an API server shows it, with the field names of its own code. */
function shownRule({
  rule,
  message = '',
  messageExpression = '',
  reason,
  fieldPath = '',
  optionalOldSelf,
}: SchemaRule): Json {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  }
}

function observe(path: string, what: string, cost: number, errors: FieldError[], costs: Cost[]): void {
  if (cost > RULE_COST_LIMIT) errors.push(fieldForbidden(path, tooDear(what, cost, RULE_COST_LIMIT)))
  costs.push({ path, cost })
}

function checkOldSelf(
  { rule, usesOldSelf }: CompiledRule,
  at: string,
  uncorrelatable: string | undefined,
): FieldError[] {
  if (!usesOldSelf) {
    if (rule.optionalOldSelf === undefined) return []
    const why = 'may not be set if oldSelf is not used in rule'
    return [fieldInvalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, why)]
  }
  if (uncorrelatable === undefined) return []
  const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
  return [fieldInvalid(`${at}.rule`, rule.rule, why)]
}

function tooDear(what: string, cost: number, limit: number): string {
  const factor = cost / limit
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return (
    `${what} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and ` +
    'maxLength where arrays, maps, and strings are declared)'
  )
}
