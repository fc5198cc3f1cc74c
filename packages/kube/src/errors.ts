import type { Json } from './types.ts'

/** One reason among several, as in metav1.StatusCause. */
export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

/** metav1.StatusDetails. `kind` is the resource for most reasons and the kind for `Invalid`. */
export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** metav1.Status: the body of every failed answer and of some successful ones. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { resourceVersion?: string; continue?: string }
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  /** HTTP status code. */
  code?: number
}

/** A refusal by an API server, ours or another; callers decide by {@link reason}, people read the message. */
export class ApiError extends Error {
  readonly status: Status

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options)
    this.name = 'ApiError'
    this.status = status
  }

  /** HTTP status code; 500 when the status carries none. */
  get code(): number {
    return this.status.code ?? 500
  }

  /** metav1.StatusReason; empty when unknown. */
  get reason(): string {
    return this.status.reason ?? ''
  }

  /** How long the server asked to wait before the next try, in milliseconds. */
  get retryAfterMs(): number | undefined {
    const seconds = this.status.details?.retryAfterSeconds
    return seconds === undefined ? undefined : seconds * 1000
  }
}

/** No answer came, or it broke off: refused, reset, timed out. Whether a write happened is unknown. */
export class ConnectionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConnectionError'
  }
}

export interface GroupResource {
  readonly group: string
  readonly resource: string
}

export interface GroupKind {
  readonly group: string
  readonly kind: string
}

/** One invalid field; `message` is the text after the path, as it appears in a status cause. */
export interface FieldError {
  readonly reason: FieldErrorReason
  readonly message: string
  /** Path with dots and brackets: `spec.stages[0].name`. */
  readonly field: string
}

/** The cause reasons of k8s.io/apimachinery/pkg/util/validation/field. */
export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueNotFound'
  | 'InternalError'

function failure(code: number, reason: string, message: string, details?: StatusDetails): ApiError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  if (details !== undefined) status.details = details
  return new ApiError(status)
}

function qualified(name: string, group: string): string {
  return group === '' ? name : `${name}.${group}`
}

/** Empty strings are left out, as Go's `omitempty` does. */
function detailsOf(name: string, group: string, kind: string, causes?: readonly StatusCause[]): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    ...(causes === undefined || causes.length === 0 ? {} : { causes: [...causes] }),
  }
}

/** 404: no such object. */
export function notFound(target: GroupResource, name: string): ApiError {
  const message = `${qualified(target.resource, target.group)} ${JSON.stringify(name)} not found`
  return failure(404, 'NotFound', message, detailsOf(name, target.group, target.resource))
}

/** 404: nothing is served at this path. */
export function resourceNotFound(): ApiError {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {})
}

/** 409: an object of this name exists. */
export function alreadyExists(target: GroupResource, name: string): ApiError {
  const message = `${qualified(target.resource, target.group)} ${JSON.stringify(name)} already exists`
  return failure(409, 'AlreadyExists', message, detailsOf(name, target.group, target.resource))
}

/** 409: a precondition (resourceVersion, uid) does not hold. */
export function conflict(target: GroupResource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(target.resource, target.group)} ${JSON.stringify(name)}: ${why}`
  return failure(409, 'Conflict', message, detailsOf(name, target.group, target.resource))
}

/** 409: server-side apply meets fields of other managers; each cause has reason `FieldManagerConflict`. */
export function applyConflict(message: string, causes: readonly StatusCause[]): ApiError {
  return failure(409, 'Conflict', message, { causes: [...causes] })
}

/** 422: the object breaks its schema or rules. Equal messages are said once, as Kubernetes does. */
export function invalid(target: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  const messages = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))]
  const why = messages.length > 1 ? `: [${messages.join(', ')}]` : messages.length === 1 ? `: ${messages[0]}` : ''
  const message = `${qualified(target.kind, target.group)} ${JSON.stringify(name)} is invalid${why}`
  const causes = errors.map(({ reason, message: text, field }) => ({ reason, message: text, field }))
  return failure(422, 'Invalid', message, detailsOf(name, target.group, target.kind, causes))
}

/** 422 for a patch that does not fit the object; Kubernetes does not say more than that. */
export function patchRejected(): ApiError {
  return failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
}

/** 403: authenticated, but not allowed. `name` may be empty for requests on collections. */
export function forbidden(target: GroupResource, name: string, why: string, causes?: readonly StatusCause[]): ApiError {
  const { group, resource } = target
  const what = qualified(resource, group)
  const subject = what === '' ? '' : name === '' ? `${what} is ` : `${what} ${JSON.stringify(name)} is `
  return failure(403, 'Forbidden', `${subject}forbidden: ${why}`, detailsOf(name, group, resource, causes))
}

/** 400: the request itself cannot be understood. */
export function badRequest(message: string): ApiError {
  return failure(400, 'BadRequest', message)
}

/** 401: who asks is not known. */
export function unauthorized(): ApiError {
  return failure(401, 'Unauthorized', 'Unauthorized')
}

/** 410: the resource version or continue token is older than the history kept. */
export function expired(message: string): ApiError {
  return failure(410, 'Expired', message)
}

/** 405: the verb is not served for this resource. `action` is the verb as clients know it: `patch`, `deletecollection`. */
export function methodNotAllowed(target: GroupResource, action: string): ApiError {
  const message = `${action} is not supported on resources of kind ${JSON.stringify(qualified(target.resource, target.group))}`
  return failure(405, 'MethodNotAllowed', message, detailsOf('', target.group, target.resource))
}

/** 405 of a path that has no such method, whatever lies there. */
export function methodNotServed(): ApiError {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}

/** 406 of a built-in kind, which says it in other words than one that is defined. */
export function noSuchRepresentation(types: readonly string[]): ApiError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`
  return failure(406, 'NotAcceptable', message, {})
}

