import { ApiError, forbidden } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { bindingsOf, Budget, evaluate, OutOfBudget } from './expressions.ts'
import type { Bindings } from './expressions.ts'
import { paramsOf } from './policy-params.ts'
import { matchResources } from './policy.ts'
import type { Policy, PolicyBinding, Validation } from './policy.ts'
import { withVariables } from './policy-variables.ts'

/** What one policy may cost with one set of parameters, as in apiserver. */
const BUDGET = 10_000_000
/** Longest message that a messageExpression may make; a longer one is not shown. */
const MAX_MESSAGE_BYTES = 5 * 1024

/** One reason to refuse a write. */
interface Failure {
  readonly message: string
  readonly reason: string
}

interface Denial extends Failure {
  readonly policy: string
  readonly binding: string | undefined
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 }

/**
 * Holds a write against the policies.
 * @throws ApiError when one of them denies it
 */
export function checkPolicies(attributes: AdmissionAttributes, policies: readonly Policy[]): void {
  const denials: Denial[] = []
  for (const policy of policies) denials.push(...denialsOf(policy, attributes))
  const [first] = denials
  if (first !== undefined) throw denied(attributes, first)
}

function denialsOf(policy: Policy, attributes: AdmissionAttributes): Denial[] {
  const denials: Denial[] = []
  const misconfigured = (error: unknown, binding?: PolicyBinding): void => {
    if (policy.ignoresFailure) return
    const message = `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${(error as Error).message}`
    denials.push({ policy: policy.name, binding: binding?.name, message, reason: 'Invalid' })
  }
  let as: ServedResource | undefined
  try {
    as = matchResources(policy.match, attributes)
  } catch (error) {
    misconfigured(error)
    return denials
  }
  if (as === undefined) return denials
  for (const binding of policy.bindings) {
    let sets: (AnyObject | undefined)[]
    try {
      if (binding.match !== undefined && matchResources(binding.match, attributes) === undefined) continue
      sets = paramsOf(policy, binding, attributes)
    } catch (error) {
      misconfigured(error, binding)
      continue
    }
    for (const failure of sets.flatMap((params) => failuresOf(policy, attributes, as, params))) {
      if (binding.actions.includes('Deny')) denials.push({ ...failure, policy: policy.name, binding: binding.name })
      if (!binding.actions.includes('Warn')) continue
      attributes.context.warnings.push(
        `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${failure.message}`,
      )
    }
  }
  return denials
}

/** What is wrong with a write by one policy and one set of parameters. */
function failuresOf(
  policy: Policy,
  attributes: AdmissionAttributes,
  as: ServedResource,
  params: AnyObject | undefined,
): Failure[] {
  const unable = (message: string): Failure[] => (policy.ignoresFailure ? [] : [{ message, reason: 'Invalid' }])
  const matched = policy.conditions.evaluate(attributes, as, policy.ignoresFailure, params)
  if (typeof matched !== 'boolean') return unable(matched.error)
  if (!matched) return []
  const budget = new Budget(BUDGET)
  const bindings = withVariables(bindingsOf(attributes, as, params, true), policy.variables, budget)
  try {
    return [
      ...policy.validations.flatMap((validation) => {
        const outcome = evaluate(validation.expression, bindings, budget)
        if ('error' in outcome) return unable(outcome.error)
        if (outcome.value === true) return []
        return [{ message: messageOf(validation, bindings, budget), reason: validation.reason ?? 'Invalid' }]
      }),
      // There is no audit log, but an annotation that cannot be computed counts as a failure.
      ...policy.annotations.flatMap(({ expression }) => {
        const outcome = evaluate(expression, bindings, budget)
        return 'error' in outcome ? unable(outcome.error) : []
      }),
    ]
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error
    return unable(error.message)
  }
}

function messageOf({ expression, message, messageExpression }: Validation, bindings: Bindings, budget: Budget): string {
  if (messageExpression !== undefined) {
    const outcome = evaluate(messageExpression, bindings, budget)
    const computed = 'value' in outcome && typeof outcome.value === 'string' ? outcome.value.trim() : ''
    if (computed !== '' && !computed.includes('\n') && Buffer.byteLength(computed) <= MAX_MESSAGE_BYTES) return computed
  }
  return message === '' ? `failed expression: ${expression.expression.trim()}` : message
}

function denied({ context, name, object }: AdmissionAttributes, denial: Denial): ApiError {
  const { policy, binding, message, reason } = denial
  const by = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`}`
  const why = `${by} denied request: ${message}`
  const { status } = forbidden(groupResourceOf(context.served), name || object?.metadata.generateName || 'Unknown', why)
  return new ApiError({
    ...status,
    reason,
    code: CODES[reason] ?? 422,
    details: { ...status.details, causes: [{ message: why }] },
  })
}
