#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { Client, errorText, loadKubeconfig, systemClock, systemRandom, transportFromKubeconfig } from '@locktender/kube'
import { jsonLogger, manageOperators, startMonitoring, type ManagedCluster, type Monitoring } from '@locktender/runtime'
import { Command, CommanderError, Option } from 'commander'
import type { ManagementClusterIdentity } from './fold-status.ts'
import { readOperatorsFile } from './operators-file.ts'
import { startAgent } from './start-agent.ts'

interface Flags extends ManagementClusterIdentity {
  readonly hubKubeconfig: string
  readonly hubContext?: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly metricsAddress?: string
  readonly operators?: string
}

const clock = systemClock()
const log = jsonLogger(
  (line) => void process.stdout.write(`${line}\n`),
  () => clock.now(),
)

async function connect(path: string | undefined, context: string | undefined): Promise<Client> {
  const transport = await transportFromKubeconfig(await loadKubeconfig({ path, context }), { clock })
  return new Client({ transport, userAgent: 'locktender-agent' })
}

/** Runs the operators of a file beside the agent. */
async function runOperators(
  path: string,
  local: Client,
  signal: AbortSignal,
  monitoring: Monitoring | undefined,
): Promise<void> {
  const file = readOperatorsFile(await readFile(path, 'utf8'), path)
  const clusters: Record<string, ManagedCluster> = {}
  // One client for one API server: its caches are shared.
  const clients = new Map<string, Client>()
  for (const [name, { kubeconfig, context, ...rest }] of Object.entries(file.clusters)) {
    const isLocal = kubeconfig === undefined && context === undefined
    const id = JSON.stringify([kubeconfig, context])
    const client = isLocal ? local : (clients.get(id) ?? (await connect(kubeconfig, context)))
    clients.set(id, client)
    clusters[name] = { client, ...rest }
  }
  // Whether this process is ready and healthy is for the agent to say: no operator is worth starting it anew.
  const metrics = monitoring?.surroundings.metrics
  log.info('Runs operators', { operators: file.operators.map(({ name }) => name).join(', ') })
  await manageOperators({
    ...file,
    clusters,
    clock,
    random: systemRandom(),
    log,
    signal,
    ...(metrics && { surroundings: { metrics } }),
  })
}

async function run(flags: Flags): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const { name, environment, sector, region } = flags
  const monitoring = flags.metricsAddress === undefined ? undefined : await startMonitoring(flags.metricsAddress)
  if (monitoring !== undefined) log.info('Serves metrics', { url: monitoring.url })
  try {
    const local = await connect(flags.kubeconfig, flags.context)
    const agent = startAgent({
      hub: await connect(flags.hubKubeconfig, flags.hubContext),
      local,
      managementCluster: { name, environment, sector, region },
      clock,
      random: systemRandom(),
      log,
      signal: stop.signal,
      ...(monitoring && { surroundings: monitoring.surroundings }),
      onStarted: () => log.info('Started', { managementCluster: name }),
    })
    const operators =
      flags.operators === undefined ? agent : runOperators(flags.operators, local, stop.signal, monitoring)
    const both = [agent, operators]
    // Where one ends, the process does, and is started anew with both.
    for (const one of both) one.finally(() => stop.abort()).catch(() => {})
    await Promise.allSettled(both)
    await Promise.all(both)
  } finally {
    await monitoring?.close()
  }
}

const program = new Command('locktender-agent')
  .description('Keeps the hosted control planes of one management cluster as the hub asks, and reports on them.')
  .requiredOption('--hub-kubeconfig <file>', 'kubeconfig of the hub, with the identity of this agent')
  .option('--hub-context <name>', 'context of that kubeconfig')
  .option('--kubeconfig <file>', 'kubeconfig of the management cluster (default: as kubectl, else the pod)')
  .option('--context <name>', 'context of that kubeconfig')
  .requiredOption('--name <name>', 'name of the management cluster, which is its namespace on the hub')
  .addOption(
    new Option('--environment <name>', 'what it is for')
      .choices(['integration', 'stage', 'production'])
      .makeOptionMandatory(),
  )
  .requiredOption('--sector <name>', 'sector within the environment, such as canary or main')
  .requiredOption('--region <name>', 'region')
  .option('--metrics-address <host:port>', 'serve /metrics, /healthz and /readyz there, without authentication')
  .option('--operators <file>', 'run the programs of these operators, too, and apply what they record')
  .showHelpAfterError('(run with --help for usage)')
  .exitOverride()
  .action(run)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    log.error('Ended', { error: errorText(error) })
    process.exitCode = 1
  }
}
