#!/usr/bin/env node
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import {
  Client,
  errorText,
  loadKubeconfig,
  randomUuid,
  systemClock,
  systemRandom,
  transportFromKubeconfig,
} from '@locktender/kube'
import { jsonLogger, startMonitoring, type Monitoring } from '@locktender/runtime'
import { startManager } from './start-manager.ts'

const usage = `Plans and carries out the delivery of component fixes on the hub that a kubeconfig names.

Usage: locktender-manager [flags]
  --kubeconfig FILE   default: the files of KUBECONFIG, else ~/.kube/config, else the service account of the pod
  --context NAME      default: the current context
  --namespace NAME    namespace of the leader lease; default locktender-system
  --identity NAME     name of this process in the lease; default the host's name with a random suffix
  --no-leader-elect   work at once; only where no other manager can run
  --metrics-address HOST:PORT
                      serve /metrics, /healthz and /readyz there, without authentication; default not at all
`

const clock = systemClock()
const random = systemRandom()
const log = jsonLogger(
  (line) => void process.stdout.write(`${line}\n`),
  () => clock.now(),
)

function readFlags() {
  try {
    return parseArgs({
      allowNegative: true,
      options: {
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
        namespace: { type: 'string', default: 'locktender-system' },
        identity: { type: 'string', default: `${hostname()}_${randomUuid(random)}` },
        'leader-elect': { type: 'boolean', default: true },
        'metrics-address': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n\n${usage}`)
    return undefined
  }
}

async function main(): Promise<number> {
  const flags = readFlags()
  if (flags === undefined) return 2
  if (flags.help) {
    process.stdout.write(usage)
    return 0
  }
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const kubeconfig = await loadKubeconfig({ path: flags.kubeconfig, context: flags.context })
  const transport = await transportFromKubeconfig(kubeconfig, { clock })
  const hub = new Client({ transport, userAgent: 'locktender-manager' })
  const { namespace, identity } = flags
  const leaderElection = { client: hub, namespace, name: 'locktender-manager', identity }
  const address = flags['metrics-address']
  let monitoring: Monitoring | undefined
  try {
    if (address !== undefined) {
      monitoring = await startMonitoring(address)
      log.info('Serves metrics', { url: monitoring.url })
    }
    await startManager({
      hub,
      clock,
      random,
      log,
      signal: stop.signal,
      ...(monitoring && { surroundings: monitoring.surroundings }),
      ...(flags['leader-elect'] ? { leaderElection } : {}),
      onStarted: () => log.info('Started', { hub: kubeconfig.server, identity }),
    })
    return 0
  } finally {
    await monitoring?.close()
    await transport.close()
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  log.error('Ended', { error: errorText(error) })
  process.exitCode = 1
}
