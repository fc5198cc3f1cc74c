import type { ServedResource } from './served-resource.ts'

/** What discovery says about a subresource, and routing goes by. */
interface Subresource {
  readonly verbs: readonly string[]
  /** Absent: the kind of the resource itself. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string }
}

const USUAL: Subresource = { verbs: ['get', 'patch', 'update'] }

const UNUSUAL: Readonly<Record<string, Subresource>> = {
  binding: { verbs: ['create'], kind: { group: '', version: 'v1', kind: 'Binding' } },
  eviction: { verbs: ['create'], kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  finalize: { verbs: ['update'] },
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
