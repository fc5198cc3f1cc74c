import { frozenUntil, withFreeze } from '@locktender/fixes'
import {
  activeHold,
  componentFixes,
  controlPlanes,
  fixMatcher,
  freezeWindows,
  rollouts,
  targetState,
  type ComponentFix,
  type ControlPlane,
  type FreezeWindow,
  type Rollout,
} from '@locktender/fleet'
import { isNotFound, objectKey, type Client, type KubeObject, type Resource } from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { renderFixProgress } from '../fix-progress.ts'
import { age, printDocument, type OutputFormat } from '../output.ts'
import { explainRollout } from '../rollout/explanation.ts'
import { renderExplanation, renderNext, renderWaiting } from '../rollout/explanation-view.ts'
import type { Session } from '../session.ts'

/** Says why a control plane, a fix or a rollout is in its state and what to do next. */
export async function explain(
  session: Session,
  target: string,
  options: { readonly output: OutputFormat },
): Promise<void> {
  const client = await session.client()
  const lines = await explainTarget(client, target, () => session.now())
  if (options.output === 'json' || options.output === 'yaml') {
    printDocument(session, options.output, {
      apiVersion: 'cli.locktender.dev/v1',
      kind: 'Explanation',
      target,
      lines,
    })
  } else {
    session.out(`${lines.join('\n')}\n`)
  }
}

async function explainTarget(client: Client, target: string, now: () => number): Promise<string[]> {
  if (!target.includes('/')) {
    const fix = await find<ComponentFix>(client, componentFixes, target)
    if (fix !== undefined) return explainFix(client, fix, now())
    const rollout = await find<Rollout>(client, rollouts, target)
    if (rollout !== undefined) return renderExplanation(explainRollout(rollout, now()), now())
  }
  const found = await findControlPlanes(client, target)
  if (found.length === 0) {
    throw new CommandError(
      exitCodes.notFound,
      `nothing is named "${target}": no ComponentFix, Rollout or ControlPlane; see "lkt status" and "kubectl get controlplanes -A"`,
    )
  }
  if (found.length > 1) {
    const names = found.map((plane) => objectKey(plane)).join(', ')
    throw new CommandError(
      exitCodes.usage,
      `"${target}" names ${found.length} control planes: ${names}; give one of these`,
    )
  }
  return explainControlPlane(client, found[0]!, now())
}

async function find<T extends KubeObject>(client: Client, resource: Resource, name: string): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, name)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** By `managementcluster/name`, or by name alone. */
async function findControlPlanes(client: Client, target: string): Promise<ControlPlane[]> {
  const [namespace, name] = target.includes('/') ? target.split('/', 2) : [undefined, target]
  const { items } = await client.listAll<ControlPlane>(controlPlanes, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  })
  return items
}

async function explainFix(client: Client, fix: ComponentFix, now: number): Promise<string[]> {
  const name = fix.status?.rollout
  const rollout = name === undefined ? undefined : await find<Rollout>(client, rollouts, name)
  const lines = renderFixProgress(fix, rollout, now)
  if (rollout === undefined) return lines
  const explanation = explainRollout(rollout, now)
  return [...lines, ...renderWaiting(explanation, now), ...renderNext(explanation)]
}

async function explainControlPlane(client: Client, plane: ControlPlane, now: number): Promise<string[]> {
  const { status } = plane
  const key = objectKey(plane)
  if (status === undefined) {
    return [
      `${key}  Unknown`,
      'WHY    its agent has not reported it yet',
      `OWNER  whoever runs the agent of ${plane.metadata.namespace}`,
      `NEXT   kubectl get lease agent -n ${plane.metadata.namespace}`,
    ]
  }
  const { identity, version, health, operations = [] } = status
  const lines = [
    `${key}  ${version.controlPlane}  ${identity.platform} ${identity.architecture} ${identity.topology}  ${identity.region}  tier ${identity.tier}`,
    `HEALTH ${health.state} since ${age(health.since, now)}${health.message === undefined ? '' : `: ${health.message}`}`,
  ]
  const hold = activeHold(plane, now)
  if (hold !== undefined) lines.push(`HOLD   ${hold.name}: ${hold.reason} (owner ${hold.owner})`)
  for (const operation of operations) {
    const why = [operation.reason, operation.message].filter((text) => text !== undefined).join(': ')
    lines.push(
      `CHANGE ${operation.phase} ${operation.fix ?? operation.component} for ${age(operation.startTime, now)}  ${why}`.trimEnd(),
    )
  }
  const [{ items }, freezes] = await Promise.all([
    client.listAll<ComponentFix>(componentFixes),
    client.listAll<FreezeWindow>(freezeWindows),
  ])
  const frozen = frozenUntil(plane, freezes.items, now)
  for (const fix of items) {
    const state = targetState(plane, fixMatcher(fix, items), { now, rollout: fix.status?.rollout })
    const target = withFreeze(state, frozen)
    if (target.state === 'NotAffected') continue
    lines.push(
      `FIX    ${fix.metadata.name}  ${target.state}${target.message === undefined ? '' : `: ${target.message}`}`,
    )
  }
  return lines
}
