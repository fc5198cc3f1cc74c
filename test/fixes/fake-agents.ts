import { controlPlanes } from '@locktender/fleet'
import type { ControlPlane, ControlPlaneOperation, ControlPlaneStatus } from '@locktender/fleet'
import { ObjectCache, Reflector } from '@locktender/kube'
import type { Client, Clock, Random } from '@locktender/kube'

export interface FakeAgentsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  /** Whether the change fails on this control plane. */
  readonly fails?: (name: string) => boolean
  /** How many minutes after the change of a component this control plane falls ill; never when undefined. */
  readonly sickens?: (name: string, component: string) => number | undefined
  /** Minutes after the change at which this control plane is unwell for a moment, without being ill. */
  readonly flaps?: (name: string) => readonly number[]
  readonly signal: AbortSignal
}

const minute = 60_000

/** What an agent tells of one control plane. */
type Told = Required<Pick<ControlPlaneStatus, 'operations' | 'images' | 'health'>>

/**
 * Stand for all agents: each change asked for takes 11 to 21 minutes and ends as `fails` says. Who falls ill by it is well
 * again once it is taken back.
 */
export function runFakeAgents(options: FakeAgentsOptions): Promise<void> {
  const { client, clock, random, fails, sickens, flaps, signal } = options
  const started = new Set<string>()
  const latest = new Map<string, string>()
  const told = new Map<string, Told>()
  const reflector = new Reflector<ControlPlane>({
    client,
    resource: controlPlanes,
    clock,
    random,
    cache: new ObjectCache(),
    onEvent(event) {
      if (event.type === 'DELETED') return
      const controlPlane = event.object()
      for (const next of nextOperations(controlPlane, now())) begin(event.key, controlPlane, next)
    },
  })
  const now = () => new Date(clock.now()).toISOString()
  const begin = (id: string, controlPlane: ControlPlane, next: ControlPlaneOperation) => {
    const { component } = next
    const key = `${id} ${next.phase} ${next.rollout} ${next.attempt ?? 1}`
    if (started.has(key)) return
    started.add(key)
    latest.set(`${id} ${component}`, key)
    void report(id, controlPlane, next)
    clock.after((11 + 10 * random.next()) * minute, () => {
      // Something else was asked for meanwhile.
      if (latest.get(`${id} ${component}`) !== key) return
      const { name } = controlPlane.metadata
      const failed = next.phase === 'Applying' && fails?.(name) === true
      const phase = failed ? 'Failed' : next.phase === 'Applying' ? 'Applied' : 'Reverted'
      const ended = { ...next, phase, completionTime: now(), ...(failed ? { reason: 'Broken' } : {}) } as const
      void report(id, controlPlane, ended, phase === 'Reverted' ? { state: 'Healthy', since: now() } : undefined)
      const times = phase === 'Applied' ? (flaps?.(name) ?? []) : []
      for (const [index, after] of times.entries()) {
        clock.after(after * minute, () => void flap(controlPlane, index + 1))
      }
      if (flaps !== undefined && phase === 'Applied') void flap(controlPlane, 0)
      const delay = phase === 'Applied' ? sickens?.(name, component) : undefined
      if (delay === undefined) return
      clock.after(delay * minute, () => {
        if (latest.get(`${id} ${component}`) !== key) return
        void report(id, controlPlane, ended, { state: 'Degraded', since: now(), reason: 'ComponentsFailing' })
      })
    })
  }
  const flap = async ({ metadata }: ControlPlane, value: number) => {
    if (signal.aborted) return
    await client.patch(
      controlPlanes,
      { name: metadata.name, namespace: metadata.namespace },
      { status: { signals: [{ name: 'DegradedChanges', value, at: now() }] } },
      { type: 'merge', subresource: 'status' },
    )
  }
  const report = async (
    id: string,
    { metadata, status }: ControlPlane,
    operation: ControlPlaneOperation,
    health?: ControlPlaneStatus['health'],
  ) => {
    if (signal.aborted || status === undefined) return
    const { component } = operation
    const before = told.get(id) ?? { operations: status.operations ?? [], images: status.images, health: status.health }
    const image = {
      component,
      image: operation.image ?? originalImage,
      origin: operation.image === undefined ? ('payload' as const) : ('annotation' as const),
      ...(operation.image === undefined || operation.fix === undefined ? {} : { fix: operation.fix }),
    }
    const next: Told = {
      operations: [operation, ...before.operations.filter((each) => each.component !== component)],
      images: [image, ...before.images.filter((each) => each.component !== component)],
      health: health ?? before.health,
    }
    told.set(id, next)
    await client.patch(
      controlPlanes,
      { name: metadata.name, namespace: metadata.namespace },
      { status: next },
      { type: 'merge', subresource: 'status' },
    )
  }
  return reflector.run(signal)
}

export const originalImage = `registry.example/operator@sha256:${'0'.repeat(64)}`

/** What is to be done for a control plane: one operation for each component that is not as it should be. */
function nextOperations({ spec, status }: ControlPlane, startTime: string): ControlPlaneOperation[] {
  const { overrides = [] } = spec
  const { operations = [] } = status ?? {}
  const changes = overrides.flatMap((override): ControlPlaneOperation[] => {
    const { wave: _, ...change } = override
    const last = operations.find(({ component }) => component === change.component)
    const isDone = last?.image === change.image && last.rollout === change.rollout && last.attempt === change.attempt
    return isDone ? [] : [{ ...change, phase: 'Applying', startTime }]
  })
  const reverts = operations.flatMap(({ component, fix, rollout, phase }): ControlPlaneOperation[] => {
    if (overrides.some((each) => each.component === component) || phase === 'Reverting' || phase === 'Reverted')
      return []
    const whose = { ...(fix === undefined ? {} : { fix }), ...(rollout === undefined ? {} : { rollout }) }
    return [{ component, ...whose, phase: 'Reverting', startTime }]
  })
  return [...changes, ...reverts]
}
