import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { checkClientConfig } from '../admission/client-config.ts'
import { dnsLabelError } from '../objects/dns-names.ts'
import type { DefinitionConversion, WebhookClientConfig } from './definition.ts'

const FIELD = 'spec.conversion'

/** Review versions this server can speak. */
const REVIEW_VERSIONS: readonly string[] = ['v1', 'v1beta1']

/** Whether the way objects change their version is complete. */
export function validateConversion(conversion: DefinitionConversion | undefined): FieldError[] {
  if (conversion === undefined) return []
  const { strategy, webhook } = conversion
  const field = `${FIELD}.strategy`
  const errors: FieldError[] = []
  if ((strategy ?? '') === '') errors.push(fieldRequired(field))
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(fieldNotSupported(field, strategy, ['None', 'Webhook']))
  }
  const config = webhook?.clientConfig ?? undefined
  const versions = webhook?.conversionReviewVersions ?? []
  // The fields are named as they were before v1, as an API server does.
  if (strategy === 'Webhook') {
    errors.push(...validateClient(config, `${FIELD}.webhookClientConfig`))
    errors.push(...validateReviewVersions(versions, `${FIELD}.conversionReviewVersions`))
    return errors
  }
  const why = 'should not be set when strategy is not set to Webhook'
  if (config !== undefined) errors.push(fieldForbidden(`${FIELD}.webhookClientConfig`, why))
  if (versions.length > 0) errors.push(fieldForbidden(`${FIELD}.conversionReviewVersions`, why))
  return errors
}

function validateClient(config: WebhookClientConfig | undefined, field: string): FieldError[] {
  if (config === undefined) return [fieldRequired(field, 'required when strategy is set to Webhook')]
  const errors: FieldError[] = []
  checkClientConfig(config, field, errors)
  return errors
}

function validateReviewVersions(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [fieldRequired(field)]
  const errors: FieldError[] = []
  for (const [index, version] of versions.entries()) {
    const why = dnsLabelError(version)
    if (versions.indexOf(version) < index) errors.push(fieldInvalid(`${field}[${index}]`, version, 'duplicate version'))
    else if (why !== undefined) errors.push(fieldInvalid(`${field}[${index}]`, version, why))
  }
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(fieldInvalid(field, [...versions], `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  }
  return errors
}
