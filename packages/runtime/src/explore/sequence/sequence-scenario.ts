import { join } from 'node:path'
import { StepServer } from '@locktender/apiserver'
import { isObject, type Json, type KubeObject, type Resource } from '@locktender/kube'
import { describeDifference, fieldDifferences } from '../../once/field-differences.ts'
import { BEGINNING_MS, resourceOf } from '../prepared-server.ts'
import type { ClusterSetup, ObjectTarget, Scenario, Step, WorldState } from '../scenario.ts'
import { isAlwaysThere } from './always-there.ts'
import type { EventSequence, Expectation, KindOfObject, NamedObject, SequenceStep } from './event-sequence.ts'
import { objectsAt } from './initial-objects.ts'

/** The part of a scenario that a sequence tells; the processes are added by who runs it. */
export type SequenceScenario = Pick<Scenario, 'name' | 'clusters'> & { readonly steps: readonly Step[] }

/**
 * Makes a sequence ready to be run. Files are looked for in `folder`.
 *
 * @throws DocumentError when a file is missing or no manifest
 * @throws TypeError when a step is about a kind that neither a definition nor the API server has
 */
export async function sequenceScenario(sequence: EventSequence, folder: string): Promise<SequenceScenario> {
  const clusters: Record<string, ClusterSetup> = {}
  for (const [name, { sameAs, objects, files }] of Object.entries(sequence.clusters)) {
    if (sameAs !== undefined) {
      clusters[name] = { sameAs }
      continue
    }
    const all = [...files.flatMap((file) => objectsAt(join(folder, file))), ...objects]
    const isDefinition = ({ kind }: KubeObject) => kind === 'CustomResourceDefinition'
    const distinct = new Map(all.map((object) => [idOf(object), object]))
    clusters[name] = {
      definitions: [...distinct.values()].filter(isDefinition).map(({ apiVersion, kind, metadata, ...rest }) => {
        const { status: _, ...definition } = rest as { status?: unknown }
        return { apiVersion, kind, metadata, ...definition }
      }),
      objects: [...distinct.values()]
        .filter((object) => !isDefinition(object) && !isAlwaysThere(object))
        .toSorted((left, right) => Number(right.kind === 'Namespace') - Number(left.kind === 'Namespace')),
    }
  }
  const steps: Step[] = []
  const definitions = Object.values(clusters).flatMap(({ definitions = [] }) => definitions)
  const [main = ''] = Object.keys(clusters)
  // Only to know the resources of the kinds that every API server has.
  await StepServer.open(BEGINNING_MS, async (client) => {
    const known = new Map<string, Resource>()
    const find = async (kind: KindOfObject): Promise<Resource> => {
      const id = `${kind.apiVersion} ${kind.kind}`
      const resource = known.get(id) ?? (await resourceOf(client, kind, definitions).catch(() => undefined))
      if (resource === undefined) {
        const what = `a step is about ${kind.kind} of ${kind.apiVersion}, which nothing serves`
        throw new TypeError(`${what}: add its definition to the objects or files of a cluster`)
      }
      known.set(id, resource)
      return resource
    }
    for (const step of sequence.steps) steps.push(await stepOf(step, find, main))
  })
  return { name: sequence.name, clusters, steps }
}

type Find = (kind: KindOfObject) => Promise<Resource>

async function stepOf(step: SequenceStep, find: Find, main: string): Promise<Step> {
  if ('change' in step) return { ...step, change: await targetOf(step.change, find) }
  if ('delete' in step) return { ...step, delete: await targetOf(step.delete, find) }
  if ('deny' in step || 'allow' in step) return { ...step, resource: await find(step.resource) }
  if (!('expect' in step)) return step
  const checks = await Promise.all(step.that.map((one) => checkOf(one, find, main)))
  return {
    expect: step.expect,
    that: (state) => {
      const wrong = checks.map((check) => check(state)).filter((one) => one !== undefined)
      return wrong.length === 0 ? undefined : wrong.join('; ')
    },
  }
}

async function targetOf({ name, namespace, ...kind }: NamedObject, find: Find): Promise<ObjectTarget> {
  return { resource: await find(kind), name, ...(namespace !== undefined && { namespace }) }
}

async function checkOf(
  expectation: Expectation,
  find: Find,
  main: string,
): Promise<(state: WorldState) => string | undefined> {
  const { cluster = main } = expectation
  if ('count' in expectation) {
    const { count, is } = expectation
    const { namespace, labels = {}, ...kind } = count
    const resource = await find(kind)
    return (state) => {
      const found = state
        .cluster(cluster)
        .list(resource, namespace)
        .filter(({ metadata }) => Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value))
      return found.length === is ? undefined : `there are ${found.length} ${resource.plural}, not ${is}`
    }
  }
  if ('matches' in expectation) {
    const { matches } = expectation
    const { name, namespace } = matches.metadata
    const get = await getter({ ...matches, name, ...(namespace !== undefined && { namespace }) }, find, cluster)
    return (state) => {
      const { object, text } = get(state)
      if (object === undefined) return `${text} is missing`
      const wrong = mismatch(matches as unknown as Json, object as unknown as Json)
      return wrong === undefined ? undefined : `${text}: ${wrong}`
    }
  }
  if ('condition' in expectation) {
    const { condition, type, status } = expectation
    const get = await getter(condition, find, cluster)
    return (state) => {
      const { object, text } = get(state)
      if (object === undefined) return `${text} is missing`
      const { conditions = [] } =
        (object as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {}
      const found = conditions.find((one) => one.type === type)?.status
      return found === status ? undefined : `${text}: the condition ${type} is ${found ?? 'absent'}, not ${status}`
    }
  }
  if ('exists' in expectation) {
    const get = await getter(expectation.exists, find, cluster)
    return (state) => (get(state).object === undefined ? `${get(state).text} is missing` : undefined)
  }
  const get = await getter(expectation.absent, find, cluster)
  return (state) => (get(state).object === undefined ? undefined : `${get(state).text} should not be there`)
}

async function getter({ apiVersion, kind, name, namespace }: NamedObject, find: Find, cluster: string) {
  const resource = await find({ apiVersion, kind })
  const text = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
  return (state: WorldState) => ({ text, object: state.cluster(cluster).get(resource, name, namespace) })
}

/** What of `expected` is not so in `actual`. Of lists, some item must be like each that is expected. */
function mismatch(expected: Json, actual: Json | undefined, path = ''): string | undefined {
  if (isObject(expected) && isObject(actual)) {
    for (const [name, value] of Object.entries(expected)) {
      const wrong = mismatch(value, actual[name], path === '' ? name : `${path}.${name}`)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (const [index, item] of expected.entries()) {
      if (actual.some((one) => mismatch(item, one) === undefined)) continue
      return `${path}[${index}]: no item is like ${JSON.stringify(item)}`
    }
    return undefined
  }
  const [difference] = fieldDifferences(expected, actual, path)
  return difference === undefined ? undefined : describeDifference(difference)
}

function idOf({ apiVersion, kind, metadata }: KubeObject): string {
  return [apiVersion, kind, metadata.namespace ?? '', metadata.name].join(' ')
}
