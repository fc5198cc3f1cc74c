import { isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { Conversion, Strategy } from '../served-resource.ts'
import {
  OF_SPEC,
  OF_STATUS,
  readAnnotations,
  USUAL_UTILIZATION,
  withAnnotated,
  withAnnotationsOf,
} from './autoscaler-annotations.ts'
import { autoscalerStrategy } from './autoscaler-strategy.ts'
import { canonicalObject } from './canonical.ts'
import { at, recordsAt } from './cells.ts'
import { defaultsOf } from './defaults.ts'
import { messageOf } from './field-table.ts'
import { emptyListsToNull } from './stored-lists.ts'
import { TypeMismatch } from './type-mismatch.ts'

const FIRST = 'autoscaling/v1.HorizontalPodAutoscaler'
const SECOND = 'autoscaling/v2.HorizontalPodAutoscaler'

/** Names of amounts in the second version, and what the first calls them. */
type Names = Readonly<Record<string, string>>

/** How the first version of autoscalers spells one source of metrics. */
interface Spelling {
  readonly field: string
  readonly wanted: Names
  readonly current: Names
  /** Where it has the selector of a metric that has a name and a selector. */
  readonly selector?: string
}

const resource = {
  wanted: { averageUtilization: 'targetAverageUtilization', averageValue: 'targetAverageValue' },
  current: { averageUtilization: 'currentAverageUtilization', averageValue: 'currentAverageValue' },
}

const SPELLINGS: Readonly<Record<string, Spelling>> = {
  Resource: { field: 'resource', ...resource },
  ContainerResource: { field: 'containerResource', ...resource },
  Pods: {
    field: 'pods',
    wanted: { averageValue: 'targetAverageValue' },
    current: { averageValue: 'currentAverageValue' },
    selector: 'selector',
  },
  Object: {
    field: 'object',
    wanted: { value: 'targetValue', averageValue: 'averageValue' },
    current: { value: 'currentValue', averageValue: 'averageValue' },
    selector: 'selector',
  },
  External: {
    field: 'external',
    wanted: { value: 'targetValue', averageValue: 'targetAverageValue' },
    current: { value: 'currentValue', averageValue: 'currentAverageValue' },
    selector: 'metricSelector',
  },
}

/** What a target is measured in, which the first version does not say. */
function targetType(type: string, { value, averageValue, averageUtilization }: JsonObject): string {
  if (type === 'Object') return averageValue === undefined ? 'Value' : 'AverageValue'
  if (type === 'External') return value === undefined ? 'AverageValue' : 'Value'
  return averageUtilization === undefined ? 'AverageValue' : 'Utilization'
}

/** A metric of the first version, as the second one has it; `wanted` for one to reach, else what it is now. */
function metricToSecond(metric: JsonObject, wanted: boolean): JsonObject {
  const result: JsonObject = { ...metric }
  for (const [type, spelling] of Object.entries(SPELLINGS)) {
    const source = metric[spelling.field]
    if (!isObject(source)) continue
    const names = Object.entries(wanted ? spelling.wanted : spelling.current)
    const amounts: JsonObject = {}
    for (const [name, first] of names) if (source[first] !== undefined) amounts[name] = source[first]
    const { selector } = spelling
    const chosen = selector === undefined ? undefined : source[selector]
    result[spelling.field] = {
      ...('name' in source ? { name: source['name']! } : {}),
      ...('container' in source ? { container: source['container']! } : {}),
      ...(type === 'Object' ? { describedObject: source['target']! } : {}),
      ...(wanted ? { target: { type: targetType(type, amounts), ...amounts } } : { current: amounts }),
      ...(selector === undefined
        ? {}
        : { metric: { name: source['metricName']!, ...(chosen === undefined ? {} : { selector: chosen }) } }),
    }
  }
  return result
}

/** A metric of the second version, as the first one has it in an annotation. */
function metricToFirst(metric: Readonly<Record<string, unknown>>, wanted: boolean): JsonObject {
  const result: JsonObject = { type: metric['type'] as Json }
  for (const [type, spelling] of Object.entries(SPELLINGS)) {
    const source = metric[spelling.field] as Json | undefined
    if (!isObject(source)) continue
    const amounts = source[wanted ? 'target' : 'current']
    const first: JsonObject = {}
    for (const field of ['name', 'container']) if (source[field] !== undefined) first[field] = source[field]
    for (const [name, spelled] of Object.entries(wanted ? spelling.wanted : spelling.current)) {
      const amount = isObject(amounts) ? amounts[name] : undefined
      if (amount !== undefined) first[spelled] = amount
    }
    if (type === 'Object') first['target'] = source['describedObject']!
    if (spelling.selector !== undefined && isObject(source['metric'])) {
      first['metricName'] = source['metric']['name']!
      if (source['metric']['selector'] !== undefined) first[spelling.selector] = source['metric']['selector']
    }
    result[spelling.field] = first
  }
  return written(`autoscaling/v1.Metric${wanted ? 'Spec' : 'Status'}`, result)
}

/** An object of a message as it is written, with its fields in their order. */
function written(name: string, object: JsonObject): JsonObject {
  const message = messageOf(name)
  const canonical = canonicalObject(message, object, [])
  const ordered: JsonObject = {}
  for (const [field, { message: inner, shape }] of message.fields) {
    const value = canonical[field]
    if (value === undefined) continue
    ordered[field] = inner !== undefined && shape === 'single' && isObject(value) ? written(inner.name, value) : value
  }
  return ordered
}

/** Items of a list in an annotation; undefined where it is no list of them, which counts as if it were not there. */
function itemsOf(name: string, list: Json | undefined): JsonObject[] | undefined {
  if (!Array.isArray(list)) return undefined
  const items = list.filter(isObject)
  return items.length < list.length ? undefined : readable(() => items.map((item) => written(name, item)))
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof TypeMismatch) return undefined
    throw error
  }
}

