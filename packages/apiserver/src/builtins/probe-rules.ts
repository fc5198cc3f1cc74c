import { fieldForbidden, fieldInvalid, fieldRequired } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { recordsAt, text } from './cells.ts'
import { noneNegative, oneOf, portNumber, portNumberOrName } from './rules.ts'
import type { Errors } from './rules.ts'

type Part = Readonly<Record<string, unknown>>

const HEADER = /^[-A-Za-z0-9]+$/
const HEADER_RULE =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is " +
  "'[-A-Za-z0-9]+')"

/** The one thing a probe or hook does. */
export function checkHandlers(handlers: Part, path: string, graceSeconds: number, errors: Errors): void {
  let count = 0
  for (const kind of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep']) {
    const handler = handlers[kind]
    if (!isRecord(handler)) continue
    const place = `${path}.${kind}`
    if (count++ > 0) errors.push(fieldForbidden(place, 'may not specify more than 1 handler type'))
    else checkHandler(kind, handler, place, graceSeconds, errors)
  }
  if (count === 0) errors.push(fieldRequired(path, 'must specify a handler type'))
}

function checkHandler(kind: string, handler: Part, path: string, graceSeconds: number, errors: Errors): void {
  const { command, port, scheme, seconds = 0 } = handler
  switch (kind) {
    case 'exec':
      if (!Array.isArray(command) || command.length === 0) errors.push(fieldRequired(`${path}.command`))
      break
    case 'httpGet':
      if (text('path')(handler) === '') errors.push(fieldRequired(`${path}.path`))
      portNumberOrName(port, `${path}.port`, errors)
      oneOf(scheme, ['HTTP', 'HTTPS'], `${path}.scheme`, errors)
      for (const header of recordsAt(handler, 'httpHeaders')) {
        const name = text('name')(header)
        if (!HEADER.test(name)) errors.push(fieldInvalid(`${path}.httpHeaders`, name, HEADER_RULE))
      }
      break
    case 'tcpSocket':
      portNumberOrName(port, `${path}.port`, errors)
      break
    case 'grpc':
      portNumber(port, `${path}.port`, errors)
      break
    default:
      if ((seconds as number) < 0 || (seconds as number) > graceSeconds) {
        const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`
        errors.push(fieldInvalid(path, seconds as number, why))
      }
  }
}

const NUMBERS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']

/** A probe; only one of being ready may ask for several successes, and only the others may end a container. */
export function checkProbe(probe: Part, path: string, ends: boolean, graceSeconds: number, errors: Errors): void {
  checkHandlers(probe, path, graceSeconds, errors)
  noneNegative(probe, NUMBERS, path, errors)
  const { terminationGracePeriodSeconds: grace, successThreshold = 1 } = probe
  if (typeof grace === 'number' && grace <= 0) {
    errors.push(fieldInvalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  }
  if (!ends && grace !== undefined) {
    const why = 'must not be set for readinessProbes'
    errors.push(fieldInvalid(`${path}.terminationGracePeriodSeconds`, grace as number, why))
  }
  if (ends && successThreshold !== 1) {
    errors.push(fieldInvalid(`${path}.successThreshold`, successThreshold as number, 'must be 1'))
  }
}
