import { setImmediate } from 'node:timers/promises'
import { holding } from '@locktender/kube'
import type { Clock } from '@locktender/kube'

/** Lets other requests run in the middle of a long one. Time does not pass meanwhile where it is simulated. */
export function breathe(clock: Clock): Promise<void> {
  return holding(clock, () => setImmediate())
}
