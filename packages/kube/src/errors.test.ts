import { describe, expect, test } from 'vitest'
import * as errors from './errors.ts'

const widgets = { group: 'example.com', resource: 'widgets' }
const pods = { group: '', resource: 'pods' }

describe('statuses say what Kubernetes says', () => {
  test.each<[errors.ApiError, number, string, string]>([
    [errors.notFound(widgets, 'w1'), 404, 'NotFound', 'widgets.example.com "w1" not found'],
    [errors.notFound(pods, 'p'), 404, 'NotFound', 'pods "p" not found'],
    [errors.resourceNotFound(), 404, 'NotFound', 'the server could not find the requested resource'],
    [errors.alreadyExists(widgets, 'w1'), 409, 'AlreadyExists', 'widgets.example.com "w1" already exists'],
    [
      errors.conflict(
        widgets,
        'w1',
        'the object has been modified; please apply your changes to the latest version and try again',
      ),
      409,
      'Conflict',
      'Operation cannot be fulfilled on widgets.example.com "w1": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [errors.forbidden(widgets, 'w1', 'no'), 403, 'Forbidden', 'widgets.example.com "w1" is forbidden: no'],
    [errors.forbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no'],
    [errors.forbidden({ group: '', resource: '' }, '', 'no'), 403, 'Forbidden', 'forbidden: no'],
    [errors.badRequest('what?'), 400, 'BadRequest', 'what?'],
    [errors.unauthorized(), 401, 'Unauthorized', 'Unauthorized'],
    [errors.expired('too old resource version: 1 (2)'), 410, 'Expired', 'too old resource version: 1 (2)'],
    [
      errors.methodNotAllowed(widgets, 'patch'),
      405,
      'MethodNotAllowed',
      'patch is not supported on resources of kind "widgets.example.com"',
    ],
    [
      errors.notAcceptable(['a/b', 'c/d']),
      406,
      'NotAcceptable',
      'only the following media types are accepted: a/b, c/d',
    ],
    [
      errors.unsupportedMediaType(['a/b']),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: a/b',
    ],
    [errors.tooLargeResourceVersion(9, 5), 504, 'Timeout', 'Timeout: Too large resource version: 9, current: 5'],
    [errors.timeoutError('slow'), 504, 'Timeout', 'Timeout: slow'],
    [errors.tooManyRequests('later', 3), 429, 'TooManyRequests', 'later'],
    [errors.serviceUnavailable('starting'), 503, 'ServiceUnavailable', 'starting'],
    [
      errors.requestEntityTooLarge('limit is 3145728'),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3145728',
    ],
    [errors.internalError('boom'), 500, 'InternalError', 'Internal error occurred: boom'],
  ])('%s', (error, code, reason, message) => {
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message])
    expect(error.status).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      code,
      reason,
      message,
    })
  })

  test('details name the resource, and leave out what is empty', () => {
    expect(errors.notFound(widgets, 'w1').status.details).toEqual({ name: 'w1', group: 'example.com', kind: 'widgets' })
    expect(errors.notFound(pods, 'p').status.details).toEqual({ name: 'p', kind: 'pods' })
  })

  test('one invalid field is said plainly, several in brackets, equal ones once', () => {
    const target = { group: 'example.com', kind: 'Widget' }
    const size = errors.fieldRequired('spec.size')
    const color = errors.fieldNotSupported('spec.color', 'red', ['blue', 'green'])
    expect(errors.invalid(target, 'w', [size]).message).toBe(
      'Widget.example.com "w" is invalid: spec.size: Required value',
    )
    const both = errors.invalid(target, 'w', [size, color, size])
    expect(both.message).toBe(
      'Widget.example.com "w" is invalid: [spec.size: Required value, spec.color: Unsupported value: "red": supported values: "blue", "green"]',
    )
    expect(both.status.details).toEqual({
      name: 'w',
      group: 'example.com',
      kind: 'Widget',
      causes: [size, color, size],
    })
    expect(errors.invalid({ group: '', kind: 'Pod' }, 'p', []).message).toBe('Pod "p" is invalid')
  })

  test('Retry-After is told in milliseconds', () => {
    expect(errors.tooManyRequests('later', 3).retryAfterMs).toBe(3000)
    expect(errors.badRequest('x').retryAfterMs).toBeUndefined()
  })
})

test.each<[errors.FieldError, errors.FieldErrorReason, string]>([
  [errors.fieldRequired('f'), 'FieldValueRequired', 'Required value'],
  [errors.fieldRequired('f', 'why'), 'FieldValueRequired', 'Required value: why'],
  [errors.fieldInvalid('f', 'x"y', 'why'), 'FieldValueInvalid', 'Invalid value: "x\\"y": why'],
  [errors.fieldInvalid('f', 3, 'why'), 'FieldValueInvalid', 'Invalid value: 3: why'],
  [errors.fieldInvalid('f', { a: [1] }, 'why'), 'FieldValueInvalid', 'Invalid value: {"a":[1]}: why'],
  [errors.fieldInvalid('f', undefined, 'why'), 'FieldValueInvalid', 'Invalid value: null: why'],
  [errors.fieldTypeInvalid('f', 'string', 'why'), 'FieldValueTypeInvalid', 'Invalid value: "string": why'],
  [errors.fieldNotSupported('f', 'x', []), 'FieldValueNotSupported', 'Unsupported value: "x"'],
  [errors.fieldForbidden('f', 'why'), 'FieldValueForbidden', 'Forbidden: why'],
  [errors.fieldDuplicate('f', 'x'), 'FieldValueDuplicate', 'Duplicate value: "x"'],
  [errors.fieldTooLong('f', 63), 'FieldValueTooLong', 'Too long: may not be more than 63 bytes'],
  [errors.fieldTooMany('f', 3, 2), 'FieldValueTooMany', 'Too many: 3: must have at most 2 items'],
  [errors.fieldTooMany('f', 2, 1), 'FieldValueTooMany', 'Too many: 2: must have at most 1 item'],
  [errors.fieldNotFound('f', 'x'), 'FieldValueNotFound', 'Not found: "x"'],
])('%j', (error, reason, message) => {
  expect(error).toEqual({ field: 'f', reason, message })
})

test('predicates look at the reason', () => {
  const expired = errors.expired('x')
  const gone = new errors.ApiError({ ...expired.status, reason: 'Gone' })
  expect([errors.isExpired(expired), errors.isExpired(gone), errors.isExpired(errors.badRequest('x'))]).toEqual([
    true,
    true,
    false,
  ])
  expect(errors.isNotFound(errors.notFound(pods, 'p'))).toBe(true)
  expect(errors.isAlreadyExists(errors.alreadyExists(pods, 'p'))).toBe(true)
  expect(errors.isConflict(errors.conflict(pods, 'p', 'x'))).toBe(true)
  expect(errors.isConflict(errors.alreadyExists(pods, 'p'))).toBe(false)
  expect(errors.isInvalid(errors.invalid({ group: '', kind: 'Pod' }, 'p', []))).toBe(true)
  expect(errors.isForbidden(errors.forbidden(pods, 'p', 'x'))).toBe(true)
  expect(errors.isUnauthorized(errors.unauthorized())).toBe(true)
  expect(errors.isTooLargeResourceVersion(errors.tooLargeResourceVersion(2, 1))).toBe(true)
  expect(errors.isTooLargeResourceVersion(errors.timeoutError('x'))).toBe(false)
  expect(errors.isNotFound(new Error('NotFound'))).toBe(false)
})
