import { check } from './check.ts'
import type { Checked } from './check.ts'
import { CelEvaluationError } from './errors.ts'
import type { CelCompileError } from './errors.ts'
import { estimateCost } from './estimate.ts'
import { Frame, evaluationError } from './frame.ts'
import { fromJson } from './json.ts'
import { kubernetesLibrary, standardLibrary } from './library.ts'
import { parse } from './parser.ts'
import { plan } from './plan.ts'
import type { PlannedExpression } from './plan.ts'
import type {
  CompileOptions,
  CompileResult,
  CostEstimate,
  EvaluateOptions,
  Evaluation,
  Program,
  SizeEstimates,
} from './program.ts'
import { describe, locate } from './source.ts'
import { formatType } from './types.ts'
import type { CelType } from './types.ts'
import { Substitution } from './unify.ts'
import { validateLiterals } from './validate.ts'

const defaultMaxLength = 100_000

/** Parses, checks and plans an expression. Never throws for what the expression says. */
export function compile(expression: string, options: CompileOptions): CompileResult {
  const limit = options.maxExpressionLength ?? defaultMaxLength
  if (expression.length > limit) {
    const message = `expression code point size exceeds limit: size: ${expression.length}, limit ${limit}`
    return failed('', [{ message, line: 1, column: 1 }])
  }
  const kubernetes = options.dialect !== 'standard'
  const parsed = parse(expression, { quotedFields: !kubernetes })
  if (!parsed.ok) return failed(expression, parsed.errors)
  const { checked, errors } = check(parsed.expr, {
    variables: options.variables,
    library: kubernetes ? kubernetesLibrary : standardLibrary,
    container: options.container ?? '',
  })
  const problems = errors.length > 0 || !kubernetes ? errors : validateLiterals(checked)
  if (problems.length > 0) return failed(expression, locate(expression, problems))
  const type = checked.types.get(checked.expr)!
  if (options.resultType !== undefined && !new Substitution().accepts(options.resultType, type)) {
    const message = `must evaluate to ${formatType(options.resultType)}`
    return failed(expression, locate(expression, [{ at: 0, message }]))
  }
  const planned = plan(checked, { fold: kubernetes, strictPresence: !kubernetes })
  return { ok: true, program: new CompiledProgram(checked, planned, type), type }
}

function failed(expression: string, errors: readonly CelCompileError[]): CompileResult {
  return { ok: false, errors, text: describe(expression, errors) }
}

class CompiledProgram implements Program {
  readonly type: CelType
  readonly #checked: Checked
  readonly #planned: PlannedExpression

  constructor(checked: Checked, planned: PlannedExpression, type: CelType) {
    this.#checked = checked
    this.#planned = planned
    this.type = type
  }

  evaluate(bindings: Readonly<Record<string, unknown>>, options: EvaluateOptions = {}): Evaluation {
    const { variables, run } = this.#planned
    const frame = new Frame(options.costLimit ?? Infinity, (slot) => {
      const { name, type } = variables[slot]!
      const json = bindings[name]
      if (json === undefined) throw new CelEvaluationError(`no such attribute(s): ${name}`)
      return fromJson(json, type)
    })
    try {
      return { value: run(frame), cost: frame.cost }
    } catch (error) {
      throw evaluationError(error)
    }
  }

  estimateCost(sizes?: SizeEstimates): CostEstimate {
    return estimateCost(this.#checked, sizes)
  }
}
