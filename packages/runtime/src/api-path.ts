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

/** Paths come again and again; of more than these all are forgotten. */
const MAX_KNOWN = 1000
const known = new Map<string, Target | undefined>()

/** What an API path names, or undefined when it names no resource (discovery, health). */
export function targetOf(path: string): Target | undefined {
  let target = known.get(path)
  if (target !== undefined || known.has(path)) return target
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(path, (target = parsed(path)))
  return target
}

function parsed(path: string): Target | undefined {
  const query = path.indexOf('?')
  const segments = (query === -1 ? path : path.slice(0, query)).split('/')
  let first = 0
  let count = 0
  for (const segment of segments) if (segment !== '') segments[count++] = decoded(segment)
  segments.length = count
  const root = segments[first++]
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'apis' ? segments[first++] : ''
  const version = segments[first++]
  let namespace: string | undefined
  // A namespace is a resource of its own only when nothing follows its name but a subresource of it.
  const left = count - first
  const isScoped = left > 3 || (left === 3 && !(group === '' && isOfNamespace(segments[first + 2]!)))
  if (segments[first] === 'namespaces' && isScoped) {
    namespace = segments[first + 1]
    first += 2
  }
  const plural = segments[first]
  if (group === undefined || version === undefined || plural === undefined) return undefined
  return { group, version, plural, subresource: segments[first + 2], namespace, name: segments[first + 1] }
}

function decoded(segment: string): string {
  return segment.includes('%') ? decodeURIComponent(segment) : segment
}

function isOfNamespace(segment: string): boolean {
  return segment === 'status' || segment === 'finalize'
}

/** The query of an API path. */
export function queryOf(path: string): URLSearchParams {
  const start = path.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : path.slice(start))
}
