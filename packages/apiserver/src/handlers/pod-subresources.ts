import {
  ApiError,
  badRequest,
  conflict,
  fieldNotSupported,
  fieldRequired,
  internalError,
  labelSelectorFrom,
  notFound,
  tooManyRequests,
} from '@locktender/kube'
import type { FieldError, ObjectMeta, Status } from '@locktender/kube'
import { recordsAt, text } from '../builtins/cells.ts'
import { parseBody } from '../write/decode.ts'
import { isYamlBody } from '../present/media-types.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { parseWriteOptions } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import { store } from '../write/write-pipeline.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { handleDelete } from './delete.ts'
import { retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

const DONE: Answer = {
  kind: 'status',
  status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } satisfies Status,
}

function bodyOf(context: RequestContext, kind: string): Record<string, unknown> {
  const { value } = parseBody(context.body, isYamlBody(context.headers['content-type']))
  if (!isRecord(value) || (value['kind'] !== undefined && value['kind'] !== kind)) {
    throw badRequest(`the body of the request is not a ${kind}`)
  }
  const { name } = isRecord(value['metadata']) ? value['metadata'] : {}
  if (name !== undefined && name !== context.request.name) {
    throw badRequest(`name in URL does not match name in ${kind} object`)
  }
  return value
}

/** POST of a Binding to the collection of them: it is named as the pod is. */
export function handleBindings(context: RequestContext): Promise<Answer> {
  const { cluster, request } = context
  const { value } = parseBody(context.body, isYamlBody(context.headers['content-type']))
  const metadata = isRecord(value) ? value['metadata'] : undefined
  const name = isRecord(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : ''
  const pods = cluster.registry.find('', 'v1', 'pods')!
  const of = { ...request, plural: pods.resource.plural, name, subresource: 'binding' }
  return handleBinding({ ...context, served: pods, request: of })
}

/** POST of a Binding: the pod runs on the node it names from now on. */
export function handleBinding(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query, headers } = context
  const { target, metadata } = bodyOf(context, 'Binding')
  const kind = text('kind')(target)
  const node = text('name')(target)
  const problems = [
    ...(kind === '' || kind === 'Node' ? [] : [fieldNotSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(node === '' ? [fieldRequired('target.name')] : []),
  ]
  if (problems.length > 0) throw unfitBinding(problems)
  const write = writeContextOf(context, parseWriteOptions('CreateOptions', query, headers['user-agent']))
  return retryOnRace(served, request.name!, async () => {
    const stored = cluster.database.store.get(keyOf(context))
    if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
    const live = cluster.database.objectAs(served, stored)
    const spec = isRecord(live['spec']) ? live['spec'] : {}
    const obstacle = unassignable(live)
    if (obstacle !== undefined) {
      throw conflict({ group: '', resource: 'pods/binding' }, live.metadata.name, `pod ${request.name!} ${obstacle}`)
    }
    const labelled = { ...live, metadata: withLabelsOf(live.metadata, metadata), spec: { ...spec, nodeName: node } }
    const assigned = scheduled(labelled, cluster.database.now())
    if (!write.options.dryRun) await store(write, stored.key, stored.revision, assigned)
    return DONE
  })
}

/** Kubernetes gives no reason for this one. */
function unfitBinding(problems: readonly FieldError[]): ApiError {
  const told = problems.map(({ field, message }) => `${field}: ${message}`)
  const message = told.length === 1 ? told[0]! : `[${told.join(', ')}]`
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 })
}

/** Why a pod cannot be given to a node. */
function unassignable(pod: AnyObject): string | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return 'is being deleted, cannot be assigned to a host'
  const taken = text('spec', 'nodeName')(pod)
  if (taken !== '') return `is already assigned to node "${taken}"`
  return recordsAt(pod, 'spec', 'schedulingGates').length > 0 ? 'has non-empty .spec.schedulingGates' : undefined
}

/** The metadata with labels and annotations that a Binding has for the pod. */
function withLabelsOf(meta: ObjectMeta, binding: unknown): ObjectMeta {
  let next = meta
  for (const field of ['annotations', 'labels'] as const) {
    const added = isRecord(binding) ? binding[field] : undefined
    if (!isRecord(added) || Object.keys(added).length === 0) continue
    next = { ...next, [field]: { ...next[field], ...(added as Record<string, string>) } }
  }
  return next
}

function scheduled(pod: AnyObject, now: string): AnyObject {
  const conditions = recordsAt(pod, 'status', 'conditions').filter(({ type }) => type !== 'PodScheduled')
  const condition = { type: 'PodScheduled', status: 'True', lastTransitionTime: now }
  const status = isRecord(pod['status']) ? pod['status'] : {}
  return { ...pod, status: { ...status, conditions: [...conditions, condition] } }
}

/** POST of an Eviction: deletes the pod unless a disruption budget forbids it. */
export async function handleEviction(context: RequestContext): Promise<Answer> {
  const { cluster, served, request } = context
  const { deleteOptions } = bodyOf(context, 'Eviction')
  const stored = cluster.database.store.get(keyOf(context))
  if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
  checkBudgets(context, cluster.database.objectAs(served, stored))
  const body = isRecord(deleteOptions) ? JSON.stringify({ ...deleteOptions, kind: 'DeleteOptions' }) : ''
  await handleDelete({ ...context, headers: {}, body, request: { ...request, verb: 'delete', subresource: undefined } })
  return DONE
}

/** Pods that do not run do not count for any budget. */
function checkBudgets({ cluster }: RequestContext, pod: AnyObject): void {
  const phase = isRecord(pod['status']) ? pod['status']['phase'] : undefined
  if (phase !== 'Running') return
  const { namespace, labels } = pod.metadata
  const budgets = cluster.listStored({ group: 'policy', plural: 'poddisruptionbudgets' }).filter((budget) => {
    const selector = isRecord(budget['spec']) ? budget['spec']['selector'] : undefined
    return budget.metadata.namespace === namespace && isRecord(selector) && labelSelectorFrom(selector).matches(labels)
  })
  if (budgets.length > 1) {
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  }
  const status = budgets.map((budget) => (isRecord(budget['status']) ? budget['status'] : {}))[0]
  if (status === undefined || Number(status['disruptionsAllowed'] ?? 0) > 0) return
  throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
}
