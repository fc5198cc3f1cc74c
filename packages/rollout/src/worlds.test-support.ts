import fc from 'fast-check'
import { MINUTE, modelMeta, type ModelOptions, type ModelWorld } from './model.test-support.ts'

export const smallWorld: fc.Arbitrary<ModelOptions> = fc.record({
  targets: fc.integer({ min: 0, max: 150 }),
  seed: fc.nat(),
  shards: fc.integer({ min: 1, max: 5 }),
  perShard: fc.integer({ min: 1, max: 5 }),
  background: fc.constantFrom(0, 0.02, 0.1),
  bad: fc.constantFrom(0, 0, 0.1, 0.5),
  shareOffline: fc.constantFrom(0, 0.1),
  strategy: fc.record({ maxConcurrent: fc.integer({ min: 1, max: 12 }), customerShare: fc.constantFrom(20, 50) }),
})

/** Something that happens to the fleet itself. */
export interface Happening {
  readonly minute: number
  readonly kind: 'leave' | 'join' | 'offline' | 'hold' | 'close' | 'move'
  readonly whom: number
  readonly minutes: number
}

export const happening: fc.Arbitrary<Happening> = fc.record({
  minute: fc.integer({ min: 0, max: 900 }),
  kind: fc.constantFrom('leave', 'join', 'offline', 'hold', 'close', 'move'),
  whom: fc.nat(),
  minutes: fc.integer({ min: 1, max: 200 }),
})

export function happen(world: ModelWorld, { kind, whom, minutes }: Happening): void {
  const known = [...world.observed.keys()]
  const id = known[whom % Math.max(1, known.length)]
  const before = id === undefined ? undefined : world.observed.get(id)
  if (kind === 'join' || !id || !before) {
    const meta = modelMeta(whom % 100, 100, world.options.seed, world.options.shards ?? 7)
    world.join({ ...meta, id: `new-${whom}-${known.length}`, phase: 'Pending', requested: false })
  } else if (kind === 'leave') {
    world.leave(id)
  } else if (before.phase === 'Pending' && !before.requested) {
    if (kind === 'move') {
      world.observe(id, { stage: 'production', stratum: 'moved', shard: 'mc-0' })
      return
    }
    if (kind === 'close') {
      world.observe(id, { notBefore: world.now + minutes * MINUTE })
      return
    }
    world.observe(id, { phase: kind === 'hold' ? 'Held' : 'Unreachable' })
    world.schedule(world.now + minutes * MINUTE, () => {
      if (world.observed.get(id)?.requested === false) world.observe(id, { phase: 'Pending' })
    })
  }
}
