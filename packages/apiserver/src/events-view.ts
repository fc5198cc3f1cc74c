import type { AnyObject } from './objects/object.ts'
import type { Conversion } from './served-resource.ts'

/** Names of the same field in events.k8s.io/v1 and in v1. */
const RENAMED: readonly (readonly [served: string, stored: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
]

const TO_STORED = new Map(RENAMED)
const TO_SERVED = new Map(RENAMED.map(([served, stored]) => [stored, served]))

function renamed(object: AnyObject, names: ReadonlyMap<string, string>, apiVersion: string): AnyObject {
  const result: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(object)) result[names.get(field) ?? field] = value
  result['apiVersion'] = apiVersion
  return result as unknown as AnyObject
}

/** events.k8s.io/v1 as another view of the events of the core group. */
export const eventsConversion: Conversion = {
  toServed: (object) => renamed(object, TO_SERVED, 'events.k8s.io/v1'),
  toStored: (object) => renamed(object, TO_STORED, 'v1'),
}
