import { isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'

/** Annotations that hold, in the first version of autoscalers, what only the second one has fields for. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'

export const OF_SPEC = [METRICS, BEHAVIOR]
export const OF_STATUS = [CURRENT_METRICS, CONDITIONS]
const OF_CONVERSION = [
  ...OF_SPEC,
  ...OF_STATUS,
  'autoscaling.alpha.kubernetes.io/scale-down-tolerance',
  'autoscaling.alpha.kubernetes.io/scale-up-tolerance',
]

/** What the annotations say; undefined where there is none, or none that can be read. */
export interface Annotated {
  readonly metrics: Json | undefined
  readonly behavior: Json | undefined
  readonly currentMetrics: Json | undefined
  readonly conditions: Json | undefined
}

export function readAnnotations({ metadata: { annotations } }: AnyObject): Annotated {
  return {
    metrics: parsed(annotations?.[METRICS]),
    behavior: parsed(annotations?.[BEHAVIOR]),
    currentMetrics: parsed(annotations?.[CURRENT_METRICS]),
    conditions: parsed(annotations?.[CONDITIONS]),
  }
}

function parsed(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** The metadata with these annotations, and no others that a conversion makes. */
export function withAnnotated(metadata: AnyObject['metadata'], said: Partial<Annotated>): AnyObject['metadata'] {
  const { annotations, ...rest } = metadata
  const next: Record<string, string> = {}
  for (const [name, value] of Object.entries(annotations ?? {})) if (!OF_CONVERSION.includes(name)) next[name] = value
  const set = (name: string, value: Json | undefined): void => {
    if (value !== undefined) next[name] = encoded(value)
  }
  set(BEHAVIOR, said.behavior)
  set(CONDITIONS, said.conditions)
  set(CURRENT_METRICS, said.currentMetrics)
  set(METRICS, said.metrics)
  if (Object.keys(next).length === 0) return rest
  // Where readers expect them.
  const sorted = Object.fromEntries(Object.entries(next).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  return annotations === undefined ? { ...rest, annotations: sorted } : { ...metadata, annotations: sorted }
}

/** As Go encodes JSON. */
function encoded(value: Json): string {
  return JSON.stringify(value).replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
}

/** The object without annotations that only mean something in the first version. */
export function withoutAnnotated(object: JsonObject): JsonObject {
  const { metadata } = object
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined
  if (!isObject(annotations) || !OF_CONVERSION.some((name) => Object.hasOwn(annotations, name))) return object
  return { ...object, metadata: withAnnotated(metadata as unknown as AnyObject['metadata'], {}) as unknown as Json }
}

/** The object with annotations of these names as something else has them. */
export function withAnnotationsOf(
  object: AnyObject,
  other: AnyObject['metadata']['annotations'],
  names: readonly string[],
): AnyObject {
  const annotations = { ...object.metadata.annotations }
  for (const name of names) {
    const value = other?.[name]
    if (value === undefined) delete annotations[name]
    else annotations[name] = value
  }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** Percent of what pods ask for that they use of the processor, when nobody says what to reach. */
export const USUAL_UTILIZATION = 80

/** Whether an annotation states metrics, so that there need not be any other. */
export function statesMetrics(metadata: Json | undefined): boolean {
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined
  const text = isObject(annotations) ? (annotations as JsonObject)[METRICS] : undefined
  const metrics = typeof text === 'string' ? parsed(text) : undefined
  return Array.isArray(metrics) && metrics.length > 0
}
