import type { Authorizer, CelObjectType, CelType, CelValue, Program } from '@locktender/cel'
import { cel } from '../cel/engine.ts'
import { authenticatedGroup } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { isNamespace, namespaceOf } from './attributes.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { describeRequest } from './review.ts'
import { asVersion } from './versions.ts'

/** What one expression may cost at run time, as in apiserver. */
const PER_CALL_LIMIT = 1_000_000

interface SharedTypes {
  readonly request: CelObjectType
  readonly namespaceObject: CelObjectType
}

let shared: SharedTypes | undefined

/** Types of the variables that all expressions have, made when the first one is met. */
function sharedTypes(): SharedTypes {
  return (shared ??= makeSharedTypes())
}

function makeSharedTypes(): SharedTypes {
  const { celBool, celDyn, celInt, celString, celTimestamp, listOf, mapOf, objectType } = cel()
  const kindType = objectType('kubernetes.GroupVersionKind', { group: celString, version: celString, kind: celString })
  const resourceType = objectType('kubernetes.GroupVersionResource', {
    group: celString,
    version: celString,
    resource: celString,
  })
  const userInfoType = objectType('kubernetes.UserInfo', {
    username: celString,
    uid: celString,
    groups: listOf(celString),
    extra: mapOf(celString, listOf(celString)),
  })
  const requestType = objectType('kubernetes.AdmissionRequest', {
    kind: kindType,
    resource: resourceType,
    subResource: celString,
    requestKind: kindType,
    requestResource: resourceType,
    requestSubResource: celString,
    name: celString,
    namespace: celString,
    operation: celString,
    userInfo: userInfoType,
    dryRun: celBool,
    options: celDyn,
  })
  const namespaceType = objectType('kubernetes.Namespace', {
    metadata: objectType('kubernetes.NamespaceMetadata', {
      name: celString,
      generateName: celString,
      namespace: celString,
      labels: mapOf(celString, celString),
      annotations: mapOf(celString, celString),
      UID: { type: celString, property: 'uid' },
      creationTimestamp: celTimestamp,
      deletionGracePeriodSeconds: celInt,
      deletionTimestamp: celTimestamp,
      generation: celInt,
      resourceVersion: celString,
      finalizers: listOf(celString),
    }),
    spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(celString) }),
    status: objectType('kubernetes.NamespaceStatus', {
      conditions: listOf(
        objectType('kubernetes.NamespaceCondition', {
          status: celString,
          type: celString,
          lastTransitionTime: celTimestamp,
          message: celString,
          reason: celString,
        }),
      ),
      phase: celString,
    }),
  })
  return { request: requestType, namespaceObject: namespaceType }
}

/** Which variables an expression has, beside those that all have. */
export interface Scope {
  readonly params: boolean
  readonly authorizer: boolean
  /** Type of the variable `variables`, if there is one. */
  readonly variables?: CelObjectType
}

/** The type of what an expression yields, by the word for it in CEL. */
export type ResultKind = 'bool' | 'string' | 'null'

export type CompiledExpression =
  | { readonly program: Program; readonly expression: string }
  | {
      /** Why it cannot be used, in the words of Kubernetes. */
      readonly error: string
      readonly expression: string
    }

/** Compiles an expression that must yield one of `kinds`; anything when there are none. */
export function compileExpression(expression: string, kinds: readonly ResultKind[], scope: Scope): CompiledExpression {
  const { compile, formatType } = cel()
  const result = compile(expression, { variables: variablesOf(scope) })
  if (!result.ok) return { error: `compilation failed: ${result.text}`, expression }
  const { program, type } = result
  if (kinds.length === 0 || kinds.some((kind) => kind === type.kind)) return { program, expression }
  const wanted = kinds.map((kind) => (kind === 'null' ? 'null_type' : kind))
  const one = wanted.length === 1 ? wanted[0]! : `one of [${wanted.join(' ')}]`
  return { error: `must evaluate to ${one} but got ${formatType(type)}`, expression }
}

