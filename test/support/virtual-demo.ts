import { administrator, Demo, type Summary, type WorldOptions } from '@locktender/simulator'
import { forkRandom, VirtualClock } from '@locktender/kube'
import { silentLogger } from '@locktender/runtime'
import { Recorder, type Recorded } from './recorder.ts'

export interface VirtualRun {
  readonly summary: Summary
  readonly events: readonly Recorded[]
}

/** A demo in virtual time that has not begun to move. */
export async function openDemo(
  options: Partial<WorldOptions>,
  clock = new VirtualClock(),
): Promise<{ demo: Demo; clock: VirtualClock }> {
  const world: WorldOptions = { clusters: 60, seed: 1, failRate: 0, badFix: 0, components: 'few', ...options }
  const demo = await Demo.open(world, {
    clock,
    random: forkRandom(world.seed, 'run'),
    log: silentLogger,
    startedAt: clock.now(),
    sockets: false,
    port: 0,
    speed: 'max',
  })
  return { demo, clock }
}

/** Lets a rollout run to its end while everything that happens is recorded; `look` sees what is left. */
export async function runDemo(
  options: Partial<WorldOptions>,
  look?: (demo: Demo) => Promise<void>,
): Promise<VirtualRun> {
  const { demo, clock } = await openDemo(options)
  const recorder = new Recorder()
  const names = demo.fleet.managementClusters.map(({ name }) => name)
  recorder.start(
    demo.client('hub', administrator),
    new Map(names.map((name) => [name, demo.client(name, administrator)])),
  )
  const stop = new AbortController()
  let ended = false
  void demo.ended.then(() => (ended = true))
  clock.after(72 * 3_600_000, () => stop.abort())
  const running = demo.run(stop.signal)
  await Promise.race([clock.run(() => ended || stop.signal.aborted), running])
  const summary = await demo.summary(0, 0)
  const events = await recorder.stop()
  stop.abort()
  await Promise.race([running, clock.run()])
  await look?.(demo)
  await demo.close()
  if (!ended || summary === undefined) throw new Error('the rollout did not end within 72 hours of its clock')
  return { summary, events }
}
