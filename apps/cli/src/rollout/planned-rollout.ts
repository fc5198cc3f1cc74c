import { rolloutScenario } from '@locktender/fixes'
import { type Scenario } from '@locktender/rollout'
import {
  componentFixes,
  controlPlanes,
  freezeWindows,
  managementClusters,
  rollouts,
  type ComponentFix,
  type ControlPlane,
  type FreezeWindow,
  type ManagementCluster,
  type Rollout,
} from '@locktender/fleet'
import { isNotFound, type Client } from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { isFile, strategyInFile, strategyNamed, type NamedStrategy } from '../strategy-source.ts'

/** How bad the bug and how risky the fix is taken to be: shares from 0 to 1; the usual ones when absent. */
export interface StakesFlags {
  readonly hazard?: number
  readonly prior?: number
}

/** Where another strategy comes from: an object by its name, or a file. */
export interface StrategyFlags {
  readonly strategy?: string
  readonly filename?: string
}

/** What is to be planned, and by which rules. */
export interface Subject {
  readonly fix: ComponentFix
  readonly strategy: NamedStrategy
  /** Absent while the fix is not requested. */
  readonly rollout?: Rollout
}

/** A rollout that exists, by the rules that were frozen into it. */
export async function subjectOfRollout(client: Client, name: string): Promise<Subject & { readonly rollout: Rollout }> {
  const rollout = await client.get<Rollout>(rollouts, name)
  try {
    const fix = await client.get<ComponentFix>(componentFixes, rollout.spec.fix)
    return { fix, rollout, strategy: { name: fix.spec.strategy, spec: rollout.spec.strategy } }
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new CommandError(
      exitCodes.notFound,
      `the fix ${rollout.spec.fix} of rollout ${name} is gone, so nobody can say whom it concerns; its plan is in "kubectl get rollout ${name} -o yaml"`,
    )
  }
}

/** A fix on the server, or one in a file that nobody has requested yet. */
export async function subjectOfFix(session: Session, source: string, flags: StrategyFlags): Promise<Subject> {
  const client = await session.client()
  const fix = isFile(source) ? await fixInFile(session, source) : await client.get<ComponentFix>(componentFixes, source)
  return { fix, strategy: (await otherStrategy(session, flags)) ?? (await strategyNamed(client, fix.spec.strategy)) }
}

async function fixInFile(session: Session, path: string): Promise<ComponentFix> {
  const text = await session.readFile(path)
  const { checkedObject } = await import('../checked-file.ts')
  return checkedObject<ComponentFix>(componentFixes, { path, text }, session.clock)
}

/** The strategy that the flags name, if they name one. */
export async function otherStrategy(session: Session, flags: StrategyFlags): Promise<NamedStrategy | undefined> {
  const { strategy, filename } = flags
  if (strategy !== undefined && filename !== undefined) {
    throw new CommandError(exitCodes.usage, 'give either --strategy or -f, not both')
  }
  if (filename !== undefined) return strategyInFile(session, filename)
  return strategy === undefined ? undefined : strategyNamed(await session.client(), strategy)
}

/** The fleet as it is now, ready to be planned for by any strategy. */
export async function plannable(
  session: Session,
  { fix, rollout }: Subject,
  stakes: StakesFlags,
): Promise<(strategy: NamedStrategy) => Scenario> {
  const client = await session.client()
  const [planes, places, freezes] = await Promise.all([
    client.listAll<ControlPlane>(controlPlanes),
    client.listAll<ManagementCluster>(managementClusters),
    client.listAll<FreezeWindow>(freezeWindows),
  ])
  const fleet = { controlPlanes: planes.items, managementClusters: places.items, freezeWindows: freezes.items }
  return ({ spec: strategy }) => {
    const scenario = rolloutScenario({
      ...fleet,
      fix,
      strategy,
      ...(rollout === undefined ? {} : { rollout }),
      now: session.now(),
    })
    return { ...scenario, stakes: { ...scenario.stakes, ...stakes } }
  }
}
