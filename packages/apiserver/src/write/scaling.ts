import { fieldInvalid, labelSelectorFrom } from '@locktender/kube'
import type { FieldError, Json, ReplicasPaths } from '@locktender/kube'
import type { ScalePaths } from '../crd/definition.ts'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'

/** How the `scale` subresource of a kind finds its parts in objects. */
export interface Scaling {
  /** As in errors: `.spec.replicas`. */
  readonly specPath: string
  readonly statusPath: string
  /** Text of the selector of the pods that count. Throws {@link ScaleError}. */
  readonly selectorOf: (object: AnyObject) => string
  /** Where each version of the kind has the wanted number. */
  readonly paths: ReplicasPaths
}

/** Something else than a number, or a text, stands where a part of the scale is looked for. */
export class ScaleError extends Error {}

/** Greatest number of replicas. */
const MAX_REPLICAS = 2_147_483_647

/** `.spec.replicas` as names of fields. */
export function fieldsOfPath(path: string): readonly string[] {
  return path.replace(/^\./, '').split('.')
}

/**
 * The whole number at a path of fields; undefined when there is none.
 * @throws ScaleError
 */
export function integerAt(object: AnyObject, path: string): number | undefined {
  const value = valueAt(object, path)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw accessError(path, value, 'int64')
}

/**
 * The text at a path of fields; undefined when there is none.
 * @throws ScaleError
 */
function textAt(object: AnyObject, path: string): string | undefined {
  const value = valueAt(object, path)
  if (value === undefined || typeof value === 'string') return value
  throw accessError(path, value, 'string')
}

function valueAt(object: AnyObject, path: string): unknown {
  let value: unknown = object
  for (const field of fieldsOfPath(path)) {
    if (value === undefined) return undefined
    if (!isRecord(value)) throw accessError(path, value, 'map[string]interface{}')
    value = value[field]
  }
  return value
}

function accessError(path: string, value: unknown, wanted: string): ScaleError {
  const types: Readonly<Record<string, string>> = { string: 'string', number: 'float64', boolean: 'bool' }
  const type =
    types[typeof value] ??
    (value === null ? '<nil>' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}')
  const at = `.${fieldsOfPath(path).join('.')}`
  return new ScaleError(
    `${at} accessor error: ${typeof value === 'string' ? value : JSON.stringify(value)} is of the type ${type}, expected ${wanted}`,
  )
}

/**
 * The autoscaling/v1 Scale of an object.
 * @throws ScaleError
 */
export function scaleOf(object: AnyObject, { specPath, statusPath, selectorOf }: Scaling): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = integerAt(object, specPath) ?? 0
  const selector = selectorOf(object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    // Zero is not written, as in Go.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: integerAt(object, statusPath) ?? 0, ...(selector === '' ? {} : { selector }) },
  } as unknown as AnyObject
}

/** The object with another number at a path of fields. */
export function withInteger(object: AnyObject, path: string, value: number): AnyObject {
  const set = (parent: unknown, [field = '', ...rest]: readonly string[]): Record<string, unknown> => {
    const record = isRecord(parent) ? parent : {}
    return { ...record, [field]: rest.length === 0 ? value : set(record[field], rest) }
  }
  return set(object, fieldsOfPath(path)) as unknown as AnyObject
}

/** Scaling by `spec.replicas` with the selector of workloads, as Deployments have it. */
export function workloadScaling(apiVersion: string): Scaling {
  return {
    specPath: '.spec.replicas',
    statusPath: '.status.replicas',
    selectorOf: (object) => {
      const spec = object['spec']
      const selector = isRecord(spec) && isRecord(spec['selector']) ? spec['selector'] : {}
      return labelSelectorFrom(selector).toString()
    },
    paths: new Map([[apiVersion, ['spec', 'replicas']]]),
  }
}

/** Scaling by declared paths, as custom resources have it. */
export function declaredScaling(declared: ScalePaths, paths: ReplicasPaths): Scaling {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = declared
  return {
    specPath: specReplicasPath,
    statusPath: statusReplicasPath,
    selectorOf: (object) => (labelSelectorPath === '' ? '' : (textAt(object, labelSelectorPath) ?? '')),
    paths,
  }
}

/** What is wrong with the parts of a custom resource that make its scale, wherever they were written. */
export function validateScale(object: AnyObject, declared: ScalePaths): FieldError[] {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = declared
  const errors: (FieldError | undefined)[] = [specReplicasPath, statusReplicasPath].map((path) =>
    readProblem(path, 0, () => replicasProblem(path, integerAt(object, path) ?? 0)),
  )
  if (labelSelectorPath !== '') {
    errors.push(readProblem(labelSelectorPath, '', () => void textAt(object, labelSelectorPath)))
  }
  return errors.filter((error) => error !== undefined)
}

function replicasProblem(path: string, replicas: number): FieldError | undefined {
  if (replicas < 0) return fieldInvalid(path, replicas, 'should be a non-negative integer')
  if (replicas > MAX_REPLICAS) {
    return fieldInvalid(path, replicas, `should be less than or equal to ${MAX_REPLICAS}`)
  }
  return undefined
}

function readProblem(path: string, value: Json, read: () => FieldError | undefined | void): FieldError | undefined {
  try {
    return read() ?? undefined
  } catch (error) {
    if (!(error instanceof ScaleError)) throw error
    return fieldInvalid(path, value, error.message)
  }
}
