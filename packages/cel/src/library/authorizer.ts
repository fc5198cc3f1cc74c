import {
  Authorizer,
  GroupCheck,
  PathCheck,
  ResourceCheck,
  authorizerType,
  decisionType,
  groupCheckType,
  pathCheckType,
  resourceCheckType,
} from '../authorizer.ts'
import type { Decision, ResourceAttributes } from '../authorizer.ts'
import { CelEvaluationError } from '../errors.ts'
import { define, member } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { fixed, sizeOf } from '../prices.ts'
import { exactly, listCost, perCharacter, plus, scale, structCost } from '../ranges.ts'
import type { Range } from '../ranges.ts'
import { celBool, celString } from '../types.ts'

/** So dear that an expression can ask twice and no more. */
const checking = fixed(350_000)

/** The shortest requirement of a selector is two characters long: `k,`. */
const requirementsPerCharacter = 0.5

function selectorCost(size: Range): Range {
  const requirements = scale(size, requirementsPerCharacter)
  return plus(plus(exactly(listCost), scale(size, perCharacter)), scale(requirements, listCost + structCost))
}

const selecting: Price = {
  actual: ([, selector]) => selectorCost(exactly(sizeOf(selector!))).max,
  estimate: ([, selector]) => ({ cost: selectorCost(selector!.size) }),
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/

function serviceAccount(authorizer: Authorizer, namespace: string, name: string): Authorizer {
  if (!SUBDOMAIN.test(name)) throw new CelEvaluationError('Invalid service account name')
  if (!LABEL.test(namespace)) throw new CelEvaluationError('Invalid service account namespace')
  return new Authorizer(authorizer.authorize, { namespace, name })
}

function pathCheck(authorizer: Authorizer, path: string): PathCheck {
  if (path.trim() === '') throw new CelEvaluationError('path must not be empty')
  return new PathCheck(authorizer, path)
}

function resourceCheck({ authorizer, group }: GroupCheck, resource: string): ResourceCheck {
  if (resource.trim() === '') throw new CelEvaluationError('resource must not be empty')
  const nothing = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' }
  return new ResourceCheck(authorizer, { group, resource, ...nothing })
}

/** A method that sets one attribute of what is asked about. */
function attribute(name: keyof ResourceAttributes, id: string, price?: Price): FunctionDeclaration {
  const run = (check: ResourceCheck, value: string): ResourceCheck => check.with({ [name]: value })
  return define(name, member(id, [resourceCheckType, celString], resourceCheckType, run, price))
}

export const authorizerFunctions: readonly FunctionDeclaration[] = [
  define('path', member('authorizer_path', [authorizerType, celString], pathCheckType, pathCheck)),
  define(
    'group',
    member(
      'authorizer_group',
      [authorizerType, celString],
      groupCheckType,
      (authorizer: Authorizer, group: string) => new GroupCheck(authorizer, group),
    ),
  ),
  define(
    'serviceAccount',
    member('authorizer_serviceaccount', [authorizerType, celString, celString], authorizerType, serviceAccount),
  ),
  define('resource', member('groupcheck_resource', [groupCheckType, celString], resourceCheckType, resourceCheck)),
  attribute('subresource', 'resourcecheck_subresource'),
  attribute('namespace', 'resourcecheck_namespace'),
  attribute('name', 'resourcecheck_name'),
  attribute('fieldSelector', 'authorizer_fieldselector', selecting),
  attribute('labelSelector', 'authorizer_labelselector', selecting),
  define(
    'check',
    member(
      'pathcheck_check',
      [pathCheckType, celString],
      decisionType,
      ({ authorizer, path }: PathCheck, verb: string) => authorizer.ask({ verb, path }),
      checking,
    ),
    member(
      'resourcecheck_check',
      [resourceCheckType, celString],
      decisionType,
      ({ authorizer, resource }: ResourceCheck, verb: string) => authorizer.ask({ verb, resource }),
      checking,
    ),
  ),
  define(
    'allowed',
    member('decision_allowed', [decisionType], celBool, ({ answer }: Decision) => answer.allowed),
  ),
  define(
    'reason',
    member('decision_reason', [decisionType], celString, ({ answer }: Decision) => answer.reason ?? ''),
  ),
  define(
    'errored',
    member('decision_errored', [decisionType], celBool, ({ answer }: Decision) => answer.error !== undefined),
  ),
  define(
    'error',
    member('decision_error', [decisionType], celString, ({ answer }: Decision) => answer.error ?? ''),
  ),
]
