import type { Cancel, Clock } from '@locktender/kube'

/** Waits between tries of a failing key, in milliseconds. */
const firstRetryMs = 1000
const lastRetryMs = 300_000

export interface WorkQueueOptions {
  readonly clock: Clock
  /** How many keys are processed at once. */
  readonly concurrency: number
  readonly process: (key: string) => Promise<void>
}

/**
 * Processes keys in the order they were added: each once however often it was added meanwhile, and never twice at
 * the same time. A key whose processing rejects is tried again, later each time.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #waiting = new Set<string>()
  readonly #running = new Set<string>()
  readonly #failures = new Map<string, { count: number; cancel: Cancel }>()
  #scheduled = false
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  add(key: string): void {
    if (this.#stopped) return
    this.#waiting.add(key)
    if (this.#scheduled) return
    this.#scheduled = true
    // Not at once: all events of a batch are seen before the first of them is acted on.
    queueMicrotask(() => {
      this.#scheduled = false
      this.#start()
    })
  }

  /** Starts nothing any more; what runs is not interrupted. */
  stop(): void {
    this.#stopped = true
    this.#waiting.clear()
    for (const { cancel } of this.#failures.values()) cancel()
    this.#failures.clear()
  }

  #start(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      this.#running.add(key)
      void this.#run(key)
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#options.process(key)
      this.#failures.get(key)?.cancel()
      this.#failures.delete(key)
    } catch {
      this.#retry(key)
    }
    this.#running.delete(key)
    if (!this.#stopped) this.#start()
  }

  #retry(key: string): void {
    if (this.#stopped) return
    const before = this.#failures.get(key)
    before?.cancel()
    const count = (before?.count ?? 0) + 1
    const delay = Math.min(lastRetryMs, firstRetryMs * 2 ** (count - 1))
    this.#failures.set(key, { count, cancel: this.#options.clock.after(delay, () => this.add(key)) })
  }
}
