import { rolloutStrategies, type RolloutStrategy, type RolloutStrategySpec } from '@locktender/fleet'
import { isNotFound, type Client } from '@locktender/kube'
import { CommandError } from './command-error.ts'
import { exitCodes } from './exit-codes.ts'
import type { Session } from './session.ts'

/** Rules for a rollout, and what people call them. */
export interface NamedStrategy {
  readonly name: string
  readonly spec: RolloutStrategySpec
}

/** The strategy of that name on the server. */
export async function strategyNamed(client: Client, name: string): Promise<NamedStrategy> {
  try {
    return { name, spec: (await client.get<RolloutStrategy>(rolloutStrategies, name)).spec }
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new CommandError(
      exitCodes.notFound,
      `RolloutStrategy "${name}" does not exist; list them with "kubectl get rolloutstrategies". Nothing was written`,
    )
  }
}

/** The strategy in a file; it need not be on any server. */
export async function strategyInFile(session: Session, path: string): Promise<NamedStrategy> {
  const text = await session.readFile(path)
  const { checkedObject } = await import('./checked-file.ts')
  const { metadata, spec } = await checkedObject<RolloutStrategy>(rolloutStrategies, { path, text }, session.clock)
  return { name: metadata.name, spec }
}

/** Whether `text` is a file rather than the name of an object: names have neither slashes nor these endings. */
export function isFile(text: string): boolean {
  return text === '-' || /\/|\.(ya?ml|json)$/.test(text)
}
