import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom, systemClock } from '@locktender/kube'
import { silentLogger } from '@locktender/runtime'
import { agentIdentity, Demo, generateFleet, managerIdentity } from '@locktender/simulator'

/** Serves the hub and one management cluster with twelve control planes until SIGTERM, and writes kubeconfigs for them. */
const folder = process.argv[2]!
const clock = systemClock()
const world = { clusters: 240, seed: 1, failRate: 0, badFix: 0, components: 'few' } as const
const all = generateFleet(world)
const place = all.managementClusters[0]!
const controlPlanes = all.controlPlanes.filter(({ managementCluster }) => managementCluster === place.name)
const demo = await Demo.open(world, {
  clock,
  random: seededRandom(1),
  log: silentLogger,
  startedAt: clock.now(),
  sockets: true,
  port: 0,
  speed: 'of a test',
  fleet: { ...all, managementClusters: [place], controlPlanes },
  onlyHyperShift: true,
})
const files = {
  people: await demo.kubeconfig(),
  manager: await demo.kubeconfigOf(managerIdentity, ['hub']),
  agent: await demo.kubeconfigOf(agentIdentity(place.name), ['hub', place.name]),
}
for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const running = demo.run(stop.signal)
process.stdout.write(`Serving ${JSON.stringify({ place, controlPlanes: controlPlanes.length })}\n`)
await running
await demo.close()
