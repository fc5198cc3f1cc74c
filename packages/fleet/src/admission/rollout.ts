import { deepEqual, fieldForbidden, invalid } from '@locktender/kube'
import type { Rollout, RolloutSpec, SingledOut } from '../kinds/rollout.ts'
import { rollouts } from '../well-known.ts'
import type { AdmissionRequest } from './types.ts'

/** What people may ask of a rollout under way, each with a reason and with who asks. */
export const INTERVENTIONS = ['pause', 'abort', 'revert', 'expedite'] as const

/** Of these, what cannot be taken back, and why. */
export const FINAL_INTERVENTIONS = {
  abort: 'an abort is final, since work has been given up for it; request the fix again',
  revert: 'a revert is final, since the fix is being taken back for it; request the fix again',
} as const

/** What to say to whoever changes what was asked for single control planes. */
export const APPEND_MESSAGE =
  'entries can be added at the end, and those that are there stay as they are, since they may have been carried out'

/** What people may ask for single control planes, one after the other. */
export const SINGLE_OUT = ['skip', 'retry'] as const

/** What to say to whoever changes anything else. */
export const FROZEN_MESSAGE =
  'of a rollout only pause, abort, revert, expedite, skip and retry can be changed, since approvals bind to everything else; abort it and request the fix again'

type Interventions = Pick<RolloutSpec, (typeof INTERVENTIONS)[number]>
type Intervention = NonNullable<Interventions[keyof Interventions]>

/** Refuses changes of what was approved, and stamps who paused, aborted, reverted or expedited. */
export function admitRollout(object: Rollout, request: AdmissionRequest): Rollout | undefined {
  const old = request.oldObject as Rollout | undefined
  if (old !== undefined && !deepEqual(frozen(object.spec), frozen(old.spec))) {
    throw invalid(rollouts, object.metadata.name, [fieldForbidden('spec', FROZEN_MESSAGE)])
  }
  for (const field of ['abort', 'revert'] as const) {
    const asked = old?.spec[field]
    if (asked === undefined || object.spec[field]?.reason === asked.reason) continue
    throw invalid(rollouts, object.metadata.name, [fieldForbidden(`spec.${field}`, FINAL_INTERVENTIONS[field])])
  }
  const stamped: Record<string, Intervention | readonly SingledOut[]> = {}
  for (const field of SINGLE_OUT) {
    const next = object.spec[field]
    const before = old?.spec[field] ?? []
    if (before.some((asked, index) => !isSameBut(asked, next?.[index]))) {
      throw invalid(rollouts, object.metadata.name, [fieldForbidden(`spec.${field}`, APPEND_MESSAGE)])
    }
    const authored = next?.map((asked, index) => ({ ...asked, by: before[index]?.by ?? request.user.name }))
    if (authored !== undefined && !deepEqual(authored, next)) stamped[field] = authored
  }
  for (const field of INTERVENTIONS) {
    const next = object.spec[field]
    if (next === undefined) continue
    const by = authorOf(next, old?.spec[field], request.user.name)
    if (by !== next.by) stamped[field] = { ...next, by }
  }
  return Object.keys(stamped).length === 0 ? undefined : { ...object, spec: { ...object.spec, ...stamped } }
}

/** The same request, whoever is said to have made it. */
function isSameBut(left: SingledOut, right: SingledOut | undefined): boolean {
  return right !== undefined && deepEqual({ ...left, by: '' }, { ...right, by: '' })
}

/** Whoever asks, or changes what is asked, is its author; somebody else changing another field is not. */
function authorOf(next: Intervention, old: Intervention | undefined, user: string): string {
  const isSame = old !== undefined && deepEqual({ ...next, by: '' }, { ...old, by: '' })
  return isSame ? (old.by ?? user) : user
}

function frozen(spec: RolloutSpec) {
  const { pause: _1, abort: _2, revert: _3, expedite: _4, skip: _5, retry: _6, ...rest } = spec
  return rest
}
