import {
  componentFixes,
  controlPlanes,
  fixMatcher,
  MAX_SINGLED_OUT,
  rollouts,
  targetState,
  type ComponentFix,
  type ControlPlane,
  type Rollout,
  type TargetStatus,
} from '@locktender/fleet'
import { objectKey, type Client } from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { resourceName } from '../output.ts'
import type { Session } from '../session.ts'

/** Phases from which a rollout never moves again. */
const ended = new Set(['Reverted', 'Completed', 'Aborted'])

/** What every intervention must say. */
interface Reasoned {
  readonly reason: string
}

/** Starts nothing new until resumed. What is under way is finished. */
export async function pauseRollout(session: Session, name: string, { reason }: Reasoned): Promise<void> {
  await change(session, name, { pause: { reason } }, 'paused')
}

export async function resumeRollout(session: Session, name: string): Promise<void> {
  const rollout = await (await session.client()).get<Rollout>(rollouts, name)
  if (rollout.spec.pause === undefined) {
    throw new CommandError(exitCodes.conflict, `${name} is not paused; nothing was written`)
  }
  await change(session, name, { pause: null }, 'resumed')
}

/** Ends the rollout for good; control planes that have the fix keep it. */
export async function abortRollout(session: Session, name: string, { reason }: Reasoned): Promise<void> {
  await change(session, name, { abort: { reason } }, 'aborted')
}

/** Halts the rollout and takes the fix back everywhere, for good, whatever its strategy says of reverting. */
export async function revertRollout(session: Session, name: string, { reason }: Reasoned): Promise<void> {
  const { status } = await (await session.client()).get<Rollout>(rollouts, name)
  const isComplete = status?.phase === 'Completed'
  await change(session, name, { revert: { reason } }, 'reverted', { said: 'revert requested', isComplete })
  session.note(`nothing new is started, and the fix is taken back everywhere; watch it: lkt rollout explain ${name}`)
}

/** Ends the soak after the wave that is under way, once its changes are through. */
export async function expediteRollout(session: Session, name: string, { reason }: Reasoned): Promise<void> {
  const { status } = await (await session.client()).get<Rollout>(rollouts, name)
  const { stage, wave } = status ?? {}
  if (stage === undefined || wave === undefined) {
    throw new CommandError(exitCodes.conflict, `${name} has no wave under way; nothing was written`)
  }
  await change(session, name, { expedite: { stage, wave, reason } }, 'expedited')
  session.note(
    `no soak after wave ${wave} of ${stage}; changes under way there are still waited for, and later waves soak as planned`,
  )
}

/** Leaves a control plane out that nobody asked yet; of rollouts that follow this one, too. */
export async function skipControlPlane(session: Session, name: string, target: string, { reason }: Reasoned) {
  const { rollout, id, state } = await single(session, name, target)
  if (rollout.spec.skip?.some(({ controlPlane }) => controlPlane === id) === true) {
    throw new CommandError(exitCodes.conflict, `${id} is left out already; nothing was written`)
  }
  if (!UNTREATED.has(state.state)) {
    throw new CommandError(
      exitCodes.conflict,
      `${id} is ${state.state}, so it is too late to leave it out; nothing was written. "lkt explain ${id}" says more`,
    )
  }
  await add(session, rollout, 'skip', { controlPlane: id, reason }, `skips ${id}`)
  session.note(`${id} stays without the fix: it counts as held, and nothing waits for it`)
}

/** Asks for another attempt on a control plane on which the fix failed. */
export async function retryControlPlane(session: Session, name: string, target: string, { reason }: Reasoned) {
  const { rollout, id, state } = await single(session, name, target)
  const isRefused = state.state === 'Pending' && isNamed(rollout, id, 'Blocked')
  if (state.state !== 'Failed' && !isRefused) {
    throw new CommandError(
      exitCodes.conflict,
      `${id} is ${state.state}: only where the fix failed is it tried again; nothing was written. "lkt explain ${id}" says more`,
    )
  }
  await add(session, rollout, 'retry', { controlPlane: id, reason }, `tries ${id} again`)
  session.note(`it comes as soon as there is room; that it failed before stays in the evidence`)
}

