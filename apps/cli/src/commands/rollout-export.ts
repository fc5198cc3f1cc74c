import { logLabel, unpackedLines } from '@locktender/fixes'
import { GROUP, rolloutLogs, rollouts, type Rollout, type RolloutLog } from '@locktender/fleet'
import { isNotFound, type Client } from '@locktender/kube'
import { InputError } from '@locktender/releases'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

/** Writes the whole log of a rollout as JSON lines, after checking that no piece is missing or was exchanged. */
export async function rolloutExport(session: Session, name: string): Promise<void> {
  const client = await session.client()
  const rollout = await findRollout(client, name)
  const { items } = await client.listAll<RolloutLog>(rolloutLogs, {
    labelSelector: `${GROUP}/rollout=${logLabel(name)}`,
  })
  // A rollout of the same name may have been there before.
  const uid = rollout?.metadata.uid ?? items.at(-1)?.spec.rolloutUid
  const pieces = items.filter(({ spec }) => spec.rolloutUid === uid)
  const last = pieces.reduce<RolloutLog | undefined>(
    (latest, piece) => (latest === undefined || piece.spec.sequence > latest.spec.sequence ? piece : latest),
    undefined,
  )
  if (last === undefined) {
    const why =
      rollout === undefined
        ? `there is no rollout ${name}, and no log of one`
        : `rollout ${name} has no log yet; it is written when a wave opens and at the end`
    throw new CommandError(exitCodes.notFound, why)
  }
  const stored = rollout?.status?.log?.pieces ?? 0
  if (pieces.length < stored) {
    throw new CommandError(
      exitCodes.failed,
      `rollout ${name} stored ${stored} pieces of its log and only ${pieces.length} are there: the last ones were deleted. Nothing was written`,
    )
  }
  // Everything is checked before anything is written: half a log would look like a whole one.
  for (const text of checkedTexts(pieces)) session.out(text)
  const entries = pieces.reduce((sum, { spec }) => sum + spec.entries, 0)
  const goesOn = rollout === undefined || rollout.status?.completionTime !== undefined ? '' : '; the rollout goes on'
  session.note(
    `${entries} entries in ${pieces.length} pieces, until ${last.spec.to}, the chain of digests is whole${goesOn}`,
  )
}

function checkedTexts(pieces: readonly RolloutLog[]): string[] {
  try {
    return [...unpackedLines(pieces)]
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new CommandError(exitCodes.failed, `${error.message}. Nothing was written`)
  }
}

async function findRollout(client: Client, name: string): Promise<Rollout | undefined> {
  try {
    return await client.get<Rollout>(rollouts, name)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
