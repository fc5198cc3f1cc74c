/** What the path of a request names. */
export interface Target {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  /** Absent for a collection. */
  readonly name: string | undefined
}

/** What an API path names, or undefined when it names no resource (discovery, health). */
export function targetOf(path: string): Target | undefined {
  const segments = path
    .split('?', 1)[0]!
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => (segment.includes('%') ? decodeURIComponent(segment) : segment))
  const root = segments.shift()
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'apis' ? segments.shift() : ''
  const version = segments.shift()
  let namespace: string | undefined
  // A namespace is a resource of its own only when nothing follows its name but a subresource of it.
  const isScoped = segments.length > 3 || (segments.length === 3 && !(group === '' && isOfNamespace(segments[2]!)))
  if (segments[0] === 'namespaces' && isScoped) namespace = segments.splice(0, 2)[1]
  const [plural, name, subresource] = segments
  if (group === undefined || version === undefined || plural === undefined) return undefined
  return { group, version, plural, subresource, namespace, name }
}

function isOfNamespace(segment: string): boolean {
  return segment === 'status' || segment === 'finalize'
}

/** The query of an API path. */
export function queryOf(path: string): URLSearchParams {
  const start = path.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : path.slice(start))
}
