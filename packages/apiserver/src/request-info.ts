import type { HttpMethod } from '@locktender/kube'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** A request for a resource as its path and query say it; authorization and routing both stand on it. */
export interface ResourceRequest {
  readonly verb: Verb
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** Subresources of a namespace; any other third segment below `namespaces/<name>` is a resource in it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

/**
 * What a path below `/api/<version>` or `/apis/<group>/<version>` asks for; undefined when it is no path of a
 * resource. Segments must be decoded already.
 */
export function parseResourceRequest(
  method: HttpMethod,
  segments: readonly string[],
  query: URLSearchParams,
): ResourceRequest | undefined {
  const core = segments[0] === 'api'
  if (!core && segments[0] !== 'apis') return undefined
  const group = core ? '' : segments[1]
  const version = segments[core ? 1 : 2]
  const path = segments.slice(core ? 2 : 3)
  if (path.at(-1) === '') path.pop()
  // The old way to ask for a watch.
  const watches = path[0] === 'watch' && method === 'GET'
  const rest = watches ? path.slice(1) : path
  if (group === undefined || version === undefined || rest.length === 0) return undefined
  const [first, second, third] = rest
  const inNamespace =
    first === 'namespaces' && third !== undefined && !(core && rest.length === 3 && NAMESPACE_SUBRESOURCES.has(third))
  const [plural, name, subresource, ...extra] = inNamespace ? rest.slice(2) : rest
  if (plural === undefined || plural === '' || name === '' || subresource === '' || extra.length > 0) return undefined
  // Names become parts of keys, so an encoded slash must not make two of one.
  if (rest.some((segment) => segment.includes('/'))) return undefined
  const namespace = inNamespace ? second : core && plural === 'namespaces' ? name : undefined
  const verb = watches ? 'watch' : verbOf(method, name, query)
  return { verb, group, version, plural, namespace, name, subresource }
}

function verbOf(method: HttpMethod, name: string | undefined, query: URLSearchParams): Verb {
  switch (method) {
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete'
    default:
      return name !== undefined ? 'get' : isTrue(query.get('watch')) ? 'watch' : 'list'
  }
}

/** How Go clients write booleans in a query; a present but empty parameter counts as true. */
export function isTrue(text: string | null): boolean {
  return text !== null && text.toLowerCase() !== 'false' && text !== '0'
}
