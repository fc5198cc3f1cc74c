/** Resolves after a turn of the event loop, in which what is outside this program may answer. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
