import { parseVersion, releaseLine } from '@locktender/releases'
import type { ControlPlaneStatus } from './kinds/control-plane.ts'

/**
 * The cell of control planes that behave alike, `line/platform/architecture/topology/region`; comparisons are made
 * within one. Empty before the first report.
 */
export function stratum(controlPlane: {
  readonly status?: Pick<ControlPlaneStatus, 'identity' | 'version'> | undefined
}): string {
  const { status } = controlPlane
  if (status === undefined) return ''
  const { platform, architecture, topology, region } = status.identity
  return [releaseLine(parseVersion(status.version.controlPlane)), platform, architecture, topology, region].join('/')
}
