import { controlPlanes, rollouts } from '@locktender/fleet'
import type { ControlPlane, Rollout } from '@locktender/fleet'
import type { Client } from '@locktender/kube'

interface Recorded {
  readonly revision: number
  readonly controlPlane?: ControlPlane
  readonly rollout?: Rollout
}

/** Keeps every state the API server ever told of control planes and rollouts, in order. */
export class Recorder {
  readonly #events: Recorded[] = []

  async record(client: Client, signal: AbortSignal): Promise<void> {
    const watch = async (resource: typeof rollouts, take: (object: never) => Omit<Recorded, 'revision'>) => {
      let resourceVersion: string | undefined
      // Servers end watches now and then.
      while (!signal.aborted) {
        const from = resourceVersion === undefined ? { sendInitialEvents: true } : { resourceVersion }
        for await (const event of client.watch(resource, { ...from, signal })) {
          resourceVersion = event.resourceVersion
          if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue
          this.#events.push({ revision: Number(resourceVersion), ...take(event.object() as never) })
        }
      }
    }
    await Promise.all([
      watch(controlPlanes, (controlPlane: ControlPlane) => ({ controlPlane })),
      watch(rollouts, (rollout: Rollout) => ({ rollout })),
    ])
  }

  /** What went against the rules at any moment, judged by nothing but the recorded objects. */
  violations(maxConcurrent: number): string[] {
    const found: string[] = []
    const opened = new Map<string, number>()
    const touched = new Map<string, Set<string>>()
    const inFlight = new Map<string, Set<string>>()
    for (const { controlPlane, rollout } of this.#events.toSorted((left, right) => left.revision - right.revision)) {
      for (const stage of rollout?.status?.stages ?? []) {
        const size = stage.waves.reduce((sum, wave) => sum + wave.size, 0)
        opened.set(`${rollout!.metadata.name}/${stage.name}`, size)
      }
      if (controlPlane?.status === undefined) continue
      const { name, namespace = '' } = controlPlane.metadata
      const override = controlPlane.spec.overrides?.[0]
      const operation = controlPlane.status.operations?.[0]
      const stage =
        controlPlane.status.identity.sector === 'canary' ? 'canary' : controlPlane.status.identity.environment
      if (override !== undefined) {
        const place = `${override.rollout}/${stage}`
        const members = touched.get(place) ?? new Set()
        touched.set(place, members.add(name))
        if (members.size > (opened.get(place) ?? 0))
          found.push(`${name} was touched outside the open waves of ${place}`)
      }
      const running = inFlight.get(namespace) ?? new Set()
      inFlight.set(namespace, running)
      const ended =
        override === undefined
          ? operation === undefined || operation.phase === 'Reverted'
          : operation?.rollout === override.rollout && (operation.phase === 'Applied' || operation.phase === 'Failed')
      if (ended) running.delete(name)
      else running.add(name)
      if (running.size > maxConcurrent)
        found.push(`${running.size} control planes of ${namespace} were changing at once`)
    }
    return [...new Set(found)]
  }

  /** How often each control plane was asked to change or to go back. */
  requests(): Map<string, number> {
    const last = new Map<string, string>()
    const counts = new Map<string, number>()
    for (const { controlPlane } of this.#events) {
      if (controlPlane === undefined) continue
      const { name } = controlPlane.metadata
      const wanted = JSON.stringify(controlPlane.spec.overrides ?? [])
      if (wanted !== (last.get(name) ?? '[]')) counts.set(name, (counts.get(name) ?? 0) + 1)
      last.set(name, wanted)
    }
    return counts
  }
}
