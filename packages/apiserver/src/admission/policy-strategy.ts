import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { dnsLabelError, dnsSubdomainError } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import { checkSelector, strings } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { records } from './expressions.ts'
import type { Scope } from './expressions.ts'
import { checkConditions, checkExpression, checkQualifiedName, checkRule, checkWord, text } from './field-checks.ts'
import type { Errors } from './field-checks.ts'
import { compileVariables } from './policy-variables.ts'

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const ACTIONS = ['Audit', 'Deny', 'Warn']
const MAX_AUDIT_ANNOTATIONS = 20
const MAX_AUDIT_EXPRESSION = 5 * 1024
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** ValidatingAdmissionPolicy: everything it says is checked, and its expressions compile, on each write. */
export const policyStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const { spec } = object
    if (isRecord(spec)) checkPolicy(spec, object.metadata.name, errors)
    else errors.push(fieldRequired('spec'))
    return errors
  },
}

function checkPolicy(spec: Record<string, unknown>, name: string, errors: Errors): void {
  checkWord(spec['failurePolicy'], ['Fail', 'Ignore'], 'spec.failurePolicy', errors)
  const params = spec['paramKind'] !== undefined && spec['paramKind'] !== null
  if (params) checkParamKind(spec['paramKind'], errors)
  const constraints = spec['matchConstraints']
  if (!isRecord(constraints)) errors.push(fieldRequired('spec.matchConstraints'))
  else {
    checkMatch(constraints, 'spec.matchConstraints', errors)
    if (records(constraints['resourceRules']).length === 0) {
      errors.push(fieldRequired('spec.matchConstraints.resourceRules'))
    }
  }
  checkConditions(spec['matchConditions'], { params, authorizer: true }, 'spec.matchConditions', errors)
  const scope: Scope = { params, authorizer: true, variables: checkVariables(spec['variables'], params, errors) }
  const validations = records(spec['validations'])
  const annotations = records(spec['auditAnnotations'])
  if (validations.length === 0 && annotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item'
    errors.push(fieldRequired('spec.validations', why), fieldRequired('spec.auditAnnotations', why))
  }
  for (const [index, validation] of validations.entries()) {
    checkValidation(validation, scope, `spec.validations[${index}]`, errors)
  }
  checkAnnotations(annotations, name, scope, errors)
}

function checkParamKind(kind: unknown, errors: Errors): void {
  const field = 'spec.paramKind'
  const { apiVersion, kind: name } = isRecord(kind) ? kind : {}
  const [group, version, ...rest] = text(apiVersion).includes('/')
    ? text(apiVersion).split('/')
    : ['', text(apiVersion)]
  if (text(apiVersion) === '') errors.push(fieldRequired(`${field}.apiVersion`))
  else if (rest.length > 0) {
    errors.push(
      fieldInvalid(`${field}.apiVersion`, text(apiVersion), `unexpected GroupVersion string: ${text(apiVersion)}`),
    )
  } else {
    const problem = group === '' ? undefined : dnsSubdomainError(group!)
    if (problem !== undefined) errors.push(fieldInvalid(`${field}.apiVersion`, group, problem))
    const versionProblem = version === '' ? 'version must be specified' : dnsLabelError(version!)
    if (versionProblem !== undefined) {
      errors.push(fieldInvalid(`${field}.apiVersion`, version === '' ? text(apiVersion) : version, versionProblem))
    }
  }
  if (text(name) === '') errors.push(fieldRequired(`${field}.kind`))
  else {
    const problem = dnsLabelError(text(name).toLowerCase())
    const why = `may have mixed case, but should otherwise match: ${problem}`
    if (problem !== undefined) errors.push(fieldInvalid(`${field}.kind`, text(name), why))
  }
}

function checkMatch(match: Record<string, unknown>, field: string, errors: Errors): void {
  checkWord(match['matchPolicy'], ['Equivalent', 'Exact'], `${field}.matchPolicy`, errors)
  for (const selector of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[selector] === undefined || match[selector] === null) errors.push(fieldRequired(`${field}.${selector}`))
    else checkSelector(match[selector], `${field}.${selector}`, errors)
  }
  for (const list of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of records(match[list]).entries()) {
      const at = `${field}.${list}[${index}]`
      checkResourceNames(rule['resourceNames'], `${at}.resourceNames`, errors)
      checkRule(rule, at, errors)
    }
  }
}

function checkResourceNames(value: unknown, field: string, errors: Errors): void {
  const names = strings(value, field, errors)
  for (const [index, name] of names.entries()) {
    checkSegment(name, `${field}[${index}]`, errors)
    if (names.indexOf(name) < index) errors.push(fieldDuplicate(`${field}[${index}]`, name))
  }
}

function checkSegment(name: string, field: string, errors: Errors): void {
  if (name === '.' || name === '..') errors.push(fieldInvalid(field, name, `may not be '${name}'`))
  for (const character of ['/', '%']) {
    if (name.includes(character)) errors.push(fieldInvalid(field, name, `may not contain '${character}'`))
  }
}

