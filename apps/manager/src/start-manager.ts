import { fixesController, HUB, managementClustersController, rolloutController } from '@locktender/fixes'
import type { Client, Clock, Random } from '@locktender/kube'
import { runControllers, type LiveSurroundings, type LeaderElectionOptions, type Logger } from '@locktender/runtime'

export interface ManagerOptions {
  /** The hub, with the identity of the manager (role `locktender-manager`). */
  readonly hub: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
  readonly surroundings?: LiveSurroundings
  /** With it, only one of several managers works at a time; without it this must be the only one. */
  readonly leaderElection?: LeaderElectionOptions
  /** Called when the manager begins to work: caches are filled and, with leader election, it leads. */
  readonly onStarted?: () => void
}

/**
 * Runs the manager until the signal aborts: plans a rollout for each fix, carries out approved ones, and says of each
 * management cluster what is registered.
 *
 * @throws LeadershipLostError when another manager leads from now on; the process should exit and start anew
 */
export async function startManager(options: ManagerOptions): Promise<void> {
  const { hub, clock, random, log, signal, leaderElection, onStarted } = options
  await runControllers({
    ...options.surroundings,
    controllers: [fixesController(), rolloutController(), managementClustersController()],
    clusters: { [HUB]: hub },
    clock,
    random,
    log,
    signal,
    ...(leaderElection === undefined ? {} : { leaderElection }),
    ...(onStarted === undefined ? {} : { onStarted }),
  })
}
