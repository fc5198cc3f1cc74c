import { createHash } from 'node:crypto'

/** The object that an event is about: any object of Kubernetes will do. */
export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
  }
}

/** What to tell the people who look at an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** One word in CamelCase, the same whenever the same thing happens. */
  readonly reason: string
  /** For people; at most 1024 bytes are kept. */
  readonly message: string
  /** What was done or failed, one word in CamelCase. @default the reason */
  readonly action?: string
}

/** Writes Kubernetes events. It never fails, and never keeps the caller waiting: an event is a courtesy. */
export interface EventRecorder {
  /**
   * Tells of `subject` on the API server `cluster`. Which of the two APIs of events is written is what the controller
   * declares as a write: `events` of `events.k8s.io` or of the core group.
   *
   * @throws UndeclaredAccessError when it declares neither there
   */
  record(cluster: string, subject: EventSubject, note: EventNote): void
}

/**
 * Name of an event, as OpenShift's library-go makes it: the subject's name, the time in nanoseconds and four bytes of a
 * hash of what it says. Equal notes of one moment are one event.
 */
export function eventName(subject: string, now: number, note: EventNote): string {
  const nanoseconds = (BigInt(Math.trunc(now)) * 1_000_000n).toString(16)
  const hash = createHash('sha256').update(`${note.type}${note.reason}${note.message}`).digest()
  return `${subject}.${nanoseconds}.${hash.subarray(-4).toString('hex')}`
}
