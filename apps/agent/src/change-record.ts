import { CPO_IMAGE_ANNOTATION, DEFAULT_COMPONENT, IMAGE_OVERRIDES_ANNOTATION } from '@locktender/fleet'
import type { KubeObject } from '@locktender/kube'

/** Annotation of the agent on a HostedCluster: its {@link ChangeRecord}s as JSON. */
const CHANGES = 'locktender.dev/changes'

/**
 * The agent's record of the last change of one component of a HostedCluster: what, when, and what was there before. The
 * records are written in the same request as the changes themselves, so no crash can separate the two, and the agent
 * needs no memory of its own.
 */
export interface ChangeRecord {
  readonly change: 'apply' | 'revert'
  readonly component: string
  /** The image that was put in place, or withdrawn. */
  readonly image: string
  readonly fix: string
  readonly rollout: string
  /** Which attempt of the rollout it is, when it is not the first. */
  readonly attempt?: number
  /** Milliseconds since the epoch. */
  readonly changedAt: number
  /** Fingerprint of the nodes just before the change. */
  readonly nodeFingerprint: string
  /** Value of the override before the change; undefined when there was none. */
  readonly previousImage: string | undefined
}

/** Records by the object they are on: objects from a cache are shared and never changed. */
const known = new WeakMap<KubeObject, readonly ChangeRecord[]>()

/** The records on `hostedCluster`, at most one for each component; none when the agent never changed it. */
export function readChangeRecords(hostedCluster: KubeObject): readonly ChangeRecord[] {
  let records = known.get(hostedCluster)
  if (records === undefined) {
    records = parseChangeRecords(hostedCluster)
    known.set(hostedCluster, records)
  }
  return records
}

function parseChangeRecords(hostedCluster: KubeObject): ChangeRecord[] {
  const text = hostedCluster.metadata.annotations?.[CHANGES]
  if (text === undefined) return []
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found.flatMap(recordFrom) : []
  } catch {
    // Somebody edited it by hand. Without a record the change is simply written again.
    return []
  }
}

function recordFrom(entry: Partial<Record<string, unknown>> | null): ChangeRecord[] {
  const text = (name: string) => (typeof entry?.[name] === 'string' ? entry[name] : '')
  const change = text('change')
  const changedAt = Date.parse(text('changedAt'))
  if ((change !== 'apply' && change !== 'revert') || Number.isNaN(changedAt)) return []
  if (text('component') === '' || text('image') === '') return []
  return [
    {
      change,
      component: text('component'),
      image: text('image'),
      fix: text('fix'),
      rollout: text('rollout'),
      ...(typeof entry?.['attempt'] === 'number' ? { attempt: entry['attempt'] } : {}),
      changedAt,
      nodeFingerprint: text('nodeFingerprint'),
      previousImage: text('previousImage') === '' ? undefined : text('previousImage'),
    },
  ]
}

/**
 * The annotations that carry out `records` and keep them: what the agent's field manager owns of a HostedCluster. All
 * components but HyperShift's operator share one annotation, so what others have put there goes in again.
 */
export function annotationsFor(records: readonly ChangeRecord[], hostedCluster: KubeObject): Record<string, string> {
  const applied = records.filter(({ change }) => change === 'apply')
  const operator = applied.find(({ component }) => component === DEFAULT_COMPONENT)
  const others = applied.filter(({ component }) => component !== DEFAULT_COMPONENT)
  // As long as the agent had nothing in the annotation that others share, it stays theirs.
  const shares = records.some(({ component }) => component !== DEFAULT_COMPONENT)
  const pairs = [...(shares ? foreignOverrides(hostedCluster, records) : []), ...others].map(
    ({ component, image }) => `${component}=${image}`,
  )
  return {
    ...(operator === undefined ? {} : { [CPO_IMAGE_ANNOTATION]: operator.image }),
    ...(pairs.length === 0 ? {} : { [IMAGE_OVERRIDES_ANNOTATION]: pairs.join(',') }),
    [CHANGES]: JSON.stringify(
      records.map(({ changedAt, ...record }) => ({ ...record, changedAt: new Date(changedAt).toISOString() })),
    ),
  }
}

/** A component and the image that replaces that of the release. */
export interface Override {
  readonly component: string
  readonly image: string
}

/** The overrides of components other than HyperShift's operator now on `hostedCluster`, whoever wrote them. */
export function listedOverrides(hostedCluster: KubeObject): Override[] {
  return (hostedCluster.metadata.annotations?.[IMAGE_OVERRIDES_ANNOTATION] ?? '').split(',').flatMap((pair) => {
    const [component = '', image = ''] = pair.split('=', 2)
    return component === '' || image === '' ? [] : [{ component, image }]
  })
}

/** Those of {@link listedOverrides} that are not the agent's, neither before nor after it writes `records`. */
function foreignOverrides(hostedCluster: KubeObject, records: readonly ChangeRecord[]): Override[] {
  const before = readChangeRecords(hostedCluster)
  return listedOverrides(hostedCluster).filter(
    ({ component, image }) =>
      !before.some((record) => record.component === component && record.image === image) &&
      !records.some(
        (record) => record.component === component && (record.change === 'apply' || record.image === image),
      ),
  )
}

/** The override of `component` now on `hostedCluster`, whoever wrote it. */
export function currentOverride(hostedCluster: KubeObject, component: string): string | undefined {
  if (component === DEFAULT_COMPONENT) return hostedCluster.metadata.annotations?.[CPO_IMAGE_ANNOTATION]
  return listedOverrides(hostedCluster).find((override) => override.component === component)?.image
}
