import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { compileExpression, records } from './expressions.ts'
import type { CompiledExpression, Scope } from './expressions.ts'
import { text } from './field-checks.ts'
import { MatchConditions } from './match-conditions.ts'
import { matchRules, matchSelected, selectorFrom } from './matching.ts'
import type { MatchCriteria, Rule } from './matching.ts'
import type { AdmissionAttributes } from './attributes.ts'
import type { ServedResource } from '../served-resource.ts'
import { compileVariables } from './policy-variables.ts'
import type { PolicyVariables } from './policy-variables.ts'

/** admissionregistration.k8s.io/v1 MatchResources. Without rules, everything is meant. */
export interface MatchResources extends MatchCriteria {
  readonly excluded: readonly Rule[]
}

export interface Validation {
  readonly expression: CompiledExpression
  readonly message: string
  readonly messageExpression: CompiledExpression | undefined
  readonly reason: string | undefined
}

export interface AuditAnnotation {
  readonly key: string
  readonly expression: CompiledExpression
}

export interface ParamKind {
  readonly apiVersion: string
  readonly kind: string
}

export interface ParamRef {
  readonly name?: string
  readonly namespace?: string
  readonly selector?: unknown
  readonly parameterNotFoundAction?: string
}

export interface PolicyBinding {
  readonly name: string
  readonly match: MatchResources | undefined
  readonly paramRef: ParamRef | undefined
  readonly actions: readonly string[]
}

/** A stored policy with the bindings that put it into force. */
export interface Policy {
  readonly name: string
  readonly match: MatchResources
  readonly ignoresFailure: boolean
  readonly paramKind: ParamKind | undefined
  readonly conditions: MatchConditions
  readonly variables: PolicyVariables
  readonly validations: readonly Validation[]
  readonly annotations: readonly AuditAnnotation[]
  readonly bindings: readonly PolicyBinding[]
}

/** Everything here has been validated and defaulted when it was written. */
export function compilePolicy(policy: AnyObject, bindings: readonly AnyObject[]): Policy {
  const spec = specOf(policy)
  const params = isRecord(spec['paramKind'])
  const variables = compileVariables(records(spec['variables']), params)
  const scope: Scope = { params, authorizer: true, variables: variables.type }
  return {
    name: policy.metadata.name,
    match: matchResourcesFrom(spec['matchConstraints']),
    ignoresFailure: spec['failurePolicy'] === 'Ignore',
    paramKind: params ? (spec['paramKind'] as unknown as ParamKind) : undefined,
    conditions: new MatchConditions(spec['matchConditions'], { params, authorizer: true }),
    variables,
    validations: records(spec['validations']).map((validation) => compileValidation(validation, scope)),
    annotations: records(spec['auditAnnotations']).map(({ key, valueExpression }) => ({
      key: text(key),
      expression: compileExpression(text(valueExpression).trim(), ['string', 'null'], scope),
    })),
    bindings: bindings.map(compileBinding),
  }
}

/** Name of the policy a binding is for. */
export function policyNameOf(binding: AnyObject): string {
  return text(specOf(binding)['policyName'])
}

function specOf(object: AnyObject): Record<string, unknown> {
  return isRecord(object['spec']) ? object['spec'] : {}
}

function compileValidation(validation: Record<string, unknown>, scope: Scope): Validation {
  const { expression, message, messageExpression, reason } = validation
  return {
    expression: compileExpression(text(expression), ['bool'], scope),
    message: text(message).trim(),
    messageExpression:
      text(messageExpression) === ''
        ? undefined
        : compileExpression(text(messageExpression), ['string'], { ...scope, authorizer: false }),
    reason: typeof reason === 'string' ? reason : undefined,
  }
}

function compileBinding(binding: AnyObject): PolicyBinding {
  const { matchResources, paramRef, validationActions } = specOf(binding)
  return {
    name: binding.metadata.name,
    match: isRecord(matchResources) ? matchResourcesFrom(matchResources) : undefined,
    paramRef: isRecord(paramRef) ? paramRef : undefined,
    actions: (validationActions ?? []) as readonly string[],
  }
}

function matchResourcesFrom(value: unknown): MatchResources {
  const match = isRecord(value) ? value : {}
  return {
    rules: (match['resourceRules'] ?? []) as readonly Rule[],
    excluded: (match['excludeResourceRules'] ?? []) as readonly Rule[],
    equivalent: match['matchPolicy'] !== 'Exact',
    namespaceSelector: selectorFrom(match['namespaceSelector']),
    objectSelector: selectorFrom(match['objectSelector']),
  }
}

/**
 * The version of the resource under which a write is meant.
 * @throws ApiError when that cannot be said
 */
export function matchResources(match: MatchResources, attributes: AdmissionAttributes): ServedResource | undefined {
  const { rules, excluded, equivalent } = match
  return matchSelected(match, attributes, () => {
    if (matchRules(excluded, equivalent, attributes) !== undefined) return undefined
    return rules.length === 0 ? attributes.context.served : matchRules(rules, equivalent, attributes)
  })
}
