import { freezeConcerns } from '@locktender/fixes'
import {
  API_VERSION,
  controlPlanes,
  ENVIRONMENTS,
  freezeWindows,
  parseDuration,
  type ControlPlane,
  type FreezeWindow,
  type FreezeWindowSpec,
} from '@locktender/fleet'
import { timestamp } from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { printObjects, resourceName, type Column, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'
import { moment, momentCell } from '../times.ts'
import { planes } from '../words.ts'

export interface FreezeAddOptions {
  /** RFC 3339, or a duration from now. Now when absent. */
  readonly from?: string
  /** RFC 3339, or a duration from the beginning. */
  readonly to: string
  readonly reason: string
  readonly owner: string
  /** Comma-separated; all control planes when none of these is given. */
  readonly environments?: string
  readonly sectors?: string
  readonly regions?: string
  readonly customers?: string
  readonly tiers?: string
  readonly managementClusters?: string
  readonly dryRun: 'none' | 'client' | 'server'
  readonly output: OutputFormat
}

type Selector = NonNullable<FreezeWindowSpec['selector']>

/** Creates a FreezeWindow after checking that it is for anybody: one with a typing error would protect nobody. */
export async function freezeAdd(session: Session, name: string, options: FreezeAddOptions): Promise<void> {
  const client = await session.client()
  const { items } = await client.listAll<ControlPlane>(controlPlanes)
  // Times count by the server's clock, which is known from its first answer.
  const freeze = freezeFromOptions(name, options, session.now())
  const concerned = items.filter((controlPlane) => freezeConcerns(freeze, controlPlane)).length
  if (concerned === 0) {
    throw new CommandError(
      exitCodes.refused,
      `the freeze is for none of the ${items.length} control planes; check its values against "kubectl get controlplanes -A -o wide". Nothing was written`,
    )
  }
  let created = freeze
  if (options.dryRun !== 'client') {
    const dryRun = options.dryRun === 'server' ? { dryRun: true } : {}
    created = await client.create(freezeWindows, freeze, { fieldValidation: 'Strict', ...dryRun })
  }
  if (options.output !== 'table' && options.output !== 'wide') {
    printObjects(session, options.output, freezeWindows, [created], columns(session.now()), true)
    return
  }
  const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' }[options.dryRun]
  session.out(`${resourceName(freezeWindows, name)} created${suffix}\n`)
  const [from, to] = [freeze.spec.from, freeze.spec.to].map((time) => moment(Date.parse(time), session.now()))
  session.note(
    `nothing is started on ${concerned} of ${planes(items.length)} from ${from} to ${to}; what is under way, and reverts, go on`,
  )
}

export async function freezeList(session: Session, { output }: { readonly output: OutputFormat }): Promise<void> {
  const { items } = await (await session.client()).listAll<FreezeWindow>(freezeWindows)
  const byTime = items.toSorted((left, right) => Date.parse(left.spec.from) - Date.parse(right.spec.from))
  printObjects(session, output, freezeWindows, byTime, columns(session.now()))
}

/** Ends a freeze early, or takes it off the calendar. */
export async function freezeRemove(session: Session, name: string): Promise<void> {
  await (await session.client()).delete(freezeWindows, { name })
  session.out(`${resourceName(freezeWindows, name)} deleted\n`)
}

function freezeFromOptions(name: string, options: FreezeAddOptions, now: number): FreezeWindow {
  const { reason, owner } = options
  const from = timeOf('--from', options.from ?? '0s', now)
  const to = timeOf('--to', options.to, from)
  if (to <= from || to <= now) {
    throw new CommandError(
      exitCodes.usage,
      `--to is ${timestamp(to)}, which is ${to <= from ? 'not after --from' : 'over'}`,
    )
  }
  const selector = selectorOf(options)
  return {
    apiVersion: API_VERSION,
    kind: freezeWindows.kind,
    metadata: { name },
    spec: {
      from: timestamp(from),
      to: timestamp(to),
      reason,
      owner,
      ...(Object.keys(selector).length === 0 ? {} : { selector }),
    },
  }
}

function timeOf(option: string, text: string, from: number): number {
  if (/^\d{4}-/.test(text)) {
    const at = Date.parse(text)
    if (/(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(at)) return at
    throw new CommandError(exitCodes.usage, `${option}: "${text}" needs a time and a zone, like 2026-01-05T08:00:00Z`)
  }
  return from + parseDuration(text)
}

function selectorOf(options: FreezeAddOptions): Selector {
  const list = (text: string | undefined) => text?.split(',').map((value) => value.trim())
  const { sectors, regions, customers, tiers, managementClusters } = options
  const environments = list(options.environments)?.map(parseEnvironment)
  const parts = {
    environments,
    sectors: list(sectors),
    regions: list(regions),
    customers: list(customers),
    tiers: list(tiers),
    managementClusters: list(managementClusters),
  }
  return Object.fromEntries(Object.entries(parts).filter(([, values]) => values !== undefined)) as Selector
}

function parseEnvironment(text: string): (typeof ENVIRONMENTS)[number] {
  const found = ENVIRONMENTS.find((environment) => environment === text)
  if (found === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `unknown environment "${text}"; use one or more of ${ENVIRONMENTS.join(', ')}`,
    )
  }
  return found
}

function columns(now: number): Column<FreezeWindow>[] {
  return [
    { title: 'NAME', cell: ({ metadata }) => metadata.name },
    { title: 'STATE', cell: ({ spec }) => stateOf(spec, now) },
    { title: 'FROM', cell: ({ spec }) => momentCell(Date.parse(spec.from), now) },
    { title: 'TO', cell: ({ spec }) => momentCell(Date.parse(spec.to), now) },
    { title: 'FOR', cell: ({ spec }) => concernedBy(spec.selector) },
    { title: 'OWNER', cell: ({ spec }) => spec.owner },
    { title: 'REASON', wide: true, cell: ({ spec }) => spec.reason },
  ]
}

function stateOf({ from, to }: FreezeWindowSpec, now: number): string {
  if (now < Date.parse(from)) return 'Coming'
  return now < Date.parse(to) ? 'InForce' : 'Over'
}

function concernedBy(selector: Selector = {}): string {
  const parts = Object.entries(selector).map(([field, values]) => `${field}=${values.join(',')}`)
  return parts.length === 0 ? 'everything' : parts.join(' ')
}
