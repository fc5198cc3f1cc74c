import { rollouts, type Rollout } from '@locktender/fleet'
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
  await change(session, name, { revert: { reason } }, 'reverted', 'revert requested')
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

async function change(session: Session, name: string, spec: object, done: string, said = done): Promise<void> {
  const client = await session.client()
  const rollout = await client.get<Rollout>(rollouts, name)
  const phase = rollout.status?.phase
  if (phase !== undefined && ended.has(phase)) {
    const stays = phase === 'Completed' ? '. The fix stays until another that supersedes it is delivered' : ''
    throw new CommandError(
      exitCodes.conflict,
      `${name} has ended (${phase}) and cannot be ${done}; nothing was written${stays}`,
    )
  }
  await client.patch(rollouts, { name }, { spec }, { type: 'merge' })
  session.out(`${resourceName(rollouts, name)} ${said}\n`)
}
