import type { KubeObject } from '@locktender/kube'

interface Leased extends KubeObject {
  readonly spec?: { readonly renewTime?: string }
}

/**
 * The latest moment that any of `objects` tells of, milliseconds since the epoch: a simulation that continues must
 * not go back behind what its objects remember. Zero without any object.
 */
export function latestTime(objects: readonly KubeObject[]): number {
  let latest = 0
  for (const object of objects) {
    const { creationTimestamp, managedFields } = object.metadata
    const times = [
      creationTimestamp,
      ...(managedFields ?? []).map(({ time }) => time),
      (object as Leased).spec?.renewTime,
    ]
    for (const time of times) {
      const parsed = time === undefined ? Number.NaN : Date.parse(time)
      if (parsed > latest) latest = parsed
    }
  }
  return latest
}
