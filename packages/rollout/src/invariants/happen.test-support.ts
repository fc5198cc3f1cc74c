import type { Agent } from './fleet.test-support.ts'
import { FOREVER, metaOf, TICK, type Happening } from './story.test-support.ts'
import type { StoryWorld } from './world.test-support.ts'

/** Lets something happen in the world; without anybody it can happen to, nothing happens. */
export function happen(world: StoryWorld, happening: Happening): void {
  const { kind, whom, ticks } = happening
  const until = ticks === FOREVER ? Number.POSITIVE_INFINITY : world.time.now + ticks * TICK
  switch (kind) {
    case 'join':
    case 'join-treated':
      join(world, happening)
      return
    case 'stratum-offline': {
      const stratum = `stratum-${whom % world.story.strata}`
      for (const agent of world.fleet.agents.values()) {
        if (agent.meta.stratum === stratum) takeAway(world, agent, until)
      }
      return
    }
    case 'samples':
      world.event({ type: 'samples', signal: 'Errors', bad: whom % 4 === 0 ? 10 : whom % 2, total: 20 })
      return
    case 'cap':
      changeCap(world, happening)
      return
    case 'lost-acknowledgements':
      world.lostUntil = world.time.now + Math.min(ticks, 20) * TICK
      world.time.after(Math.min(ticks, 20), () => undefined)
      return
    case 'restart':
      world.restart()
      return
    case 'pause':
      pause(world, ticks)
      return
    case 'expedite':
    case 'abort':
    case 'revert':
      world.ask(kind)
      return
    case 'retry':
      retry(world, happening)
      return
    case 'revert-now':
      world.ask('revertNow')
      return
    default:
      happenToOne(world, happening, until)
  }
}

/** Somebody looks every now and then, and wants all tried again that have failed; and one that has not. */
function retry(world: StoryWorld, { whom, ticks }: Happening): void {
  const ids = [...world.fleet.agents.keys()]
  const any = ids[whom % Math.max(1, ids.length)]
  if (any !== undefined) world.retry(any)
  for (let after = 0; after <= Math.min(ticks, 40); after += 4) {
    world.time.after(after, () => {
      for (const [id, { base, requested, isHere }] of world.fleet.agents) {
        if (base === 'Failed' && requested && isHere) world.retry(id)
      }
    })
  }
}

/** One to three, all of one stage. */
function join(world: StoryWorld, { kind, whom }: Happening): void {
  const { stage } = metaOf(world.story, `joining-${whom}`)
  for (let joining = 0; joining <= whom % 3; joining++) {
    const id = `new-${100 + world.joined++}`
    const agent = world.fleet.join({ ...metaOf(world.story, id), stage })
    if (kind === 'join-treated') {
      agent.base = 'Applied'
      agent.requested = true
      agent.since = world.time.now - 2 * TICK
      agent.completedAt = world.time.now - TICK
    }
    tell(world, agent)
  }
}

function changeCap(world: StoryWorld, { whom, ticks }: Happening): void {
  const shard = `shard-${whom % world.story.shards}`
  const cap = Math.floor(whom / world.story.shards) % 5
  world.caps.set(shard, ticks === FOREVER ? Math.max(1, cap) : cap)
  world.capChanged()
  if (ticks === FOREVER) return
  world.time.after(ticks, () => {
    world.caps.delete(shard)
    world.capChanged()
  })
}

function pause(world: StoryWorld, ticks: number): void {
  world.isPauseWanted = true
  world.ask('pause')
  if (ticks === FOREVER) return
  world.time.after(ticks, () => {
    world.isPauseWanted = false
    world.ask('resume')
  })
}

function tell(world: StoryWorld, agent: Agent): void {
  world.event({ type: 'upsert', target: world.fleet.seen(agent) })
}

/** Out of reach for some time. */
function takeAway(world: StoryWorld, agent: Agent, until: number): void {
  agent.offlineUntil = Math.max(agent.offlineUntil, until)
  if (!agent.isHere) return
  tell(world, agent)
  tellAt(world, agent, until)
}

function tellAt(world: StoryWorld, agent: Agent, at: number): void {
  if (!Number.isFinite(at)) return
  world.time.after((at - world.time.now) / TICK, () => {
    if (agent.isHere) tell(world, agent)
  })
}

/** Its label says from now on who stands in for it. */
function label(agent: Agent | undefined, whom: number): void {
  if (agent) agent.meta = { ...agent.meta, pair: `labelled-${whom}` }
}

function happenToOne(world: StoryWorld, { kind, whom }: Happening, until: number): void {
  const { fleet, time, story } = world
  const known = [...fleet.agents].filter(([, { isHere }]) => isHere !== (kind === 'come-back'))
  const [id, agent] = known[whom % Math.max(1, known.length)] ?? []
  if (id === undefined || !agent) return
  const isUntouched = fleet.isUntouched(agent)
  switch (kind) {
    case 'skip':
      world.skip(id)
      return
    case 'leave':
      agent.isHere = false
      world.event({ type: 'remove', id })
      if (!Number.isFinite(until)) return
      time.after((until - time.now) / TICK, () => {
        agent.isHere = true
        tell(world, agent)
      })
      return
    case 'offline':
      takeAway(world, agent, until)
      return
    case 'come-back':
      agent.isHere = true
      break
    case 'move':
      if (isUntouched) agent.meta = { ...metaOf(story, `moved-${whom}`), id }
      break
    case 'pair':
      label(agent, whom)
      label(known[(whom + 1) % known.length]?.[1], whom)
      tell(world, known[(whom + 1) % known.length]?.[1] ?? agent)
      break
    case 'unpair': {
      const { pair: _, ...meta } = agent.meta
      agent.meta = meta
      break
    }
    case 'concern':
      if (isUntouched) agent.isAffected = !agent.isAffected
      break
    case 'hold':
      agent.heldUntil = until
      tellAt(world, agent, until)
      break
    case 'close':
      agent.notBefore = Math.min(until, time.now + 100 * TICK)
      break
    case 'unclose':
      delete agent.notBefore
      break
    case 'ill':
      if (
        agent.requested ? agent.base === 'Applied' || agent.base === 'Verifying' : isUntouched && story.compareUntreated
      )
        agent.onsetAt ??= time.now
      break
    case 'well':
      if (agent.onsetAt !== undefined) agent.healthySince = time.now
      delete agent.onsetAt
      break
    case 'signal':
      agent.isAlarmed = true
      break
    default:
      return
  }
  tell(world, agent)
}
