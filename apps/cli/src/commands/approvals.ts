import { API_VERSION, approvals, rollouts, type Approval, type Rollout, type RolloutOutlook } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { age, printObjects, resourceName, type Column, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'
import { momentCell } from '../times.ts'

/** Lists the rollouts that wait for approval: what has been given, what is needed, and by when each ends with a chance of 80 %. */
export async function approvalsList(session: Session, options: { readonly output: OutputFormat }): Promise<void> {
  const { items } = await (await session.client()).listAll<Rollout>(rollouts)
  const waiting = items.filter((rollout) => (rollout.status?.phase ?? 'AwaitingApproval') === 'AwaitingApproval')
  const now = session.now()
  const columns: Column<Rollout>[] = [
    { title: 'ROLLOUT', cell: (rollout) => rollout.metadata.name },
    { title: 'FIX', cell: (rollout) => rollout.spec.fix },
    { title: 'TARGETS', cell: (rollout) => rollout.spec.plan.targets },
    {
      title: 'APPROVALS',
      cell: (rollout) => `${rollout.status?.approvals.length ?? 0}/${rollout.spec.strategy.approvals}`,
    },
    { title: 'BY', cell: (rollout) => rollout.status?.approvals.map(({ user }) => user).join(',') },
    {
      title: 'ENDS',
      cell: ({ status }) =>
        momentCell(status?.outlook?.p80 === undefined ? undefined : Date.parse(status.outlook.p80), now),
    },
    { title: 'DEADLINE', cell: ({ status }) => deadlineOf(status?.outlook) },
    { title: 'HARM-HOURS', wide: true, cell: ({ status }) => status?.outlook?.harmHours },
    { title: 'PLAN', wide: true, cell: (rollout) => rollout.spec.plan.hash },
    { title: 'AGE', cell: (rollout) => age(rollout.metadata.creationTimestamp, now) },
  ]
  printObjects(session, options.output, rollouts, waiting, columns)
}

function deadlineOf(outlook: RolloutOutlook | undefined): string | undefined {
  if (outlook === undefined) return undefined
  return outlook.feasible ? 'kept' : 'MISSED'
}

export interface ApproveOptions {
  /** Digest of the plan that was looked at; the present one when absent. */
  readonly plan?: string
  readonly comment?: string
}

/** Approves the plan of a rollout as the calling user. The API server stamps who that is. */
export async function approve(session: Session, name: string, options: ApproveOptions): Promise<void> {
  const client = await session.client()
  const rollout = await client.get<Rollout>(rollouts, name)
  const phase = rollout.status?.phase ?? 'AwaitingApproval'
  if (phase !== 'AwaitingApproval') {
    throw new CommandError(exitCodes.conflict, `${name} does not wait for approval (${phase}); nothing was written`)
  }
  const planHash = options.plan ?? rollout.spec.plan.hash
  const approval: Approval = {
    apiVersion: API_VERSION,
    kind: approvals.kind,
    metadata: { name: '', generateName: `${name}-` },
    spec: { rollout: name, planHash, ...(options.comment === undefined ? {} : { comment: options.comment }) },
  }
  const created = await client.create<Approval>(approvals, approval, { fieldValidation: 'Strict' })
  session.out(`${resourceName(approvals, created.metadata.name)} created\n`)
  session.note(`approved plan ${planHash} of ${name} for ${rollout.spec.plan.targets} control planes`)
}
