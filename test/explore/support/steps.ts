import type { KubeObject, Resource } from '@locktender/kube'
import type { Invariant, ObjectsState, Step } from '@locktender/runtime/explore'
import { type Custom, databases, MAIN, NAMESPACE } from './kinds.ts'

export const SETTLE: Step = { settle: true }

/** The user changes fields of an object's spec. */
export function changeSpec(name: string, spec: object, resource: Resource = databases): Step {
  return { change: { resource, name, namespace: NAMESPACE }, to: { spec } }
}

export function deleted(name: string, resource: Resource = databases): Step {
  return { delete: { resource, name, namespace: NAMESPACE } }
}

/** The database of the stories, while it is there. */
export function databaseIn<Spec extends object>(state: ObjectsState, name = 'db'): Custom<Spec> | undefined {
  return state.get<Custom<Spec>>(databases, name, NAMESPACE)
}

/** An invariant of the one API server; what `start` closes over is the history of the schedule. */
export function invariant(name: string, start: () => (state: ObjectsState) => string | undefined): Invariant {
  return {
    name,
    start() {
      const check = start()
      return (state) => check(state.cluster(MAIN))
    },
  }
}

export function isGoing(object: KubeObject | undefined): boolean {
  return object?.metadata.deletionTimestamp !== undefined
}
