/** So many go at once: with a write to a socket each, about a millisecond and a half. */
const PER_TURN = 64
/** How long everybody else has then, in milliseconds. */
const PAUSE_MS = 2

/**
 * Lets many do something small, some at a time and in the order in which they asked, with time in between for whatever
 * else there is to do. The more ask, the longer each one waits, and the more it then finds to do in one go.
 */
export class Turns {
  #waiting: (() => void)[] = []
  #running = false

  /** Calls `act` when it is its turn: soon, but never at once. */
  readonly ask = (act: () => void): void => {
    this.#waiting.push(act)
    if (this.#running) return
    this.#running = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const acting = this.#waiting.splice(0, PER_TURN)
    this.#running = acting.length > 0
    if (!this.#running) return
    for (const act of acting) act()
    setTimeout(this.#run, PAUSE_MS)
  }
}
