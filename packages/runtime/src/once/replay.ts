import type { HttpMethod, TransportRequest } from '@locktender/kube'
import { readYaml } from './read-yaml.ts'
import type { RecordedRequest } from './recorded-request.ts'

const METHODS = {
  Create: 'POST',
  Update: 'PUT',
  Patch: 'PATCH',
  Apply: 'PATCH',
  Delete: 'DELETE',
} as const satisfies Record<string, HttpMethod>

/** A recorded request as it can be sent to an API server, with its options. */
export function transportRequestOf(request: RecordedRequest): TransportRequest {
  const { group, version, plural, namespace, name } = request
  const [, verb, subresource] = /^(Create|Update|Patch|Apply|Delete)(Status)?$/.exec(request.action)!
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const object = verb === 'Create' ? '' : `/${encodeURIComponent(name)}${subresource === undefined ? '' : '/status'}`
  const query = new URLSearchParams()
  const options = (readYaml(request.options) ?? {}) as Record<string, string | boolean | readonly string[]>
  for (const [option, value] of Object.entries(options)) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(option, String(one))
  }
  if (!query.has('fieldManager') && request.fieldManager !== undefined) query.set('fieldManager', request.fieldManager)
  const contentType =
    verb === 'Apply'
      ? 'application/apply-patch+yaml'
      : verb === 'Patch'
        ? (request.patchType ?? '')
        : 'application/json'
  return {
    method: METHODS[verb as keyof typeof METHODS],
    path: `${root}${scope}/${plural}${object}${query.size === 0 ? '' : `?${query.toString()}`}`,
    headers: { accept: 'application/json', 'content-type': contentType },
    ...(request.body !== '' && { body: JSON.stringify(readYaml(request.body)) }),
  }
}