const CONDITION = 'autoscaling/v2.HorizontalPodAutoscalerCondition'
const BEHAVIOR = 'autoscaling/v2.HorizontalPodAutoscalerBehavior'
/** All there is to say about one direction, in the order and with the names an annotation has. */
const RULES = ['StabilizationWindowSeconds', 'SelectPolicy', 'Policies', 'Tolerance']

function lowered(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

function withLoweredNames(value: Json): Json {
  if (Array.isArray(value)) return value.map(withLoweredNames)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [lowered(name), withLoweredNames(inner)]))
}

/** How to scale, as the annotation says it. */
function behaviorToSecond(value: Json | undefined): JsonObject | undefined {
  const given = value === undefined ? undefined : withLoweredNames(value)
  if (!isObject(given) || (!isObject(given['scaleUp']) && !isObject(given['scaleDown']))) return undefined
  return readable(() => canonicalObject(messageOf(BEHAVIOR), given, []))
}

function behaviorToFirst(behavior: unknown): JsonObject {
  const rules = (direction: string): Json => {
    const given = at(behavior, direction)
    if (given === undefined) return null
    return Object.fromEntries(
      RULES.map((name) => {
        const value = at(given, lowered(name)) as Json | undefined
        if (name !== 'Policies' || value === undefined) return [name, value ?? null]
        const policies = recordsAt(given, 'policies').map(({ type, value: amount, periodSeconds }) => {
          return { Type: type, Value: amount, PeriodSeconds: periodSeconds } as JsonObject
        })
        return [name, policies]
      }),
    )
  }
  return { ScaleUp: rules('scaleUp'), ScaleDown: rules('scaleDown') }
}

/** How much of the processor pods use is all that the first version has fields for. */
function isProcessor(metric: unknown): boolean {
  return at(metric, 'type') === 'Resource' && at(metric, 'resource', 'name') === 'cpu'
}

function utilization(metric: unknown, field: string): unknown {
  return isProcessor(metric) ? at(metric, 'resource', field, 'averageUtilization') : undefined
}

function processor(field: string, percent: Json, type: object = {}): JsonObject {
  return { type: 'Resource', resource: { name: 'cpu', [field]: { ...type, averageUtilization: percent } } }
}

