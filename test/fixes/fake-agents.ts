import { controlPlanes } from '@locktender/fleet'
import type { ControlPlane, ControlPlaneOperation } from '@locktender/fleet'
import { ObjectCache, Reflector } from '@locktender/kube'
import type { Client, Clock, Random } from '@locktender/kube'

export interface FakeAgentsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  /** Whether the change fails on this control plane. */
  readonly fails?: (name: string) => boolean
  readonly signal: AbortSignal
}

const minute = 60_000

/** Stand for all agents: each change asked for takes 11 to 21 minutes and ends as `fails` says. */
export function runFakeAgents({ client, clock, random, fails, signal }: FakeAgentsOptions): Promise<void> {
  const started = new Set<string>()
  const latest = new Map<string, string>()
  const reflector = new Reflector<ControlPlane>({
    client,
    resource: controlPlanes,
    clock,
    random,
    cache: new ObjectCache(),
    onEvent(event) {
      if (event.type === 'DELETED') return
      const controlPlane = event.object()
      const next = nextOperation(controlPlane, new Date(clock.now()).toISOString())
      if (next === undefined) return
      const key = `${event.key} ${next.phase} ${next.rollout}`
      if (started.has(key)) return
      started.add(key)
      latest.set(event.key, key)
      void report(controlPlane, next)
      clock.after((11 + 10 * random.next()) * minute, () => {
        // Something else was asked for meanwhile.
        if (latest.get(event.key) !== key) return
        const completionTime = new Date(clock.now()).toISOString()
        const failed = next.phase === 'Applying' && fails?.(controlPlane.metadata.name) === true
        const phase = failed ? 'Failed' : next.phase === 'Applying' ? 'Applied' : 'Reverted'
        void report(controlPlane, { ...next, phase, completionTime, ...(failed ? { reason: 'Broken' } : {}) })
      })
    },
  })
  const report = async ({ metadata }: ControlPlane, operation: ControlPlaneOperation) => {
    if (signal.aborted) return
    const image = operation.image ?? originalImage
    const images = [
      {
        component: operation.component,
        image,
        origin: operation.image === undefined ? 'payload' : 'annotation',
        ...(operation.image === undefined ? {} : { fix: operation.fix }),
      },
    ]
    await client.patch(
      controlPlanes,
      { name: metadata.name, namespace: metadata.namespace },
      { status: { operations: [operation], images } },
      { type: 'merge', subresource: 'status' },
    )
  }
  return reflector.run(signal)
}

export const originalImage = `registry.example/operator@sha256:${'0'.repeat(64)}`

function nextOperation({ spec, status }: ControlPlane, startTime: string): ControlPlaneOperation | undefined {
  const wanted = spec.overrides?.[0]
  const last = status?.operations?.[0]
  if (wanted !== undefined) {
    if (last?.image === wanted.image && last.rollout === wanted.rollout) return undefined
    const { wave: _, ...change } = wanted
    return { ...change, phase: 'Applying', startTime }
  }
  if (last === undefined || last.phase === 'Reverting' || last.phase === 'Reverted') return undefined
  const { component, fix, rollout } = last
  return {
    component,
    ...(fix === undefined ? {} : { fix }),
    ...(rollout === undefined ? {} : { rollout }),
    phase: 'Reverting',
    startTime,
  }
}
