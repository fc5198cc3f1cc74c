/** Stops a timer. Calling it twice, or after the timer has fired, does nothing. */
export type Cancel = () => void

/**
 * Time as everything in this project sees it. Real processes get the system clock, tests and fast simulations a
 * virtual one; only the edge of a process knows which.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `callback` once, `delayMs` milliseconds of this clock from now. */
  after(delayMs: number, callback: () => void): Cancel
  /**
   * Says that something outside the reach of this clock (disk, socket) is in flight and returns its release.
   * A virtual clock does not move while anything is held; a real clock ignores it.
   */
  hold(): Cancel
}

/** What `work` resolves to. It is started at once, and `clock` is held until it has settled. */
export async function holding<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const release = clock.hold()
  try {
    return await work()
  } finally {
    release()
  }
}

/** Resolves after `delayMs` of `clock`; rejects with the signal's reason as soon as `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal))
      return
    }
    const onAbort = () => {
      cancel()
      reject(abortReason(signal!))
    }
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
}