/** What nobody was asked yet is like. */
const UNTREATED: ReadonlySet<string> = new Set(['Pending', 'Held', 'Blocked', 'Unknown'])

function isNamed({ status }: Rollout, id: string, state: string): boolean {
  return status?.problems.some((problem) => problem.controlPlane === id && problem.state === state) === true
}

/** A rollout that is not over, and one control plane that its fix concerns. */
async function single(
  session: Session,
  name: string,
  target: string,
): Promise<{ readonly rollout: Rollout; readonly id: string; readonly state: TargetStatus }> {
  const client = await session.client()
  const rollout = await client.get<Rollout>(rollouts, name)
  const phase = rollout.status?.phase
  if (phase === 'Halted' || phase === 'Reverting' || (phase !== undefined && ended.has(phase))) {
    throw new CommandError(exitCodes.conflict, `${name} is ${phase} and treats nobody any more; nothing was written`)
  }
  const controlPlane = await oneControlPlane(client, target)
  const fix = await client.get<ComponentFix>(componentFixes, rollout.spec.fix)
  const state = targetState(controlPlane, fixMatcher(fix), { now: session.now(), rollout: name })
  const id = objectKey(controlPlane)
  if (state.state === 'NotAffected' || state.state === 'Native') {
    throw new CommandError(exitCodes.conflict, `${id} does not need the fix (${state.state}); nothing was written`)
  }
  return { rollout, id, state }
}

async function oneControlPlane(client: Client, target: string): Promise<ControlPlane> {
  const [namespace, name] = target.includes('/') ? target.split('/', 2) : [undefined, target]
  const { items } = await client.listAll<ControlPlane>(controlPlanes, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  })
  const [found] = items
  if (found !== undefined && items.length === 1) return found
  const names = items.map((item) => objectKey(item)).join(', ')
  throw new CommandError(
    found === undefined ? exitCodes.notFound : exitCodes.usage,
    found === undefined
      ? `there is no control plane "${target}"; see "kubectl get controlplanes -A"`
      : `"${target}" is the name of several control planes: ${names}; give one as NAMESPACE/NAME`,
  )
}

/** Adds an entry to a list of the rollout as it was read: if somebody else has changed it meanwhile, that is told. */
async function add(
  session: Session,
  { metadata, spec }: Rollout,
  field: 'skip' | 'retry',
  entry: { readonly controlPlane: string; readonly reason: string },
  said: string,
): Promise<void> {
  const before = spec[field] ?? []
  if (before.length >= MAX_SINGLED_OUT) {
    throw new CommandError(
      exitCodes.conflict,
      `${metadata.name} has ${before.length} such requests, which is all it can keep; nothing was written`,
    )
  }
  const { name, resourceVersion } = metadata
  const patch = { metadata: { resourceVersion }, spec: { [field]: [...before, entry] } }
  await (await session.client()).patch(rollouts, { name }, patch, { type: 'merge' })
  session.out(`${resourceName(rollouts, name)} ${said}\n`)
}

async function change(
  session: Session,
  name: string,
  spec: object,
  done: string,
  { said = done, isComplete = false }: { readonly said?: string; readonly isComplete?: boolean } = {},
): Promise<void> {
  const client = await session.client()
  const rollout = await client.get<Rollout>(rollouts, name)
  const phase = rollout.status?.phase
  if (phase !== undefined && ended.has(phase) && !isComplete) {
    const stays = phase === 'Completed' ? `. "lkt rollout revert ${name}" takes the fix back` : ''
    throw new CommandError(
      exitCodes.conflict,
      `${name} has ended (${phase}) and cannot be ${done}; nothing was written${stays}`,
    )
  }
  await client.patch(rollouts, { name }, { spec }, { type: 'merge' })
  session.out(`${resourceName(rollouts, name)} ${said}\n`)
}
