import { badRequest, parseFieldSelector, parseLabelSelector } from '@locktender/kube'
import type { FieldRequirement } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import type { RequestContext } from './context.ts'
import { namespaceOf } from './context.ts'

/** Which objects of a resource a list or watch shows. */
export interface Selection {
  /** Common beginning of their keys. */
  readonly prefix: string
  /** Key of the only object that can match, when the selector names one. */
  readonly only: string | undefined
  /** Undefined when every object below the prefix matches. */
  readonly matches: ((object: AnyObject) => boolean) | undefined
}

/** Kinds that have no field selectors of their own say which all have. */
function whyUnknown(served: ServedResource, field: string): string {
  if (served.custom || served.selectableFields.size > 0) return `field label not supported: ${field}`
  return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
}

/**
 * Reads the label and field selectors of a request.
 * @throws ApiError BadRequest
 */
export function selectionOf(context: RequestContext): Selection {
  const { cluster, served, request, query } = context
  const { database } = cluster
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
  for (const { field } of fields) {
    if (readerOf(served, field) === undefined) {
      throw badRequest(whyUnknown(served, field))
    }
  }
  const equal = (field: string): string | undefined =>
    fields.find((requirement) => requirement.field === field && requirement.operator === '=')?.value
  const name = request.name ?? equal('metadata.name')
  const namespace = namespaceOf(context) ?? (served.resource.namespaced ? equal('metadata.namespace') : undefined)
  const prefix = database.prefix(cluster.name, served.storedAs, namespace)
  const only =
    name !== undefined && (namespace !== undefined || !served.resource.namespaced)
      ? database.key(cluster.name, served.storedAs, namespace, name)
      : undefined
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const checks = fields.map((requirement) => checkOf(served, requirement))
  if (request.name !== undefined) checks.push((object) => object.metadata.name === request.name)
  const matches =
    labels.empty && checks.length === 0
      ? undefined
      : (object: AnyObject) => labels.matches(object.metadata.labels) && checks.every((check) => check(object))
  return { prefix, only, matches }
}

function checkOf(served: ServedResource, { field, operator, value }: FieldRequirement): (object: AnyObject) => boolean {
  const read = readerOf(served, field)!
  return operator === '=' ? (object) => read(object) === value : (object) => read(object) !== value
}

function readerOf(served: ServedResource, field: string): ((object: AnyObject) => string) | undefined {
  if (field === 'metadata.name') return (object) => object.metadata.name
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  return served.selectableFields.get(field)
}
