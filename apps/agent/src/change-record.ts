import { CPO_IMAGE_ANNOTATION, IMAGE_OVERRIDES_ANNOTATION } from '@locktender/fleet'
import type { KubeObject } from '@locktender/kube'

/** Annotations of the agent on a HostedCluster: what was changed, when, and what was there before. */
const PREFIX = 'locktender.dev/'
const CHANGE = `${PREFIX}change`
const COMPONENT = `${PREFIX}component`
const IMAGE = `${PREFIX}image`
const FIX = `${PREFIX}fix`
const ROLLOUT = `${PREFIX}rollout`
const CHANGED_AT = `${PREFIX}changed-at`
const NODE_FINGERPRINT = `${PREFIX}node-fingerprint`
const PREVIOUS_IMAGE = `${PREFIX}previous-image`

/**
 * The agent's record of the last change of a HostedCluster. It is written in the same request as the change itself, so
 * no crash can separate the two, and the agent needs no memory of its own.
 */
export interface ChangeRecord {
  readonly change: 'apply' | 'revert'
  readonly component: string
  /** The image that was put in place, or withdrawn. */
  readonly image: string
  readonly fix: string
  readonly rollout: string
  /** Milliseconds since the epoch. */
  readonly changedAt: number
  /** Fingerprint of the nodes just before the change. */
  readonly nodeFingerprint: string
  /** Value of the override before the change; undefined when there was none. */
  readonly previousImage: string | undefined
}

/** The record on `hostedCluster`, or undefined when the agent never changed it. */
export function readChangeRecord(hostedCluster: KubeObject): ChangeRecord | undefined {
  const annotations = hostedCluster.metadata.annotations ?? {}
  const change = annotations[CHANGE]
  const image = annotations[IMAGE]
  const time = annotations[CHANGED_AT]
  if ((change !== 'apply' && change !== 'revert') || image === undefined || time === undefined) return undefined
  const previous = annotations[PREVIOUS_IMAGE] ?? ''
  return {
    change,
    image,
    component: annotations[COMPONENT] ?? '',
    fix: annotations[FIX] ?? '',
    rollout: annotations[ROLLOUT] ?? '',
    changedAt: Date.parse(time),
    nodeFingerprint: annotations[NODE_FINGERPRINT] ?? '',
    previousImage: previous === '' ? undefined : previous,
  }
}

/** The annotations that carry out `record` and keep it: what the agent's field manager owns of a HostedCluster. */
export function annotationsFor(record: ChangeRecord): Record<string, string> {
  return {
    ...(record.change === 'apply' ? overrideAnnotation(record.component, record.image) : {}),
    [CHANGE]: record.change,
    [COMPONENT]: record.component,
    [IMAGE]: record.image,
    [FIX]: record.fix,
    [ROLLOUT]: record.rollout,
    [CHANGED_AT]: new Date(record.changedAt).toISOString(),
    [NODE_FINGERPRINT]: record.nodeFingerprint,
    // An empty value says that there was no override, which differs from not knowing.
    [PREVIOUS_IMAGE]: record.previousImage ?? '',
  }
}

/** The HyperShift annotation that replaces the image of `component`. */
function overrideAnnotation(component: string, image: string): Record<string, string> {
  return component === 'control-plane-operator'
    ? { [CPO_IMAGE_ANNOTATION]: image }
    : { [IMAGE_OVERRIDES_ANNOTATION]: `${component}=${image}` }
}

/** The override of `component` now on `hostedCluster`, whoever wrote it. */
export function currentOverride(hostedCluster: KubeObject, component: string): string | undefined {
  const annotations = hostedCluster.metadata.annotations ?? {}
  if (component === 'control-plane-operator') return annotations[CPO_IMAGE_ANNOTATION]
  for (const pair of (annotations[IMAGE_OVERRIDES_ANNOTATION] ?? '').split(',')) {
    const [name, image] = pair.split('=', 2)
    if (name === component) return image
  }
  return undefined
}
