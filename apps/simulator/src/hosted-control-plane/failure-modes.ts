import { forkRandom } from '@locktender/kube'

/** How an operation on a hosted control plane can go wrong (reference/hypershift.md E.4). */
export type FailureMode =
  /** The new operator image cannot be pulled by the node: the old operator leads on, nothing rolls. */
  | 'ImageNotPullable'
  /** One component crash-loops on the new image; the control plane keeps serving. */
  | 'ComponentCrashLoop'
  /** The API server does not come back. */
  | 'KubeAPIServerDown'
  /** etcd loses its quorum while it rolls. */
  | 'EtcdQuorumLoss'
  /** Everything rolls out, then the API server goes down about twenty minutes later. */
  | 'LateFailure'
  /** The HyperShift operator does not pick the change up. */
  | 'NotPickedUp'
  /** Everything rolls out and works, but for moments in which replicas are missing, again and again for a day. */
  | 'FlappingDegraded'

/** What one operation meets; no mode means that it goes well. */
export interface Fate {
  readonly mode?: FailureMode
  /** `fix`: the image is to blame. `background`: it would have happened with any image. */
  readonly cause?: 'fix' | 'background'
  /** A number in [0, 1) that settles what the mode leaves open, such as which component crash-loops. */
  readonly detail: number
}

/** What the fates of all operations are a function of. */
export interface FailureSettings {
  readonly seed: number
  /** Share of control planes that break when they receive one of {@link badImages}. */
  readonly badFix: number
  readonly badImages: ReadonlySet<string>
  /** Share of control planes that are well with one of them, but for {@link FailureMode} FlappingDegraded. None when absent. */
  readonly unsteady?: number
  /** Share of operations that go wrong whatever the image. */
  readonly failRate: number
}

const modesOfBadFix: readonly FailureMode[] = [
  'ImageNotPullable',
  'ComponentCrashLoop',
  'KubeAPIServerDown',
  'EtcdQuorumLoss',
  'LateFailure',
]

const backgroundModes: readonly FailureMode[] = ['NotPickedUp', 'ComponentCrashLoop']

/**
 * What happens when control plane `cluster` receives `image`. It depends on nothing else, so the same image breaks
 * the same control planes however often and in whatever order it arrives, also after a restart.
 */
export function fateOf(settings: FailureSettings, cluster: string, image: string): Fate {
  const random = forkRandom(settings.seed, `fate/${cluster}/${image}`)
  const [bad, background, which, detail] = [random.next(), random.next(), random.next(), random.next()]
  if (settings.badImages.has(image) && bad < settings.badFix) {
    return { mode: modesOfBadFix[Math.floor(which * modesOfBadFix.length)]!, cause: 'fix', detail }
  }
  if (settings.badImages.has(image) && bad < settings.badFix + (settings.unsteady ?? 0)) {
    return { mode: 'FlappingDegraded', cause: 'fix', detail }
  }
  if (background < settings.failRate) {
    return { mode: backgroundModes[Math.floor(which * backgroundModes.length)]!, cause: 'background', detail }
  }
  return { detail }
}
