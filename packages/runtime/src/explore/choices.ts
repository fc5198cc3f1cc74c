import type { ChoiceKind, Chooser } from './choice.ts'
import type { Limits } from './scenario.ts'

/** What schedules are limited in, apart from the number of unusual choices. */
export type Budget = 'reorderings' | 'staleness' | 'restarts' | 'lostAnswers' | 'conflicts' | 'failures'

/** The choices of one schedule within its limits: where nothing unusual is allowed any more, nobody is asked. */
export class Choices {
  readonly #chooser: Chooser
  readonly #limits: Required<Limits>
  readonly #used: Record<Budget, number> = {
    reorderings: 0,
    staleness: 0,
    restarts: 0,
    lostAnswers: 0,
    conflicts: 0,
    failures: 0,
  }
  #left: number

  constructor(chooser: Chooser, limits: Required<Limits>) {
    this.#chooser = chooser
    this.#limits = limits
    this.#left = limits.perturbations
  }

  /** Whether anything unusual may still happen. */
  get isOpen(): boolean {
    return this.#left > 0
  }

  /** From here on everything goes the default way. */
  close(): void {
    this.#left = 0
  }

  may(budget: Budget): boolean {
    return this.#left > 0 && this.#used[budget] < this.#limits[budget]
  }

  spend(budget: Budget): void {
    this.#used[budget]++
  }

  /** An option; `options` counts the default, which is 0. */
  choose(kind: ChoiceKind, options: number, at: () => string, name: (option: number) => string): number {
    if (this.#left <= 0 || options < 2) return 0
    const chosen = this.#chooser.choose(kind, options, at, name)
    if (chosen !== 0) this.#left--
    return chosen
  }

  /** What is still allowed, for telling moments apart. */
  spent(): readonly number[] {
    return [this.#left, ...Object.values(this.#used)]
  }
}
