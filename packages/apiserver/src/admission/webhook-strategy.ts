import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import { dnsLabelError, dnsSubdomainError } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import { checkSelector, strings } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { checkClientConfig } from './client-config.ts'
import { records } from './expressions.ts'
import { checkConditions, checkRule, checkWord, text } from './field-checks.ts'
import type { Errors } from './field-checks.ts'

const REVIEW_VERSIONS = ['v1', 'v1beta1']
const SIDE_EFFECTS = ['None', 'NoneOnDryRun']

/** Match conditions of webhooks know no parameters. */
export const webhookScope = { params: false, authorizer: true } as const

/** MutatingWebhookConfiguration and ValidatingWebhookConfiguration: validation on each write. */
export function webhookStrategy(mutating: boolean): Strategy {
  return { validate: (object) => validate(object, mutating) }
}

function validate(object: AnyObject, mutating: boolean): FieldError[] {
  const errors: Errors = []
  const webhooks = object['webhooks'] ?? []
  if (!Array.isArray(webhooks) || !webhooks.every(isRecord)) {
    return [fieldInvalid('webhooks', webhooks as Json, 'must be a list of webhooks')]
  }
  const names = new Set<string>()
  for (const [index, webhook] of webhooks.entries()) {
    const field = `webhooks[${index}]`
    const name = text(webhook['name'])
    checkName(name, `${field}.name`, errors)
    checkWebhook(webhook, field, mutating, errors)
    checkReviewVersions(webhook['admissionReviewVersions'], `${field}.admissionReviewVersions`, errors)
    if (name !== '' && names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
    names.add(name)
  }
  return errors
}

function checkName(name: string, field: string, errors: Errors): void {
  if (name === '') {
    errors.push(fieldRequired(field))
    return
  }
  const problem = dnsSubdomainError(name)
  if (problem !== undefined) errors.push(fieldInvalid(field, name, problem))
  else if (name.split('.').length < 3) {
    errors.push(fieldInvalid(field, name, 'should be a domain with at least three segments separated by dots'))
  }
}

function checkWebhook(webhook: Record<string, unknown>, field: string, mutating: boolean, errors: Errors): void {
  for (const [index, rule] of records(webhook['rules']).entries()) checkRule(rule, `${field}.rules[${index}]`, errors)
  checkWord(webhook['failurePolicy'], ['Fail', 'Ignore'], `${field}.failurePolicy`, errors)
  checkWord(webhook['matchPolicy'], ['Equivalent', 'Exact'], `${field}.matchPolicy`, errors)
  const { sideEffects, timeoutSeconds: timeout } = webhook
  if (sideEffects === undefined || sideEffects === null) {
    errors.push(fieldRequired(`${field}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`))
  } else if (!SIDE_EFFECTS.includes(sideEffects as string)) {
    errors.push(fieldNotSupported(`${field}.sideEffects`, sideEffects as Json, SIDE_EFFECTS))
  }
  if (!Number.isInteger(timeout) || (timeout as number) < 1 || (timeout as number) > 30) {
    const why = 'the timeout value must be between 1 and 30 seconds'
    errors.push(fieldInvalid(`${field}.timeoutSeconds`, timeout as Json, why))
  }
  checkSelector(webhook['namespaceSelector'], `${field}.namespaceSelector`, errors)
  checkSelector(webhook['objectSelector'], `${field}.objectSelector`, errors)
  if (mutating) {
    checkWord(webhook['reinvocationPolicy'], ['IfNeeded', 'Never'], `${field}.reinvocationPolicy`, errors)
  }
  checkClientConfig(webhook['clientConfig'], `${field}.clientConfig`, errors)
  checkConditions(webhook['matchConditions'], webhookScope, `${field}.matchConditions`, errors)
}

function checkReviewVersions(value: unknown, field: string, errors: Errors): void {
  const versions = strings(value, field, errors)
  if (versions.length === 0) {
    errors.push(fieldRequired(field, `must specify one of ${REVIEW_VERSIONS.join(', ')}`))
    return
  }
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.push(fieldInvalid(`${field}[${index}]`, version, 'duplicate version'))
    else {
      const problem = dnsLabelError(version)
      if (problem !== undefined) errors.push(fieldInvalid(`${field}[${index}]`, version, problem))
    }
  }
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(fieldInvalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  }
}
