import { setImmediate } from 'node:timers/promises'
import type { Clock } from '@locktender/kube'

/** Lets other requests run in the middle of a long one. Time does not pass meanwhile where it is simulated. */
export async function breathe(clock: Clock): Promise<void> {
  const release = clock.hold()
  try {
    await setImmediate()
  } finally {
    release()
  }
}