function variablesOf({ params, authorizer, variables }: Scope): Record<string, CelType> {
  const { authorizerType, celDyn, resourceCheckType } = cel()
  return {
    object: celDyn,
    oldObject: celDyn,
    ...sharedTypes(),
    ...(params ? { params: celDyn } : {}),
    ...(authorizer ? { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType } : {}),
    ...(variables === undefined ? {} : { variables }),
  }
}

/** Values of the variables for one write. */
export type Bindings = Record<string, unknown>

/** `namespaceObject` is null where Kubernetes does not look it up. */
export function bindingsOf(
  attributes: AdmissionAttributes,
  as: ServedResource,
  params: AnyObject | undefined,
  withNamespace: boolean,
): Bindings {
  const { context, object, oldObject } = attributes
  const { cluster, served } = context
  const show = (candidate: AnyObject | undefined): AnyObject | null =>
    candidate === undefined ? null : asVersion(candidate, served, as)
  const namespace = context.namespace
  const authorizer = authorizerOf(attributes)
  return {
    object: show(object),
    oldObject: show(oldObject),
    request: { name: '', ...describeRequest(attributes, as) },
    namespaceObject: withNamespace && namespace !== undefined ? (cluster.namespace(namespace) ?? null) : null,
    params: params ?? null,
    authorizer,
    'authorizer.requestResource': new (cel().ResourceCheck)(authorizer, {
      group: served.resource.group,
      resource: served.resource.plural,
      subresource: context.subresource ?? '',
      namespace: isNamespace(context) ? '' : namespaceOf(attributes),
      name: attributes.name,
      fieldSelector: '',
      labelSelector: '',
    }),
  }
}

function authorizerOf({ context: { cluster, user } }: AdmissionAttributes): Authorizer {
  return new (cel().Authorizer)(({ verb, serviceAccount, path, resource }) => {
    const who = serviceAccount === undefined ? user : accountUser(serviceAccount)
    if (path !== undefined) return { allowed: cluster.authorizer.allows(who, { verb, path }) }
    if (resource === undefined) return { allowed: false }
    const given = (text: string): string | undefined => (text === '' ? undefined : text)
    const { group, subresource, namespace, name } = resource
    const allowed = cluster.authorizer.allows(who, {
      verb,
      group,
      resource: resource.resource,
      subresource: given(subresource),
      namespace: given(namespace),
      name: given(name),
    })
    return { allowed }
  })
}

function accountUser({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, authenticatedGroup],
  }
}

/** Cost units that several expressions share. */
export class Budget {
  #left: number

  constructor(units: number) {
    this.#left = units
  }

  /** Takes `cost` away. Throws OutOfBudget when there is not so much. */
  spend(cost: number): void {
    this.#left -= cost
    if (this.#left < 0) throw new OutOfBudget()
  }
}

/** The expressions of one configuration cost more than they may together; no further one is evaluated. */
export class OutOfBudget extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

export type Outcome = { readonly value: CelValue } | { readonly error: string }

/**
 * Evaluates an expression.
 * @throws OutOfBudget
 */
export function evaluate(compiled: CompiledExpression, bindings: Bindings, budget: Budget): Outcome {
  if ('error' in compiled) return { error: `compilation error: ${compiled.error}` }
  const { program, expression } = compiled
  try {
    return { value: evaluateProgram(program, bindings, budget) }
  } catch (error) {
    const { CelCostExceeded, CelEvaluationError } = cel()
    if (!(error instanceof CelEvaluationError) && !(error instanceof CelCostExceeded)) throw error
    return { error: `expression '${expression}' resulted in error: ${error.message}` }
  }
}

/** @throws CelEvaluationError, CelCostExceeded, OutOfBudget */
export function evaluateProgram(program: Program, bindings: Bindings, budget: Budget): CelValue {
  try {
    const { value, cost } = program.evaluate(bindings, { costLimit: PER_CALL_LIMIT })
    budget.spend(cost)
    return value
  } catch (error) {
    if (error instanceof cel().CelCostExceeded) budget.spend(PER_CALL_LIMIT)
    throw error
  }
}

/** Text of the error of an expression, wherever it is stored. */
export function expressionError(compiled: CompiledExpression): string | undefined {
  return 'error' in compiled ? compiled.error : undefined
}

/** `{name, expression}` objects of a list that a client wrote. */
export function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : []
}
