/** What is to happen, in steps of the same length; what happens in one step happens in the order in which it was planned. */
export class Agenda {
  readonly #step: number
  readonly #steps = new Map<number, (() => void)[]>()
  #pending = 0
  now = 0

  constructor(step: number) {
    this.#step = step
  }

  /** `run` happens in the first step that is `delay` milliseconds away or more, never in this one. */
  after(delay: number, run: () => void): void {
    const at = this.now + Math.max(1, Math.ceil(delay / this.#step)) * this.#step
    const there = this.#steps.get(at)
    if (there) there.push(run)
    else this.#steps.set(at, [run])
    this.#pending++
  }

  /** Goes on to the next step in which something happens or to the one `due` is in; false when there is neither. */
  next(due: number): boolean {
    if (this.#pending === 0 && !Number.isFinite(due)) return false
    const limit = Math.max(this.now + this.#step, Math.ceil(due / this.#step) * this.#step)
    this.now += this.#step
    while (this.now < limit && !this.#steps.has(this.now)) this.now += this.#step
    const happening = this.#steps.get(this.now) ?? []
    this.#steps.delete(this.now)
    this.#pending -= happening.length
    for (const run of happening) run()
    return true
  }
}
