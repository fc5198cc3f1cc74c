/** Resolves when all promise jobs have run, and those they have led to. */
export function drained(): Promise<void> {
  return new Promise((resolve) => {
    // Ticks queued by a promise job run once no promise job is left.
    process.nextTick(resolve)
  })
}
