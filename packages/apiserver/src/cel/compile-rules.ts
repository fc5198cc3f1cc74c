import type { CelType, Program } from '@locktender/cel'
import type { Json, SchemaRule, StructuralSchema } from '@locktender/kube'
import { findField, fieldPathError } from '../schema/field-path.ts'
import { cel } from './engine.ts'
import { REQUEST_BYTES } from './limits.ts'
import { maxSizeAt } from './rule-type.ts'
import type { RuleType } from './rule-type.ts'

/** An expression that compiled, or why it did not. */
export interface Compiled {
  readonly program: Program | undefined
  readonly error: string | undefined
  /** Greatest estimated cost of one evaluation; 0 when it did not compile. */
  readonly maxCost: number
}

/** One rule of a schema node, ready to be evaluated. */
export interface CompiledRule {
  readonly rule: SchemaRule
  readonly expression: Compiled
  readonly message: Compiled | undefined
  /** Whether it looks at the former value, so that it says something about changes only. */
  readonly usesOldSelf: boolean
  /** What the variables of both expressions are for a value and its former self. */
  readonly bindings: (self: Json, oldSelf: Json | undefined) => Readonly<Record<string, unknown>>
  /** The field that is blamed, below the node; empty for the node itself. */
  readonly fieldPath: string
}

/** Compiles all rules of one node, whose value has `type`. */
export function compileRules(schema: StructuralSchema, type: RuleType): CompiledRule[] {
  return (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(schema, rule, type))
}

/** How often a value can occur where nothing limits it: as often as it fits into a request. */
export function unlimitedCardinality(type: RuleType): number {
  return Math.floor(REQUEST_BYTES / (type.minBytes + 1))
}

function compileRule(schema: StructuralSchema, rule: SchemaRule, type: RuleType): CompiledRule {
  const self = type.type
  const variables = { self, oldSelf: rule.optionalOldSelf === true ? cel().optionalOf(self) : self }
  const expression = compileTo(rule.rule, 'bool', variables, type)
  const { messageExpression = '' } = rule
  return {
    rule,
    expression,
    message:
      messageExpression === '' || expression.error !== undefined
        ? undefined
        : compileTo(messageExpression, 'string', variables, type),
    usesOldSelf: expression.error === undefined && usesOldSelf(rule.rule, self),
    bindings: rule.optionalOldSelf === true ? optionalBindings(self) : plainBindings,
    fieldPath: fieldPathOf(rule, schema),
  }
}

function plainBindings(self: Json, oldSelf: Json | undefined): Readonly<Record<string, unknown>> {
  return oldSelf === undefined ? { self } : { self, oldSelf }
}

/** With a former value that is optional, which JSON knows nothing of. */
function optionalBindings(type: CelType): CompiledRule['bindings'] {
  const present = cel().compile('optional.of(self)', { variables: { self: type } })
  if (!present.ok) throw new Error(present.text)
  return (self, oldSelf) => ({
    self,
    oldSelf: oldSelf === undefined ? cel().CelOptional.none : present.program.evaluate({ self: oldSelf }).value,
  })
}

function compileTo(
  text: string,
  wanted: 'bool' | 'string',
  variables: Readonly<Record<string, CelType>>,
  type: RuleType,
): Compiled {
  const failed = (why: string): Compiled => ({
    program: undefined,
    error: wanted === 'bool' ? why : `messageExpression ${why.replace(/^cel expression /, '')}`,
    maxCost: 0,
  })
  const result = cel().compile(text, { variables })
  if (!result.ok) return failed(`compilation failed: ${result.text}`)
  if (result.type.kind !== wanted) {
    return failed(wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'must evaluate to a string')
  }
  const { max } = result.program.estimateCost({ maxSize: (path) => maxSizeAt(type, path) })
  return { program: result.program, error: undefined, maxCost: max }
}

/** An expression that says `oldSelf` and makes no sense without that variable looks at the former value. */
function usesOldSelf(text: string, self: CelType): boolean {
  return /\boldSelf\b/.test(text) && !cel().compile(text, { variables: { self } }).ok
}

function fieldPathOf({ fieldPath = '' }: SchemaRule, schema: StructuralSchema): string {
  if (fieldPath === '' || fieldPathError(fieldPath, schema) !== undefined) return ''
  return findField(fieldPath, schema, { brackets: true }).path
}
