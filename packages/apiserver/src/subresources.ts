import type { ServedResource } from './served-resource.ts'

/** What discovery says about a subresource, and routing goes by. */
interface Subresource {
  readonly verbs: readonly string[]
  /** Absent: the kind of the resource itself. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string }
}

const USUAL: Subresource = { verbs: ['get', 'patch', 'update'] }

/** A connection to a container, opened by either method. */
function stream(kind: string): Subresource {
  return { verbs: ['create', 'get'], kind: { group: '', version: 'v1', kind } }
}

const UNUSUAL: Readonly<Record<string, Subresource>> = {
  attach: stream('PodAttachOptions'),
  binding: { verbs: ['create'], kind: { group: '', version: 'v1', kind: 'Binding' } },
  eviction: { verbs: ['create'], kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  exec: stream('PodExecOptions'),
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  portforward: stream('PodPortForwardOptions'),
  scale: { ...USUAL, kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
  token: { verbs: ['create'], kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
}

/** Names of the subresources a resource has. */
export function subresourcesOf({ status, subresources }: ServedResource): readonly string[] {
  return status ? ['status', ...subresources] : subresources
}

export function describeSubresource(name: string): Subresource {
  return UNUSUAL[name] ?? USUAL
}

/** Whether a subresource writes the status: `approval` of a certificate request is a part of it. */
export function holdsStatus(subresource: string | undefined): boolean {
  return subresource === 'status' || subresource === 'approval'
}
