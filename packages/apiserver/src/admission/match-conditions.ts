import type { ServedResource } from '../served-resource.ts'
import type { AnyObject } from '../objects/object.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { bindingsOf, Budget, compileExpression, evaluate, OutOfBudget, records } from './expressions.ts'
import type { CompiledExpression, Scope } from './expressions.ts'

/** What all match conditions of one configuration may cost together, as in apiserver. */
const BUDGET = 2_500_000

/** Expressions that must all hold for a webhook or a policy to have a say. */
export class MatchConditions {
  readonly #conditions: readonly CompiledExpression[]

  constructor(conditions: unknown, scope: Scope) {
    this.#conditions = records(conditions).map(({ expression }) =>
      compileExpression(typeof expression === 'string' ? expression : '', ['bool'], scope),
    )
  }

  /** Whether they hold; one that is false decides, whatever becomes of the others. An error means no when `lenient`. */
  evaluate(
    attributes: AdmissionAttributes,
    as: ServedResource,
    lenient: boolean,
    params?: AnyObject,
  ): boolean | { readonly error: string } {
    if (this.#conditions.length === 0) return true
    const bindings = bindingsOf(attributes, as, params, false)
    const budget = new Budget(BUDGET)
    const errors: string[] = []
    for (const condition of this.#conditions) {
      try {
        const outcome = evaluate(condition, bindings, budget)
        if ('error' in outcome) errors.push(outcome.error)
        else if (outcome.value === false) return false
      } catch (error) {
        if (!(error instanceof OutOfBudget)) throw error
        return lenient ? false : { error: error.message }
      }
    }
    if (errors.length === 0) return true
    if (lenient) return false
    return { error: errors.length === 1 ? errors[0]! : `[${[...new Set(errors)].join(', ')}]` }
  }
}
