import { freezeConcerns } from '@locktender/fixes'
import { activeHold, controlPlanes, hostedClusters, type ControlPlane } from '@locktender/fleet'
import { deepEqual, objectKey, type KubeObject } from '@locktender/kube'
import type { Invariant, WorldState } from '@locktender/runtime/explore'
import { askedImage, HUB, PLACES } from './fleet.ts'
import { askedIn, changesOf, Fleet, isInFlight, operationOf, overrideOf, type Asked } from './history.ts'

/** Judges one who is asked, or taken back; made anew for each schedule, so it may keep history. */
interface Rule {
  readonly name: string
  start(): (asked: Asked, fleet: Fleet) => string | undefined
}

function ofAsked(name: string, start: Rule['start']): Rule {
  return { name, start }
}

/** I5: what is started leaves no more in flight than the limits allow. */
const caps = ofAsked('no limit is exceeded', () => ({ key, before, after, override }, fleet) => {
  if (isInFlight(before) || !isInFlight(after)) return undefined
  const flying = fleet.planes.filter(isInFlight)
  const place = after.metadata.namespace ?? ''
  const here = flying.filter(({ metadata }) => metadata.namespace === place)
  const limit = fleet.place(place)?.spec.maxConcurrent ?? 1
  if (here.length > limit) return `${key} makes ${here.length} at once on ${place}, allowed are ${limit}`
  const name = override?.rollout ?? overrideOf(before)?.rollout ?? ''
  const strategy = fleet.rollout(name)?.spec.strategy
  const its = flying.filter((plane) => (overrideOf(plane) ?? operationOf(plane))?.rollout === name)
  const itsHere = its.filter(({ metadata }) => metadata.namespace === place)
  if (its.length > (strategy?.maxConcurrent ?? Infinity)) return `${key} makes ${its.length} at once for ${name}`
  const most = strategy?.maxConcurrentPerManagementCluster ?? Infinity
  return itsHere.length > most ? `${key} makes ${itsHere.length} at once for ${name} on ${place}` : undefined
})

/** Nobody is asked without consent. */
const approved = ofAsked('nobody is treated without approval', () => ({ key, override }, fleet) => {
  if (override === undefined) return undefined
  const rollout = fleet.rollout(override.rollout)
  if (rollout === undefined) return `${key} is asked for ${override.rollout}, which does not exist`
  const given = fleet.consenting(rollout)
  const { approvals } = rollout.spec.strategy
  return given < approvals ? `${key} is asked after ${given} of ${approvals} approvals` : undefined
})

/** I4, I12: only a rollout under way asks, and only members of waves that its status shows as open. */
const underWay = ofAsked('a rollout asks only while it is under way, in open waves', () => {
  const members = new Map<string, Set<string>>()
  return ({ key, after, override }, fleet) => {
    if (override === undefined) return undefined
    const { rollout: name } = override
    const { spec, status } = fleet.rollout(name) ?? {}
    // Who resumes takes the pause away; the status follows.
    const isUnderWay = status?.phase === 'Progressing' || (status?.phase === 'Paused' && spec?.pause === undefined)
    if (!isUnderWay) return `${key} is asked by ${name}, which is ${status?.phase ?? 'new'}`
    const environment = after.status?.identity.environment
    const stage = spec?.strategy.stages.find(({ selector }) => selector.environment === environment)?.name ?? ''
    const waves = status.stages.find((each) => each.name === stage)?.waves ?? []
    const room = waves.reduce((sum, wave) => sum + (wave.openedAt === undefined ? 0 : wave.size), 0)
    const id = `${name} ${stage}`
    const treated = members.get(id) ?? new Set()
    members.set(id, treated.add(key))
    return treated.size > room ? `${key} is number ${treated.size} of ${stage}, where ${room} were let in` : undefined
  }
})

/** Holds, freezes and skips that are there when a control plane is asked. */
const leftAlone = ofAsked(
  'who is held, frozen or left out is not treated',
  () =>
    ({ key, before, after, override }, fleet) => {
      if (override === undefined) return undefined
      const hold = activeHold(before ?? after, fleet.now)
      if (hold !== undefined) return `${key} is asked although it has the hold ${hold.name}`
      const frozen = fleet.freezes.find(
        (freeze) =>
          Date.parse(freeze.spec.from) <= fleet.now &&
          fleet.now < Date.parse(freeze.spec.to) &&
          freezeConcerns(freeze, after),
      )
      if (frozen !== undefined) return `${key} is asked within the freeze ${frozen.metadata.name}`
      const { skip = [] } = fleet.rollout(override.rollout)?.spec ?? {}
      return skip.some(({ controlPlane }) => controlPlane === key)
        ? `${key} is asked although it was left out`
        : undefined
    },
)

