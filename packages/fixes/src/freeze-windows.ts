import type { ControlPlane, FreezeWindow } from '@locktender/fleet'

/** Whether a freeze is for this control plane, at whatever time: every part of its selector that is given must match. */
export function concerns({ spec }: FreezeWindow, { metadata, status }: ControlPlane): boolean {
  const { selector } = spec
  if (selector === undefined) return true
  const identity = status?.identity
  const parts = [
    [selector.environments, identity?.environment],
    [selector.sectors, identity?.sector],
    [selector.regions, identity?.region],
    [selector.customers, identity?.customer],
    [selector.tiers, identity?.tier],
    [selector.managementClusters, metadata.namespace],
  ] as const
  return parts.every(([wanted, value]) => wanted === undefined || (wanted as readonly unknown[]).includes(value))
}
