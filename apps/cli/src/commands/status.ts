import {
  componentFixes,
  controlPlanes,
  managementClusters,
  rollouts,
  type ComponentFix,
  type ControlPlane,
  type ManagementCluster,
  type Rollout,
} from '@locktender/fleet'
import { printDocument, renderTable, type OutputFormat } from '../output.ts'
import { renderFixProgress } from '../fix-progress.ts'
import type { Session } from '../session.ts'

interface EnvironmentSummary {
  readonly environment: string
  readonly controlPlanes: number
  readonly healthy: number
  readonly degraded: number
  readonly unavailable: number
  readonly unknown: number
  readonly changing: number
}

const active = new Set(['Pending', 'AwaitingApproval', 'Delivering', 'Halted'])

/** The whole fleet on one screen: health by environment, what is not registered, then every fix under way. */
export async function fleetStatus(session: Session, options: { readonly output: OutputFormat }): Promise<void> {
  const client = await session.client()
  const [places, planes, fixes, runs] = await Promise.all([
    client.listAll<ManagementCluster>(managementClusters),
    client.listAll<ControlPlane>(controlPlanes),
    client.listAll<ComponentFix>(componentFixes),
    client.listAll<Rollout>(rollouts),
  ])
  const environments = summarize(planes.items)
  const current = fixes.items.filter((fix) => active.has(fix.status?.phase ?? 'Pending'))
  const unregistered = places.items.filter(({ status }) => (status?.unregistered ?? 0) > 0)
  if (options.output === 'name') {
    for (const fix of current) session.out(`${fix.metadata.name}\n`)
    return
  }
  if (options.output === 'json' || options.output === 'yaml') {
    printDocument(session, options.output, {
      apiVersion: 'cli.locktender.dev/v1',
      kind: 'FleetStatus',
      environments,
      unregistered: unregistered.map(({ metadata, status }) => ({
        managementCluster: metadata.name,
        hostedClusters: status?.unregistered,
      })),
      fixes: current.map(({ metadata, status }) => ({ name: metadata.name, ...status })),
    })
    return
  }
  session.out(
    renderTable(
      [
        { title: 'ENVIRONMENT', cell: (row) => row.environment },
        { title: 'CONTROL-PLANES', cell: (row) => row.controlPlanes },
        { title: 'HEALTHY', cell: (row) => row.healthy },
        { title: 'DEGRADED', cell: (row) => row.degraded },
        { title: 'UNAVAILABLE', cell: (row) => row.unavailable },
        { title: 'UNKNOWN', cell: (row) => row.unknown },
        { title: 'CHANGING', cell: (row) => row.changing },
      ],
      environments,
    ),
  )
  for (const { metadata, status } of unregistered) {
    const why = status?.conditions?.find(({ type }) => type === 'Registered')?.message ?? ''
    session.out(`ATTENTION  ${metadata.name}  ${status?.unregistered} unregistered: ${why}\n`)
  }
  for (const fix of current) {
    const rollout = runs.items.find(({ metadata }) => metadata.name === fix.status?.rollout)
    session.out(`\n${renderFixProgress(fix, rollout, session.now()).join('\n')}\n`)
  }
  if (current.length === 0) session.out('\nNo fix is under way.\n')
}

/** Health by environment, in the order in which fixes travel, with a total. */
export function summarize(items: readonly ControlPlane[]): EnvironmentSummary[] {
  const row = (environment: string, planes: readonly ControlPlane[]): EnvironmentSummary => {
    const inState = (state: string) =>
      planes.filter((plane) => (plane.status?.health.state ?? 'Unknown') === state).length
    return {
      environment,
      controlPlanes: planes.length,
      healthy: inState('Healthy'),
      degraded: inState('Degraded'),
      unavailable: inState('Unavailable'),
      unknown: inState('Unknown'),
      changing: planes.filter((plane) =>
        plane.status?.operations?.some(({ completionTime }) => completionTime === undefined),
      ).length,
    }
  }
  const rows = ['integration', 'stage', 'production']
    .map((environment) =>
      row(
        environment,
        items.filter((plane) => plane.status?.identity.environment === environment),
      ),
    )
    .filter(({ controlPlanes }) => controlPlanes > 0)
  const unreported = items.filter((plane) => plane.status === undefined)
  if (unreported.length > 0) rows.push(row('<unknown>', unreported))
  return [...rows, row('total', items)]
}
