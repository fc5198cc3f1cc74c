import { badRequest, fieldInvalid, internalError, invalid, notFound } from '@locktender/kube'
import { recordsAt, text } from '../builtins/cells.ts'
import { notNegative } from '../builtins/rules.ts'
import type { Errors } from '../builtins/rules.ts'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'

const STREAMS = new Set(['attach', 'exec', 'log', 'portforward'])

/** Whether a subresource of pods is a stream from or to a container. */
export function isStream(subresource: string | undefined): boolean {
  return subresource !== undefined && STREAMS.has(subresource)
}

/**
 * Logs of a container, a command in it, or one of its ports. Nothing runs here, so there is no more to say than what is
 * wrong with the request, or that the pod is on no node: such a pod has an empty log.
 */
export function handleStream(context: RequestContext): Answer {
  const { cluster, served, request } = context
  const { database } = cluster
  const isLog = request.subresource === 'log'
  if (isLog) checkLogOptions(context)
  const stored = database.store.get(keyOf(context))
  if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
  const pod = database.objectAs(served, stored)
  const node = text('spec', 'nodeName')(pod)
  if (isLog) checkContainer(pod, context.query)
  if (node === '' && isLog) return { kind: 'nothing' }
  if (request.subresource === 'exec' || request.subresource === 'attach') {
    if (node !== '' || hasSeveral(pod)) checkContainer(pod, context.query)
  }
  if (node === '') throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  const nodes = cluster.listStored({ group: '', plural: 'nodes' })
  if (!nodes.some(({ metadata }) => metadata.name === node)) throw notFound(groupResourceOf(served), node)
  throw internalError(`node ${JSON.stringify(node)} runs no containers: this API server has no nodes behind it`)
}

function containersOf(pod: AnyObject, list: string): string[] {
  return recordsAt(pod, 'spec', list).map((container) => text('name')(container))
}

function hasSeveral(pod: AnyObject): boolean {
  return containersOf(pod, 'containers').length > 1
}

/** The container must be one of the pod, and be named when there are several. */
function checkContainer(pod: AnyObject, query: URLSearchParams): void {
  const { name } = pod.metadata
  const [containers, initial, ephemeral] = ['containers', 'initContainers', 'ephemeralContainers'].map((list) =>
    containersOf(pod, list),
  ) as [string[], string[], string[]]
  const asked = query.get('container') ?? ''
  if (asked !== '') {
    if ([...containers, ...initial, ...ephemeral].includes(asked)) return
    throw badRequest(`container ${asked} is not valid for pod ${name}`)
  }
  if (containers.length === 1) return
  const others = initial.length === 0 ? '' : ` or one of the init containers: [${initial.join(' ')}]`
  const choice = `choose one of: [${containers.join(' ')}]${others}`
  throw badRequest(`a container name must be specified for pod ${name}, ${choice}`)
}

function checkLogOptions({ query, request }: RequestContext): void {
  const errors: Errors = []
  const number = (name: string): number | undefined => {
    const value = query.get(name)
    return value === null || !/^-?\d+$/.test(value) ? undefined : Number(value)
  }
  notNegative(number('tailLines'), 'tailLines', errors)
  for (const name of ['limitBytes', 'sinceSeconds']) {
    const value = number(name)
    if (value !== undefined && value < 1) errors.push(fieldInvalid(name, value, 'must be greater than 0'))
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, request.name!, errors)
}