function toSecond(object: AnyObject): AnyObject {
  const said = readAnnotations(object)
  const { targetCPUUtilizationPercentage: wanted, ...spec } = (object['spec'] ?? {}) as JsonObject
  const { currentCPUUtilizationPercentage: current, ...status } = (object['status'] ?? {}) as JsonObject
  const others = itemsOf('autoscaling/v1.MetricSpec', said.metrics) ?? []
  const metrics = others.map((metric) => metricToSecond(metric, true))
  if (wanted !== undefined || metrics.length === 0) {
    metrics.push(processor('target', wanted ?? USUAL_UTILIZATION, { type: 'Utilization' }))
  }
  const behavior = behaviorToSecond(said.behavior)
  const measured =
    itemsOf('autoscaling/v1.MetricStatus', said.currentMetrics)?.map((metric) => metricToSecond(metric, false)) ??
    (current === undefined ? undefined : [processor('current', current)])
  const conditions = itemsOf(CONDITION, said.conditions)
  const message = messageOf(SECOND)
  const second = canonicalObject(
    message,
    {
      ...object,
      apiVersion: 'autoscaling/v2',
      metadata: withAnnotated(object.metadata, {}),
      spec: { ...spec, metrics, ...(behavior === undefined ? {} : { behavior }) },
      status: {
        ...status,
        ...(measured === undefined ? {} : { currentMetrics: measured }),
        ...(conditions === undefined ? {} : { conditions }),
      },
    } as unknown as JsonObject,
    [],
  )
  const filled = defaultsOf(message)!(second)
  return emptyListsToNull(message)!(filled) as unknown as AnyObject
}

function toFirst(object: AnyObject): AnyObject {
  const { metrics: _metrics, behavior, ...spec } = (object['spec'] ?? {}) as JsonObject
  const { currentMetrics: _current, conditions: _conditions, ...status } = (object['status'] ?? {}) as JsonObject
  const metrics = recordsAt(object, 'spec', 'metrics')
  const measured = recordsAt(object, 'status', 'currentMetrics')
  const conditions = itemsOf(CONDITION, at(object, 'status', 'conditions') as Json | undefined) ?? []
  const wanted = metrics.map((metric) => utilization(metric, 'target')).find((percent) => percent !== undefined)
  const current = measured.map((metric) => utilization(metric, 'current')).findLast((percent) => percent !== undefined)
  const others = metrics.filter((metric) => utilization(metric, 'target') === undefined)
  const said = {
    ...(others.length === 0 ? {} : { metrics: others.map((metric) => metricToFirst(metric, true)) }),
    ...(measured.length === 0 ? {} : { currentMetrics: measured.map((metric) => metricToFirst(metric, false)) }),
    ...(behavior === undefined ? {} : { behavior: behaviorToFirst(behavior) }),
    ...(conditions.length === 0 ? {} : { conditions }),
  }
  const first = {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotated(object.metadata, said),
    spec: { ...spec, ...(wanted === undefined ? {} : { targetCPUUtilizationPercentage: wanted }) },
    status: { ...status, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  }
  return canonicalObject(messageOf(FIRST), first as unknown as JsonObject, []) as unknown as AnyObject
}

/** autoscaling/v1 as another view of the autoscalers of autoscaling/v2. */
export const autoscalerConversion: Conversion = { toServed: toFirst, toStored: toSecond }

/** The object as reading it again would show it. */
function settled(object: AnyObject): AnyObject {
  return toFirst(toSecond(object))
}

/** Autoscalers that are written in their first version: what counts is what they are in the second. */
export const firstAutoscalerStrategy: Strategy = {
  prepareCreate: (object) => settled(withAnnotationsOf(object, undefined, OF_STATUS)),
  prepareUpdate: (object, live) => settled(withAnnotationsOf(object, live.metadata.annotations, OF_STATUS)),
  prepareStatus: (object, live) => settled(withAnnotationsOf(object, live.metadata.annotations, OF_SPEC)),
  validate: (object, live) => autoscalerStrategy.validate!(toSecond(object), live),
  validateStatus: (object, live) => autoscalerStrategy.validateStatus!(toSecond(object), live),
}
