import { posix } from 'node:path'

/** Where the objects of a resource are kept, in a must-gather and in recorded output alike. */
export interface ResourcePlace {
  readonly group: string
  readonly plural: string
  /** Absent for cluster-scoped ones. */
  readonly namespace?: string | undefined
}

export const CLUSTER_SCOPED = 'cluster-scoped-resources'
export const NAMESPACES = 'namespaces'

/** Folder of the resource, without a slash at its end; its list file has the same path and `.yaml`. */
export function resourceFolder({ group, plural, namespace }: ResourcePlace): string {
  const scope = namespace === undefined || namespace === '' ? CLUSTER_SCOPED : posix.join(NAMESPACES, namespace)
  return fileSafe(posix.join(scope, group === '' ? 'core' : group, plural))
}

/** A path without colons, which some file systems and artifact stores do not take. */
export function fileSafe(path: string): string {
  return path.replaceAll(':', '-COLON-')
}
