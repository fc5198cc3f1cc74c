import { fieldInvalid, fieldRequired } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { dnsSubdomainError } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import { text } from './field-checks.ts'
import type { Errors } from './field-checks.ts'

const FORM = '; desired format: https://host[/path]'
/** Scheme, authority, query and fragment. */
const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s

/** Rules of a WebhookClientConfig, of admission and of conversion webhooks alike. */
export function checkClientConfig(config: unknown, field: string, errors: Errors): void {
  const { url, service, caBundle } = isRecord(config) ? config : {}
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldRequired(field, 'exactly one of url or service is required'))
  } else if (url !== undefined) {
    checkUrl(url, `${field}.url`, errors)
  } else {
    checkService(service, `${field}.service`, errors)
  }
  if (
    caBundle !== undefined &&
    caBundle !== null &&
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text(caBundle))
  ) {
    errors.push(fieldInvalid(`${field}.caBundle`, caBundle as Json, 'must be PEM in base64'))
  }
}

function checkUrl(url: unknown, field: string, errors: Errors): void {
  const [, scheme = '', authority = '', query = '', fragment = ''] = URL_PARTS.exec(text(url)) ?? []
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  if (scheme.toLowerCase() !== 'https') {
    errors.push(fieldInvalid(field, scheme, `'https' is the only allowed URL scheme${FORM}`))
  }
  if (host === '') errors.push(fieldInvalid(field, host, `host must be specified${FORM}`))
  if (at !== -1) {
    errors.push(fieldInvalid(field, authority.slice(0, at), 'user information is not permitted in the URL'))
  }
  if (fragment !== '') errors.push(fieldInvalid(field, fragment, 'fragments are not permitted in the URL'))
  if (query !== '') errors.push(fieldInvalid(field, query, 'query parameters are not permitted in the URL'))
  // What is left may still be nothing that can be asked, like a port that is no number.
  if (host !== '' && URL.parse(text(url)) === null) {
    errors.push(fieldRequired(field, `url must be a valid URL: ${JSON.stringify(url)} cannot be parsed${FORM}`))
  }
}

function checkService(service: unknown, field: string, errors: Errors): void {
  const { name, namespace, port = 443, path } = isRecord(service) ? service : {}
  if (text(name) === '') errors.push(fieldRequired(`${field}.name`))
  if (text(namespace) === '') errors.push(fieldRequired(`${field}.namespace`))
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
    const why = 'port is not valid: must be between 1 and 65535, inclusive'
    errors.push(fieldInvalid(`${field}.port`, port as Json, why))
  }
  if (path !== undefined && path !== null) checkPath(text(path), `${field}.path`, errors)
}

function checkPath(path: string, field: string, errors: Errors): void {
  if (path === '' || path === '/') return
  if (path === '//') {
    errors.push(fieldInvalid(field, path, 'segment[0] may not be empty'))
    return
  }
  if (!path.startsWith('/')) errors.push(fieldInvalid(field, path, "must start with a '/'"))
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  for (const [index, step] of steps.entries()) {
    const problem = step === '' ? ' may not be empty' : dnsSubdomainError(step)
    if (problem !== undefined) {
      errors.push(fieldInvalid(field, path, `segment[${index}]${step === '' ? problem : `: ${problem}`}`))
    }
  }
}
