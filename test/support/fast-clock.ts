import type { Clock } from '@locktender/kube'

/** Names the environment variable that says which time it is: `REAL,START,SPEED`. */
export const FAST_CLOCK = 'LOCKTENDER_TEST_CLOCK'

/** For programs started by a test now: their clocks show one and the same time and run `speed` times as fast as ours. */
export function fastClockFor(speed: number): string {
  const real = Date.now()
  // From yesterday, so that certificates that are made by such a clock are valid by the machine's.
  return `${real},${real - 86_400_000},${speed}`
}

/** The machine's clock as programs in a fast test see it. Stands in for kube's own of that name. */
export function systemClock(): Clock {
  const [real = 0, start = 0, speed = 1] = (process.env[FAST_CLOCK] ?? '').split(',').map(Number)
  return {
    now: () => Math.floor(start + (Date.now() - real) * speed),
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(delayMs / speed, 2_147_483_647))
      return () => clearTimeout(timer)
    },
    hold: () => () => {},
  }
}