/** I2, I24: one request, and one more for each time somebody wants it. */
const once = ofAsked('nobody is treated twice', () => {
  const asked = new Map<string, string>()
  return ({ key, before, after, override }, fleet) => {
    if (override === undefined) return undefined
    const { rollout: name, attempt = 1 } = override
    const uid = after.metadata.uid ?? ''
    const id = `${uid} ${name} ${attempt}`
    if (asked.has(id)) return `${key} is asked for attempt ${attempt} of ${name} once more`
    asked.set(id, key)
    const wanted = (fleet.rollout(name)?.spec.retry ?? []).filter(({ controlPlane }) => controlPlane === key).length
    if (attempt > 1 + wanted) return `${key} is asked for attempt ${attempt}, people wanted ${1 + wanted}`
    return isInFlight(before) ? `${key} is asked while another operation is under way` : undefined
  }
})

/** I22. */
const pairs = ofAsked('partners are never treated at the same time', () => ({ key, before, after }, fleet) => {
  if (isInFlight(before) || !isInFlight(after)) return undefined
  const pair = after.status?.identity.pair
  if (pair === undefined) return undefined
  const other = fleet.planes.find(
    (plane) => plane.status?.identity.pair === pair && objectKey(plane) !== key && isInFlight(plane),
  )
  return other === undefined ? undefined : `${key} is changed at the same time as ${objectKey(other)}`
})

const RULES: readonly Rule[] = [caps, approved, underWay, leftAlone, once, pairs]

/** All of them look at one account of what has changed. */
const asking: Invariant = {
  name: 'who is asked',
  start() {
    const changes = changesOf<ControlPlane>(controlPlanes)
    const rules = RULES.map((rule) => ({ name: rule.name, check: rule.start() }))
    return (state) => {
      const asked = askedIn(changes(state.cluster(HUB)))
      if (asked.length === 0) return undefined
      const fleet = new Fleet(state)
      const found = asked.flatMap((one) =>
        rules.flatMap(({ name, check }) => {
          const wrong = check(one, fleet)
          return wrong === undefined ? [] : [`${name}: ${wrong}`]
        }),
      )
      return found[0]
    }
  },
}

/** Who decides writes what should be, who carries out writes what is; one write is by one of them. */
const statusOnly: Invariant = {
  name: 'agents write the status and nothing else',
  start() {
    const changes = changesOf<ControlPlane>(controlPlanes)
    return (state) => {
      for (const { key, before, after } of changes(state.cluster(HUB))) {
        if (before === undefined || after === undefined || before.metadata.uid !== after.metadata.uid) continue
        if (!deepEqual(before.status, after.status) && !deepEqual(before.spec, after.spec)) {
          return `one write has changed both spec and status of ${key}`
        }
      }
      return undefined
    }
  },
}

interface Original {
  readonly uid: string | undefined
  readonly image: string | undefined
  readonly rest: unknown
}

/** What the agent touches of a HostedCluster: its annotations, and after a revert these are as they were. */
const restored: Invariant = {
  name: 'a HostedCluster is only annotated, once for each wish, and a revert leaves what was there before',
  start() {
    const local = PLACES.map(({ name }) => ({
      name,
      changes: changesOf<KubeObject & { spec?: object }>(hostedClusters),
    }))
    const hub = changesOf<ControlPlane>(controlPlanes)
    const originals = new Map<string, Original>()
    return (state) => {
      for (const { name, changes } of local) {
        for (const { key, after } of changes(state.cluster(name))) {
          if (after === undefined) continue
          const id = `${name} ${key}`
          const { uid, labels } = after.metadata
          const rest = {
            spec: after.spec,
            labels: Object.keys(labels ?? {}).filter((label) => !label.startsWith('test.')),
          }
          const known = originals.get(id)
          if (known?.uid !== uid) originals.set(id, { uid, image: askedImage(after), rest })
          else if (!deepEqual(known?.rest, rest)) return `more than annotations of ${id} has changed`
          const wrong = annotatedWrongly(state, name, after, originals.get(id)!)
          if (wrong !== undefined) return wrong
        }
      }
      for (const { key, before, after } of hub(state.cluster(HUB))) {
        if (operationOf(after)?.phase !== 'Reverted' || operationOf(before)?.phase === 'Reverted') continue
        const { namespace = '' } = after!.metadata
        const { hostedCluster } = after!.spec
        const cluster = state.cluster(namespace).get(hostedClusters, hostedCluster.name, hostedCluster.namespace)
        const original = originals.get(`${namespace} ${hostedCluster.namespace}/${hostedCluster.name}`)
        if (cluster !== undefined && askedImage(cluster) !== original?.image) {
          return `${key} is said to be as before, but asks for ${askedImage(cluster) ?? 'no image'}`
        }
      }
      return undefined
    }
  },
}

/** An image is put there only while the hub asks for it. */
function annotatedWrongly(
  state: WorldState,
  place: string,
  cluster: KubeObject,
  original: Original,
): string | undefined {
  const image = askedImage(cluster)
  if (image === original.image) return undefined
  const plane = state.cluster(HUB).get<ControlPlane>(controlPlanes, cluster.metadata.name, place)
  const wanted = overrideOf(plane) ?? operationOf(plane)
  const isKnown = wanted !== undefined
  return isKnown ? undefined : `${place} ${cluster.metadata.name} asks for ${image ?? 'nothing'}, which nobody wanted`
}

export const invariants: readonly Invariant[] = [asking, statusOnly, restored]
