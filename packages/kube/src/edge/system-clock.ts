import type { Clock } from '../clock.ts'

/** Longest delay Node's timers take, 2^31 - 1 ms; longer ones are waited for in parts. */
const LONGEST_DELAY_MS = 2_147_483_647

/** The clock of the machine. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    after(delayMs, callback) {
      let timer: NodeJS.Timeout
      const arm = (remainingMs: number): void => {
        const part = Math.min(remainingMs, LONGEST_DELAY_MS)
        timer = setTimeout(() => (remainingMs > part ? arm(remainingMs - part) : callback()), Math.max(0, part))
      }
      arm(delayMs)
      return () => clearTimeout(timer)
    },
    hold: () => () => {},
  }
}
