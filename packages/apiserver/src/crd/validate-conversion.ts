import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { dnsLabelError, dnsSubdomainError } from '../dns-names.ts'
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
  const { url, service } = config
  if ((url === undefined) === (service === undefined)) {
    return [fieldRequired(field, 'exactly one of url or service is required')]
  }
  return url === undefined ? validateService(service!, `${field}.service`) : validateUrl(url, `${field}.url`)
}

function validateUrl(url: string, field: string): FieldError[] {
  const form = '; desired format: https://host[/path]'
  const [, scheme = '', authority = '', query, fragment] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(url) ?? []
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const errors: FieldError[] = []
  if (scheme.toLowerCase() !== 'https') {
    errors.push(fieldInvalid(field, scheme, `'https' is the only allowed URL scheme${form}`))
  }
  if (host === '') errors.push(fieldInvalid(field, host, `host must be specified${form}`))
  if (at !== -1) {
    errors.push(fieldInvalid(field, authority.slice(0, at), 'user information is not permitted in the URL'))
  }
  if ((fragment ?? '') !== '') errors.push(fieldInvalid(field, fragment, 'fragments are not permitted in the URL'))
  if ((query ?? '') !== '') errors.push(fieldInvalid(field, query, 'query parameters are not permitted in the URL'))
  return errors
}

function validateService(
  { name, namespace, port = 443, path }: NonNullable<WebhookClientConfig['service']>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = []
  if ((name ?? '') === '') errors.push(fieldRequired(`${field}.name`))
  if ((namespace ?? '') === '') errors.push(fieldRequired(`${field}.namespace`))
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    errors.push(fieldInvalid(`${field}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'))
  }
  return path === undefined ? errors : [...errors, ...validatePath(path, `${field}.path`)]
}

function validatePath(path: string, field: string): FieldError[] {
  if (path === '' || path === '/') return []
  if (path === '//') return [fieldInvalid(field, path, 'segment[0] may not be empty')]
  const errors: FieldError[] = []
  if (!path.startsWith('/')) errors.push(fieldInvalid(field, path, "must start with a '/'"))
  const segments = path.slice(1).replace(/\/$/, '').split('/')
  for (const [index, segment] of segments.entries()) {
    const why = dnsSubdomainError(segment)
    if (segment === '') errors.push(fieldInvalid(field, path, `segment[${index}] may not be empty`))
    else if (why !== undefined) errors.push(fieldInvalid(field, path, `segment[${index}]: ${why}`))
  }
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
