import type { CelObjectType, CelType } from '@locktender/cel'
import { cel } from '../cel/engine.ts'
import { compileExpression, evaluateProgram, expressionError } from './expressions.ts'
import type { Bindings, Budget, CompiledExpression } from './expressions.ts'
import { text } from './field-checks.ts'

/** The variables of a policy, each of which may use those before it. */
export interface PolicyVariables {
  readonly type: CelObjectType
  /** What is wrong with each of them, in their order. */
  readonly problems: readonly (string | undefined)[]
  readonly expressions: ReadonlyMap<string, CompiledExpression>
}

export function compileVariables(variables: readonly Record<string, unknown>[], params: boolean): PolicyVariables {
  const fields: Record<string, CelType> = {}
  const problems: (string | undefined)[] = []
  const expressions = new Map<string, CompiledExpression>()
  for (const { name, expression } of variables) {
    const scope = { params, authorizer: true, variables: typeOf(fields) }
    const compiled = compileExpression(text(expression), [], scope)
    problems.push(expressionError(compiled))
    expressions.set(text(name), compiled)
    fields[text(name)] = 'program' in compiled ? compiled.program.type : cel().celDyn
  }
  return { type: typeOf(fields), problems, expressions }
}

function typeOf(fields: Record<string, CelType>): CelObjectType {
  return cel().objectType('kubernetes.variables', fields)
}

/** Adds the variables to what they are computed from; each is computed when it is first read. */
export function withVariables(bindings: Bindings, variables: PolicyVariables, budget: Budget): Bindings {
  const { CelEvaluationError, LazyObject } = cel()
  const extended: Bindings = { ...bindings }
  extended['variables'] = new LazyObject(variables.type, (name) => {
    const compiled = variables.expressions.get(name)!
    if ('error' in compiled) {
      throw new CelEvaluationError(`composited variable ${JSON.stringify(name)} fails to compile: ${compiled.error}`)
    }
    try {
      return evaluateProgram(compiled.program, extended, budget)
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      throw new CelEvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
    }
  })
  return extended
}