/** Checks variables, and returns the type of all of them. */
function checkVariables(value: unknown, params: boolean, errors: Errors): NonNullable<Scope['variables']> {
  const variables = records(value)
  const compiled = compileVariables(variables, params)
  for (const [index, { name, expression }] of variables.entries()) {
    const field = `spec.variables[${index}]`
    if (text(name).trim() === '') errors.push(fieldRequired(`${field}.name`, 'name is not specified'))
    else if (!IDENTIFIER.test(text(name)) || RESERVED.has(text(name))) {
      errors.push(fieldInvalid(`${field}.name`, text(name), 'name is not a valid CEL identifier'))
    }
    const problem = compiled.problems[index]
    if (text(expression).trim() === '') {
      errors.push(fieldRequired(`${field}.expression`, 'expression is not specified'))
    } else if (problem !== undefined) errors.push(fieldInvalid(`${field}.expression`, text(expression), problem))
  }
  return compiled.type
}

function checkValidation(validation: Record<string, unknown>, scope: Scope, field: string, errors: Errors): void {
  const { expression, message, messageExpression, reason } = validation
  if (text(expression).trim() === '') {
    errors.push(fieldRequired(`${field}.expression`, 'expression is not specified'))
  } else checkExpression(text(expression), ['bool'], scope, `${field}.expression`, errors)
  if (text(messageExpression) !== '') {
    const at = `${field}.messageExpression`
    if (text(messageExpression).trim() === '') {
      errors.push(fieldInvalid(at, text(messageExpression), 'must be non-empty if specified'))
    } else checkExpression(text(messageExpression), ['string'], { ...scope, authorizer: false }, at, errors)
  }
  if (text(message) !== '' && text(message).trim() === '') {
    errors.push(fieldInvalid(`${field}.message`, text(message), 'message must be non-empty if specified'))
  } else if (/[\n\r]/.test(text(message).trim())) {
    errors.push(fieldInvalid(`${field}.message`, text(message), 'message must not contain line breaks'))
  }
  if (reason !== undefined && reason !== null && !REASONS.includes(reason as string)) {
    errors.push(fieldNotSupported(`${field}.reason`, reason as Json, REASONS))
  }
}

function checkAnnotations(annotations: Record<string, unknown>[], policy: string, scope: Scope, errors: Errors): void {
  const field = 'spec.auditAnnotations'
  if (annotations.length > MAX_AUDIT_ANNOTATIONS) {
    const why = `must not have more than ${MAX_AUDIT_ANNOTATIONS} auditAnnotations`
    errors.push(fieldInvalid(field, annotations as unknown as Json, why))
  }
  const keys = new Set<string>()
  for (const [index, { key, valueExpression }] of annotations.entries()) {
    checkQualifiedName(`${policy}/${text(key)}`, `${field}[${index}].key`, errors)
    const at = `${field}[${index}].valueExpression`
    const expression = text(valueExpression).trim()
    if (expression === '') errors.push(fieldRequired(at, 'valueExpression is not specified'))
    else if (expression.length > MAX_AUDIT_EXPRESSION) {
      errors.push(fieldRequired(at, `must not exceed ${MAX_AUDIT_EXPRESSION} bytes in length`))
    } else checkExpression(expression, ['string', 'null'], scope, at, errors)
    if (keys.has(text(key))) errors.push(fieldDuplicate(`${field}[${index}].key`, text(key)))
    keys.add(text(key))
  }
}

/** ValidatingAdmissionPolicyBinding. */
export const policyBindingStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const { spec } = object
    if (isRecord(spec)) checkBinding(spec, errors)
    else errors.push(fieldRequired('spec'))
    return errors
  },
}

function checkBinding(spec: Record<string, unknown>, errors: Errors): void {
  const policy = text(spec['policyName'])
  const problem = dnsSubdomainError(policy)
  if (policy === '') errors.push(fieldRequired('spec.policyName'))
  else if (problem !== undefined) errors.push(fieldInvalid('spec.policyName', policy, problem))
  if (isRecord(spec['paramRef'])) checkParamRef(spec['paramRef'], 'spec.paramRef', errors)
  // Kubernetes misspells the path in its messages.
  if (isRecord(spec['matchResources'])) checkMatch(spec['matchResources'], 'spec.matchResouces', errors)
  const field = 'spec.validationActions'
  const actions = strings(spec['validationActions'], field, errors)
  for (const [index, action] of actions.entries()) {
    if (!ACTIONS.includes(action)) errors.push(fieldNotSupported(`${field}[${index}]`, action, ACTIONS))
    if (actions.indexOf(action) < index) errors.push(fieldDuplicate(`${field}[${index}]`, action))
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and ' +
      'headers serves no purpose)'
    errors.push(fieldInvalid(field, actions, why))
  }
  if (actions.length === 0) errors.push(fieldRequired(field, 'at least one validation action is required'))
}

function checkParamRef(reference: Record<string, unknown>, field: string, errors: Errors): void {
  const { selector } = reference
  const name = text(reference['name'])
  const selects = selector !== undefined && selector !== null
  const exclusive = 'name and selector are mutually exclusive'
  if (name !== '') {
    checkSegment(name, `${field}.name`, errors)
    if (selects) errors.push(fieldForbidden(`${field}.name`, exclusive))
  }
  if (selects) {
    checkSelector(selector, `${field}.selector`, errors)
    if (name !== '') errors.push(fieldForbidden(`${field}.selector`, exclusive))
  }
  if (name === '' && !selects) errors.push(fieldRequired(field, 'one of name or selector must be specified'))
  checkWord(reference['parameterNotFoundAction'], ['Deny', 'Allow'], `${field}.parameterNotFoundAction`, errors)
}
