import type { Client, Clock, Random } from '@locktender/kube'
import type { LiveSurroundings } from './live.ts'
import type { Logger } from './logger.ts'
import type { NamespaceMapping } from './hosted-namespaces.ts'

/** The three API servers of an operator, as the published contract calls them. */
export type OperatorRole = 'configuration' | 'management' | 'userWorkload'

/** An API server, as operators see it. */
export interface ManagedCluster {
  readonly client: Client
  /**
   * Real namespaces by the names that operators have for them. With it, they are kept to these namespaces.
   * @default all namespaces, by their own names
   */
  readonly namespaces?: NamespaceMapping
  /** Whether they may reach what lies in no namespace although they are kept to some. @default false */
  readonly clusterScoped?: boolean
}

/** An operator whose program is to be run. */
export interface ManagedOperator {
  readonly name: string
  /** Program and arguments that go before those of the contract. */
  readonly command: readonly string[]
  /** Names of API servers. */
  readonly clusters: Readonly<Record<OperatorRole, string>>
  /** Which of its controllers run: `*`, `name`, `-name`. @default all */
  readonly controllers?: readonly string[]
  /** Variables that the program needs beside PATH, TZ and LANG. */
  readonly environment?: Readonly<Record<string, string>>
  /** After this time a run is killed, in milliseconds. @default 60_000 */
  readonly timeLimitMs?: number
  /** How long its inputs must be quiet before a run, in milliseconds. @default 1000 */
  readonly debounceMs?: number
  /** From the end of a run to the next, in milliseconds. @default 10_000 */
  readonly coolDownMs?: number
  /** Runs that often even if nothing changes, in milliseconds. @default 600_000 */
  readonly resyncMs?: number
  /** What it may write in the long run. @default 5 */
  readonly requestsPerSecond?: number
  /** Where inputs come from, if not from where it may write them, and else from the configuration; the first counts. */
  readonly inputs?: readonly {
    readonly group?: string
    readonly resource?: string
    readonly namespace?: string
    readonly role: OperatorRole
  }[]
  /** The object in whose status it is told how the operator is doing. @default nowhere but in log and metrics */
  readonly report?: {
    readonly role: OperatorRole
    readonly group: string
    readonly version: string
    readonly resource: string
    readonly namespace?: string
    readonly name: string
  }
}

export interface ManageOptions {
  readonly clusters: Readonly<Record<string, ManagedCluster>>
  readonly operators: readonly ManagedOperator[]
  /** Programs that run side by side. @default 4 */
  readonly runsAtOnce?: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
  readonly surroundings?: LiveSurroundings
}

/**
 * Runs the programs of operators against real API servers until the signal aborts: feeds them what they declare as
 * inputs, and carries out what they record. What it takes is loaded only now, since few processes do this.
 *
 * @throws TypeError for names of API servers that do not exist
 */
export async function manageOperators(options: ManageOptions): Promise<void> {
  const { runOperators } = await import('./manage/run-operators.ts')
  await runOperators(options)
}
