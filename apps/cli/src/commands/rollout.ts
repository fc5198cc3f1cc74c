import { rollouts, type Rollout } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { resourceName } from '../output.ts'
import type { Session } from '../session.ts'

/** Phases from which a rollout never moves again. */
const ended = new Set(['Reverted', 'Completed', 'Aborted'])

/** Starts nothing new until resumed. What is under way is finished. */
export async function pauseRollout(session: Session, name: string, reason: string): Promise<void> {
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
export async function abortRollout(session: Session, name: string, reason: string): Promise<void> {
  await change(session, name, { abort: { reason } }, 'aborted')
}

async function change(session: Session, name: string, spec: object, done: string): Promise<void> {
  const client = await session.client()
  const rollout = await client.get<Rollout>(rollouts, name)
  const phase = rollout.status?.phase
  if (phase !== undefined && ended.has(phase)) {
    throw new CommandError(
      exitCodes.conflict,
      `${name} has ended (${phase}) and cannot be ${done}; nothing was written`,
    )
  }
  await client.patch(rollouts, { name }, { spec }, { type: 'merge' })
  session.out(`${resourceName(rollouts, name)} ${done}\n`)
}
