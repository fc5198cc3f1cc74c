import { API_VERSION, approvals, componentFixes, controlPlanes, rollouts } from '@locktender/fleet'
import type { Approval, ComponentFix, ControlPlane, Rollout } from '@locktender/fleet'
import { isAlreadyExists, isForbidden, ObjectCache, Reflector, sleep } from '@locktender/kube'
import type { Client, Clock, Random } from '@locktender/kube'

/** What people need to act: their own client, the clock on their wall. */
export interface Person {
  readonly name: string
  /** Speaks to the hub with this person's credentials. */
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
}

const minute = 60_000

/**
 * Requests `fix` once all `controlPlaneCount` control planes have been reported, as somebody would who first looks
 * at what is exposed. A fix that exists already was requested before a restart.
 */
export async function requestFix(
  person: Person,
  fix: ComponentFix,
  controlPlaneCount: number,
  signal: AbortSignal,
): Promise<void> {
  await allReported(person, controlPlaneCount, signal)
  if (signal.aborted) return
  await sleep(person.clock, minute, signal)
  try {
    await person.client.create(componentFixes, fix)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/** Resolves when every control plane has a status, or when `signal` aborts. */
async function allReported(person: Person, count: number, signal: AbortSignal): Promise<void> {
  const enough = new AbortController()
  const reported = new Set<string>()
  const reflector = new Reflector<ControlPlane>({
    client: person.client,
    resource: controlPlanes,
    clock: person.clock,
    random: person.random,
    cache: new ObjectCache(),
    onEvent: (event) => {
      if (event.object().status !== undefined) reported.add(event.key)
      if (reported.size >= count) enough.abort()
    },
  })
  await reflector.run(AbortSignal.any([signal, enough.signal]))
}

/** Approves every rollout of `fixName` that waits for approval, some minutes after seeing it. */
export async function approveRollouts(person: Person, fixName: string, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>()
  const reflector = new Reflector<Rollout>({
    client: person.client,
    resource: rollouts,
    clock: person.clock,
    random: person.random,
    cache: new ObjectCache(),
    onEvent: (event) => {
      if (event.type === 'DELETED') return
      const { metadata, spec, status } = event.object()
      if (spec.fix !== fixName || status?.phase !== 'AwaitingApproval') return
      if (seen.has(spec.plan.hash) || status.approvals.some(({ user }) => user === person.name)) return
      seen.add(spec.plan.hash)
      void approve(person, metadata.name, spec.plan.hash, signal)
    },
  })
  await reflector.run(signal)
}

async function approve(person: Person, rollout: string, planHash: string, signal: AbortSignal): Promise<void> {
  const approval: Approval = {
    apiVersion: API_VERSION,
    kind: 'Approval',
    metadata: { name: `${rollout}-${person.name}` },
    spec: { rollout, planHash, comment: 'Read the plan; stages and waves look right.' },
  }
  while (!signal.aborted) {
    await sleep(person.clock, (2 + 3 * person.random.next()) * minute, signal).catch(() => {})
    if (signal.aborted) return
    try {
      await person.client.create(approvals, approval)
      return
    } catch (error) {
      // Refused or given before a restart: asking again would not change the answer.
      if (isAlreadyExists(error) || isForbidden(error)) return
    }
  }
}
