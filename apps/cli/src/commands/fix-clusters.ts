import { frozenUntil, withFreeze } from '@locktender/fixes'
import {
  componentFixes,
  controlPlanes,
  fixMatcher,
  freezeWindows,
  TARGET_STATES,
  targetState,
  type ComponentFix,
  type ControlPlane,
  type FreezeWindow,
  type TargetStatus,
} from '@locktender/fleet'
import { objectKey } from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { age, printDocument, renderTable, type Column, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'

interface Row {
  readonly controlPlane: ControlPlane
  readonly target: TargetStatus
}

export interface FixClustersOptions {
  /** Only control planes in these states, comma-separated; all affected ones when absent. */
  readonly state?: string
  readonly output: OutputFormat
}

/** Lists the control planes that a fix concerns, each with its state and the reason for it (requirement F11). */
export async function fixClusters(session: Session, name: string, options: FixClustersOptions): Promise<void> {
  const states = options.state?.split(',').map(parseState)
  const client = await session.client()
  const fix = await client.get<ComponentFix>(componentFixes, name)
  const [{ items }, fixes, freezes] = await Promise.all([
    client.listAll<ControlPlane>(controlPlanes),
    client.listAll<ComponentFix>(componentFixes),
    client.listAll<FreezeWindow>(freezeWindows),
  ])
  const matcher = fixMatcher(fix, fixes.items)
  const now = session.now()
  const context = { now, rollout: fix.status?.rollout }
  const rows = items
    .map((controlPlane): Row => {
      const target = targetState(controlPlane, matcher, context)
      return { controlPlane, target: withFreeze(target, frozenUntil(controlPlane, freezes.items, now)) }
    })
    .filter(({ target }) => (states === undefined ? target.state !== 'NotAffected' : states.includes(target.state)))
  switch (options.output) {
    case 'table':
    case 'wide':
      if (rows.length === 0) session.note('No control planes found')
      else session.out(renderTable(columns(matcher.component, now), rows, options.output === 'wide'))
      return
    case 'name':
      for (const { controlPlane } of rows) session.out(`${objectKey(controlPlane)}\n`)
      return
    default:
      printDocument(session, options.output, {
        apiVersion: 'cli.locktender.dev/v1',
        kind: 'FixClusters',
        fix: name,
        items: rows.map(({ controlPlane, target }) => ({ controlPlane: objectKey(controlPlane), ...target })),
      })
  }
}

function startOf({ status }: ControlPlane, changed: string): string | undefined {
  return status?.operations?.find(({ component }) => component === changed)?.startTime
}

function columns(component: string, now: number): Column<Row>[] {
  return [
    { title: 'MANAGEMENT-CLUSTER', cell: ({ controlPlane }) => controlPlane.metadata.namespace },
    { title: 'NAME', cell: ({ controlPlane }) => controlPlane.metadata.name },
    { title: 'VERSION', cell: ({ controlPlane }) => controlPlane.status?.version.controlPlane },
    { title: 'STATE', cell: ({ target }) => target.state },
    { title: 'REASON', cell: ({ target }) => target.reason },
    { title: 'SINCE', cell: ({ controlPlane }) => age(startOf(controlPlane, component), now) },
    { title: 'HEALTH', cell: ({ controlPlane }) => controlPlane.status?.health.state },
    { title: 'MESSAGE', wide: true, cell: ({ target }) => target.message },
  ]
}

function parseState(text: string): (typeof TARGET_STATES)[number] {
  const found = TARGET_STATES.find((state) => state.toLowerCase() === text.trim().toLowerCase())
  if (found === undefined) {
    throw new CommandError(exitCodes.usage, `unknown state "${text}"; use one or more of ${TARGET_STATES.join(', ')}`)
  }
  return found
}
