import { API_VERSION, controlPlanes } from '@locktender/fleet'
import type { ComponentOverride, ControlPlane } from '@locktender/fleet'
import { ApiError, isFieldConflict } from '@locktender/kube'
import type { Client, KubeObject } from '@locktender/kube'

/** Owns the overrides that fixes put into specs of control planes. */
export const FIXES_MANAGER = 'locktender-fixes'

/** What one rollout wants of the overrides of a control plane. */
export interface OverrideChange {
  readonly component: string
  /** Absent: take the entry of `component` away. */
  readonly override?: ComponentOverride
}

interface ConfigurationOfOverrides extends KubeObject {
  readonly spec?: { readonly overrides: readonly ComponentOverride[] }
}

/**
 * Carries out `change` by one server-side apply and never by force: fields of other managers stay theirs, and who else
 * owns one that is wanted is told by the conflict. An override is written only if nothing has changed since `latest`. `latest` is the newest known state of the control plane; repeating
 * the call changes nothing.
 *
 * @throws ApiError as the server refuses it; ConnectionError when it is not known whether it happened
 */
export function writeOverride(client: Client, latest: ControlPlane, change: OverrideChange): Promise<ControlPlane> {
  return client.apply<ControlPlane>(controlPlanes, overridesConfiguration(latest, change), {
    fieldManager: FIXES_MANAGER,
  })
}

/**
 * Whether the server understood and refused: trying the same again would give the same answer. A conflict is one only
 * where a field belongs to somebody else; otherwise others were writing at the same time, or the object is another one.
 */
export function isRefusal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError) || error.code < 400 || error.code >= 500) return false
  if (error.status.reason === 'Conflict') return isFieldConflict(error)
  return error.code !== 408 && error.code !== 429
}

/** The whole of what {@link FIXES_MANAGER} wants to own of the control plane: what it leaves out is given up. */
export function overridesConfiguration(latest: ControlPlane, change: OverrideChange): ConfigurationOfOverrides {
  const { name, namespace, uid, resourceVersion } = latest.metadata
  // Holds come at any moment: who is asked must be as it was seen. Taking back never waits.
  const seen = change.override === undefined || resourceVersion === undefined ? {} : { resourceVersion }
  const owned = ownedComponents(latest)
  const kept = (latest.spec.overrides ?? []).filter(
    ({ component }) => component !== change.component && owned.has(component),
  )
  const overrides = change.override === undefined ? kept : [...kept, change.override]
  return {
    apiVersion: API_VERSION,
    kind: controlPlanes.kind,
    // The uid keeps an apply from bringing back a control plane that was deleted meanwhile.
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...seen,
    },
    ...(overrides.length === 0 ? {} : { spec: { overrides } }),
  }
}

/** Components whose entry in `spec.overrides` our manager owns, from the FieldsV1 of managedFields. */
function ownedComponents({ metadata }: ControlPlane): ReadonlySet<string> {
  const entry = metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIXES_MANAGER && operation === 'Apply' && (subresource === undefined || subresource === ''),
  )
  const spec = member(entry?.fieldsV1, 'f:spec')
  const items = member(spec, 'f:overrides')
  const components = Object.keys(items ?? {}).flatMap((key) => {
    if (!key.startsWith('k:')) return []
    const identity = JSON.parse(key.slice(2)) as { readonly component?: string }
    return identity.component === undefined ? [] : [identity.component]
  })
  return new Set(components)
}

function member(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const found = (value as Readonly<Record<string, unknown>>)[key]
  return typeof found === 'object' && found !== null ? (found as Readonly<Record<string, unknown>>) : undefined
}
