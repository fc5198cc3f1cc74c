import { deepEqual, fieldInvalid, fieldRequired, labelKeyProblems } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'

type Fields = Readonly<Record<string, unknown>>

const MAX_WORD = 128
const MAX_MESSAGE = 1024

/** Namespaces in which events about things without a namespace are kept. */
const COMMON_NAMESPACES = new Set(['default', 'kube-system'])

/** Events in the core group: they may be changed at will. */
export const coreEventStrategy: Strategy = {
  validate: (object, live) => (live === undefined ? eventErrors(object, object, 'reportingComponent') : []),
}

/** Events in the group of their own: only their series may change. */
export function groupedEventStrategy(toCore: (object: AnyObject) => AnyObject): Strategy {
  return {
    validate(object, live) {
      const core = toCore(object)
      const errors = eventErrors(object, core, 'reportingController')
      return [...errors, ...(live === undefined ? newErrors(core) : changeErrors(core, toCore(live)))]
    },
  }
}

/** `object` has the names of its group, `event` those of the core group. */
function eventErrors({ metadata }: AnyObject, event: AnyObject, controllerField: string): FieldError[] {
  const { namespace = '' } = metadata
  const about = textOf(event['involvedObject'], 'namespace')
  const mismatch = fieldInvalid('involvedObject.namespace', about, 'does not match event.namespace')
  if (!isSet(event['eventTime'])) {
    return (about === '' ? namespace === 'default' : about === namespace) ? [] : [mismatch]
  }
  const errors: FieldError[] = about === '' && !COMMON_NAMESPACES.has(namespace) ? [mismatch] : []
  const controller = textOf(event, 'reportingComponent')
  if (controller === '') errors.push(fieldRequired(controllerField))
  errors.push(...labelKeyProblems(controller).map((why) => fieldInvalid(controllerField, controller, why)))
  for (const field of ['reportingInstance', 'action', 'reason']) {
    const word = textOf(event, field)
    if (word === '') errors.push(fieldRequired(field))
    else if (Buffer.byteLength(word) > MAX_WORD) errors.push(tooLong(field, MAX_WORD))
  }
  if (Buffer.byteLength(textOf(event, 'message')) > MAX_MESSAGE) errors.push(tooLong('message', MAX_MESSAGE))
  return errors
}

function tooLong(field: string, most: number): FieldError {
  return fieldInvalid(field, '', `can have at most ${most} characters`)
}

function newErrors(event: AnyObject): FieldError[] {
  const errors: FieldError[] = []
  if (!isSet(event['eventTime'])) errors.push(fieldRequired('eventTime'))
  const type = textOf(event, 'type')
  if (type !== 'Normal' && type !== 'Warning') errors.push(fieldInvalid('type', '', `has invalid value: ${type}`))
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count', 'source']) {
    const value = event[field]
    if (isSet(value) && value !== 0 && !(isRecord(value) && Object.keys(value).length === 0)) {
      errors.push(fieldInvalid(field, '', 'needs to be unset'))
    }
  }
  return [...errors, ...seriesErrors(event['series'])]
}

function seriesErrors(series: unknown): FieldError[] {
  if (!isRecord(series)) return []
  const errors: FieldError[] = []
  const { count = 0, lastObservedTime } = series
  if ((count as number) < 2) errors.push(fieldInvalid('series.count', '', 'should be at least 2'))
  if (!isSet(lastObservedTime)) errors.push(fieldRequired('series.lastObservedTime'))
  return errors
}

const FIXED: readonly (readonly [stored: string, told: string])[] = [
  ['involvedObject', 'involvedObject'],
  ['reason', 'reason'],
  ['message', 'message'],
  ['source', 'source'],
  ['firstTimestamp', 'firstTimestamp'],
  ['lastTimestamp', 'lastTimestamp'],
  ['count', 'count'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
]

function changeErrors(event: AnyObject, before: AnyObject): FieldError[] {
  return FIXED.flatMap(([stored, told]) => {
    const [now, then] = [event[stored], before[stored]].map((value) => (value ?? null) as Json)
    return deepEqual(now, then) ? [] : [fieldInvalid(told, shown(stored, now!), 'field is immutable')]
  })
}

/** References are shown with the field names of the code of an API server. */
function shown(field: string, value: Json): Json {
  if (field !== 'involvedObject' && field !== 'related') return value
  const part = (name: string): string => textOf(value, name)
  return {
    Kind: part('kind'),
    Namespace: part('namespace'),
    Name: part('name'),
    UID: part('uid'),
    APIVersion: part('apiVersion'),
    ResourceVersion: part('resourceVersion'),
    FieldPath: part('fieldPath'),
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function textOf(object: unknown, field: string): string {
  const value = isRecord(object) ? (object as Fields)[field] : undefined
  return typeof value === 'string' ? value : ''
}
