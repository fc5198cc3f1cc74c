/** How many may be at something at once; who comes first goes first. */
export class RunSlots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Takes a slot, which is given back by {@link release}. Says whether it had to wait for it.
   * @throws the reason of `signal` when that aborts first
   */
  async take(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return false
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1)
        reject(signal.reason as Error)
      }
      const begin = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      this.#waiting.push(begin)
      signal.addEventListener('abort', onAbort, { once: true })
    })
    return true
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