/** 406: none of the media types the client accepts can be produced. */
export function notAcceptable(types: readonly string[]): ApiError {
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`)
}

/** 415: the body is of a media type that is not read here. */
export function unsupportedMediaType(types: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`
  return failure(415, 'UnsupportedMediaType', message)
}

/** 415 of a patch of a built-in kind. */
export function unsupportedPatchType(): ApiError {
  return failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
}

/** 504: the client asks for a revision the server has not seen yet; it may retry after a second. */
export function tooLargeResourceVersion(requested: number, current: number): ApiError {
  return failure(504, 'Timeout', `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

/** 504: the request took longer than it may. */
export function timeoutError(message: string, retryAfterSeconds = 0): ApiError {
  return failure(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {})
}

/** 429: come back later. */
export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds })
}

/** 503: shutting down or not ready yet. */
export function serviceUnavailable(message: string): ApiError {
  return failure(503, 'ServiceUnavailable', message)
}

/** 413: the body exceeds the limit. */
export function requestEntityTooLarge(message: string): ApiError {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`)
}

/** 500 without a reason: an error Kubernetes has given no kind. */
export function unknownError(message: string): ApiError {
  const { status } = failure(500, '', message)
  delete status.reason
  return new ApiError(status)
}

/** 500: a defect or an environment failure of the server. */
export function internalError(message: string): ApiError {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

function withDetail(head: string, detail: string | undefined): string {
  return detail === undefined || detail === '' ? head : `${head}: ${detail}`
}

/** A required field is missing or empty. */
export function fieldRequired(field: string, detail?: string): FieldError {
  return { reason: 'FieldValueRequired', message: withDetail('Required value', detail), field }
}

/** The value is of the right type but not allowed. */
export function fieldInvalid(field: string, value: Json | undefined, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', message: withDetail(`Invalid value: ${shown(value)}`, detail), field }
}

/** The value is of another type than the schema says. */
export function fieldTypeInvalid(field: string, value: Json | undefined, detail: string): FieldError {
  return { reason: 'FieldValueTypeInvalid', message: withDetail(`Invalid value: ${shown(value)}`, detail), field }
}

/** The value is not one of an enumeration. */
export function fieldNotSupported(field: string, value: Json | undefined, supported: readonly Json[]): FieldError {
  const detail = supported.length === 0 ? undefined : `supported values: ${supported.map(shown).join(', ')}`
  return { reason: 'FieldValueNotSupported', message: withDetail(`Unsupported value: ${shown(value)}`, detail), field }
}

/** The field may not be set or changed here. */
export function fieldForbidden(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', message: withDetail('Forbidden', detail), field }
}

/** The value must be unique and is not. */
export function fieldDuplicate(field: string, value: Json | undefined): FieldError {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}`, field }
}

/** A string is longer than `maxBytes`. */
export function fieldTooLong(field: string, maxBytes: number): FieldError {
  return { reason: 'FieldValueTooLong', message: `Too long: may not be more than ${maxBytes} bytes`, field }
}

/** A list or map has more than `max` items. */
export function fieldTooMany(field: string, actual: number, max: number): FieldError {
  const message = `Too many: ${actual}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`
  return { reason: 'FieldValueTooMany', message, field }
}

/** Something the field refers to does not exist. */
export function fieldNotFound(field: string, value: Json | undefined): FieldError {
  return { reason: 'FieldValueNotFound', message: `Not found: ${shown(value)}`, field }
}

function shown(value: Json | undefined): string {
  const json = JSON.stringify(value ?? null)
  // What is no text is shown by an encoder that makes JSON fit for HTML.
  return typeof value === 'object' ? json.replaceAll(/[<>&]/g, (sign) => HTML_SIGNS[sign]!) : json
}

const HTML_SIGNS: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }

function hasReason(error: unknown, ...reasons: readonly string[]): error is ApiError {
  return error instanceof ApiError && reasons.includes(error.reason)
}

export function isNotFound(error: unknown): error is ApiError {
  return hasReason(error, 'NotFound')
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return hasReason(error, 'AlreadyExists')
}

export function isConflict(error: unknown): error is ApiError {
  return hasReason(error, 'Conflict')
}

/** Whether server-side apply met fields of other managers; any other conflict is worth another try. */
export function isFieldConflict(error: unknown): error is ApiError {
  const causes = isConflict(error) ? error.status.details?.causes : undefined
  return causes?.some(({ reason }) => reason === 'FieldManagerConflict') === true
}

export function isInvalid(error: unknown): error is ApiError {
  return hasReason(error, 'Invalid')
}

export function isForbidden(error: unknown): error is ApiError {
  return hasReason(error, 'Forbidden')
}

export function isUnauthorized(error: unknown): error is ApiError {
  return hasReason(error, 'Unauthorized')
}

/** The history asked for is gone: list again. `Gone` is the older word for it. */
export function isExpired(error: unknown): error is ApiError {
  return hasReason(error, 'Expired', 'Gone') || (error instanceof ApiError && error.code === 410)
}

/** The server has not reached the revision asked for, or was restored to an older state. */
export function isTooLargeResourceVersion(error: unknown): error is ApiError {
  return (
    hasReason(error, 'Timeout') &&
    (error.status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') ?? false)
  )
}

/** The message of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
