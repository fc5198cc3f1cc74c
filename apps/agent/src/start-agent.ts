import { AGENT_LEASE, leases, UNREGISTERED_ANNOTATION } from '@locktender/fleet'
import { isNotFound, microTimestamp, sleep, type Client, type Clock, type Random } from '@locktender/kube'
import { runControllers, type LiveSurroundings, type Logger } from '@locktender/runtime'
import { agentController } from './agent-controller.ts'
import type { ManagementClusterIdentity } from './fold-status.ts'
import { Registry, type Unregistered } from './registry.ts'

export interface AgentOptions {
  /** The hub, with the identity of this agent. */
  readonly hub: Client
  /** The management cluster. */
  readonly local: Client
  readonly managementCluster: ManagementClusterIdentity
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
  readonly surroundings?: LiveSurroundings
  readonly onStarted?: () => void
}

/** Time between heartbeats, in milliseconds; Kubernetes' node leases are renewed after as long at the latest. */
const HEARTBEAT_MS = 60_000

/** Runs the agent of one management cluster until the signal aborts. */
export async function startAgent(options: AgentOptions): Promise<void> {
  const { hub, local, clock, random, signal } = options
  const log = options.log.with({ managementCluster: options.managementCluster.name })
  const stop = new AbortController()
  const running = AbortSignal.any([signal, stop.signal])
  const registry = new Registry()
  let isStarted = false
  const heart = beat(options, log, running, () => (isStarted ? registry.unregistered() : undefined))
  try {
    await runControllers({
      ...options.surroundings,
      controllers: [agentController(options.managementCluster, registry)],
      clusters: { hub, local },
      clock,
      random,
      log,
      signal: running,
      onStarted() {
        isStarted = true
        options.onStarted?.()
      },
    })
  } finally {
    stop.abort()
    await heart
  }
}

/**
 * Renews the heartbeat lease, so that the hub can tell a quiet agent from a dead one without status writes. With it goes
 * what the agent has nowhere else to say: HostedClusters that nobody registered.
 */
async function beat(
  options: AgentOptions,
  log: Logger,
  signal: AbortSignal,
  unregistered: () => Unregistered | undefined,
): Promise<void> {
  const { hub, clock, managementCluster } = options
  const target = { name: AGENT_LEASE, namespace: managementCluster.name }
  let told = 0
  while (!signal.aborted) {
    const found = unregistered()
    if (found !== undefined && found.count > told) {
      log.warn('HostedClusters have no ControlPlane on the hub', { count: found.count, first: found.first.join(', ') })
    }
    told = found?.count ?? told
    try {
      const renewTime = microTimestamp(clock.now())
      const annotations = found === undefined ? {} : { [UNREGISTERED_ANNOTATION]: JSON.stringify(found) }
      const spec = { holderIdentity: `agent-${target.namespace}`, renewTime }
      await hub.report(leases, target, { metadata: { annotations }, spec })
    } catch (error) {
      if (signal.aborted) return
      if (isNotFound(error)) log.error('Heartbeat lease is missing', { lease: `${target.namespace}/${target.name}` })
      else log.warn('Heartbeat failed', { error: String(error) })
    }
    await sleep(clock, HEARTBEAT_MS, signal).catch(() => {})
  }
}
