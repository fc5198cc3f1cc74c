import {
  controlPlanes,
  CPO_IMAGE_ANNOTATION,
  hostedClusters,
  managementClusters,
  nodePools,
  rollouts,
  type ControlPlane,
  type ManagementCluster,
  type Rollout,
} from '@locktender/fleet'
import type { Recorded, WatchedHyperShift } from './recorder.ts'

const terminal = new Set(['Applied', 'Failed', 'Reverted'])

/**
 * What must hold at every moment of a rollout, judged from recorded events alone. Returns a sentence for each
 * violation, so that an empty answer is success. `events` are in the order in which they happened and begin before
 * the first rollout.
 */
export function violations(events: readonly Recorded[]): string[] {
  const found: string[] = []
  const caps = new Map<string, number>()
  const runs = new Map<string, Rollout>()
  const planes = new Map<string, ControlPlane>()
  const inFlight = new Map<string, Set<string>>()
  const first = new Map<string, Recorded>()
  const touched = new Map<string, Set<string>>()
  const annotated = new Map<string, { image: string | undefined; times: number }>()

  const complain = (event: Recorded, text: string) => found.push(`@${event.revision} ${event.key}: ${text}`)

  const onControlPlane = (event: Recorded): void => {
    const plane = event.object as ControlPlane
    const before = planes.get(event.key)
    planes.set(event.key, plane)
    const shard = plane.metadata.namespace ?? ''
    const busy = inFlight.get(shard) ?? new Set()
    inFlight.set(shard, busy)
    if (isInFlight(plane)) busy.add(event.key)
    else busy.delete(event.key)
    const cap = capOf(shard)
    if (busy.size > cap) complain(event, `${busy.size} changes at once on ${shard}, allowed are ${cap}`)
    for (const override of plane.spec.overrides ?? []) {
      const known = before?.spec.overrides?.some(
        ({ component, image }) => component === override.component && image === override.image,
      )
      if (known === true) continue
      const run = runs.get(override.rollout)
      if (run === undefined) complain(event, `changed for ${override.rollout}, which nobody has seen`)
      else {
        const { stage, room } = opened(run, before ?? plane)
        const members = touched.get(`${override.rollout}/${stage}`) ?? new Set()
        touched.set(`${override.rollout}/${stage}`, members.add(event.key))
        if (members.size > room) complain(event, `number ${members.size} in ${stage}, where ${room} were let in`)
      }
    }
  }

  const capOf = (shard: string): number => {
    const strategies = [...runs.values()].map((run) => run.spec.strategy.maxConcurrentPerManagementCluster ?? Infinity)
    return Math.min(caps.get(shard) ?? Infinity, ...strategies)
  }

  const onHostedCluster = (event: Recorded): void => {
    const at = `${event.cluster}/${event.key}`
    const image = event.object.metadata.annotations?.[CPO_IMAGE_ANNOTATION]
    const entry = annotated.get(at) ?? { image: undefined, times: 0 }
    if (image !== undefined && image !== entry.image) {
      entry.times++
      if (entry.times > 1) complain(event, `annotated ${entry.times} times`)
      const asked = [...planes.values()].some(
        (plane) =>
          plane.metadata.namespace === event.cluster &&
          `${plane.spec.hostedCluster.namespace}/${plane.spec.hostedCluster.name}` === event.key &&
          (plane.spec.overrides ?? []).some((override) => override.image === image),
      )
      if (!asked) complain(event, 'annotated though its ControlPlane does not ask for it')
    }
    entry.image = image
    annotated.set(at, entry)
    unchanged(event)
  }

  /** Nobody but HyperShift's own users may change what is in `spec`. */
  const unchanged = (event: Recorded): void => {
    const at = `${event.cluster}/${event.plural}/${event.key}`
    const original = first.get(at)
    if (original === undefined) {
      first.set(at, event)
      return
    }
    const [before, after] = [original.object as WatchedHyperShift, event.object as WatchedHyperShift]
    if (event.type === 'DELETED') complain(event, `${event.plural} deleted`)
    if (after.metadata.generation !== before.metadata.generation) complain(event, 'its generation moved')
    if (JSON.stringify(after.spec) !== JSON.stringify(before.spec)) complain(event, 'its spec was changed')
  }

  for (const event of events) {
    if (event.plural === managementClusters.plural) {
      caps.set(event.key, (event.object as ManagementCluster).spec.maxConcurrent)
    } else if (event.plural === rollouts.plural) {
      runs.set(event.key, event.object as Rollout)
    } else if (event.plural === controlPlanes.plural) {
      onControlPlane(event)
    } else if (event.plural === hostedClusters.plural) {
      onHostedCluster(event)
    } else if (event.plural === nodePools.plural) {
      unchanged(event)
    }
  }
  return found
}

/** Control planes, by `namespace/name`, whose spec ever asked for a change. */
export function everTouched(events: readonly Recorded[]): ReadonlySet<string> {
  return new Set(
    events
      .filter(({ plural }) => plural === controlPlanes.plural)
      .filter(({ object }) => ((object as ControlPlane).spec.overrides ?? []).length > 0)
      .map(({ key }) => key),
  )
}

/** How often each HostedCluster, by `cluster/namespace/name`, was given an image. */
export function annotations(events: readonly Recorded[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  const images = new Map<string, string | undefined>()
  for (const { cluster, plural, key, object } of events) {
    if (plural !== hostedClusters.plural) continue
    const at = `${cluster}/${key}`
    const image = object.metadata.annotations?.[CPO_IMAGE_ANNOTATION]
    if (image !== undefined && image !== images.get(at)) times.set(at, (times.get(at) ?? 0) + 1)
    images.set(at, image)
  }
  return times
}

/** The newest state of the objects of one kind. */
export function latest<T>(events: readonly Recorded[], plural: string): T[] {
  const objects = new Map<string, Recorded>()
  for (const event of events) if (event.plural === plural) objects.set(`${event.cluster}/${event.key}`, event)
  return [...objects.values()].filter(({ type }) => type !== 'DELETED').map(({ object }) => object as T)
}

function isInFlight({ spec, status }: ControlPlane): boolean {
  return (spec.overrides ?? []).some((override) => {
    const operation = status?.operations?.find(({ component }) => component === override.component)
    return operation?.rollout !== override.rollout || !terminal.has(operation.phase)
  })
}

/** The stage of the control plane, as its report and the strategy say, and the size of its waves opened so far. */
function opened(run: Rollout, plane: ControlPlane): { stage: string; room: number } {
  const identity = plane.status?.identity
  const stage = run.spec.strategy.stages.find(
    ({ selector }) =>
      selector.environment === identity?.environment &&
      (selector.sector === undefined || selector.sector === identity.sector),
  )
  const waves = run.status?.stages.find(({ name }) => name === stage?.name)?.waves ?? []
  const room = waves.filter(({ openedAt }) => openedAt !== undefined).reduce((sum, { size }) => sum + size, 0)
  return { stage: stage?.name ?? 'no stage', room }
}
