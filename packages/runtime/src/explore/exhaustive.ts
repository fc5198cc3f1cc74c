import type { ChoiceKind, Chooser } from './choice.ts'
import type { Decision } from './choosers.ts'

/**
 * Every schedule within the limits of a scenario, those with few unusual choices first. A schedule is known by its
 * decisions; running one tells which others begin like it. A moment that was there before, with as much still allowed,
 * leads to nothing new, so nothing branches off after it: a change that nobody looks at before it arrives, or two
 * things in another order that have nothing to do with each other, make no schedule of their own.
 */
export class ExhaustiveSearch {
  readonly #waiting: (readonly Decision[])[] = [[]]
  readonly #moments = new Set<number>()
  #next = 0

  /** Moments told apart so far. */
  get moments(): number {
    return this.#moments.size
  }

  /** The decisions of a schedule that was not tried yet; undefined when there is none. */
  take(): readonly Decision[] | undefined {
    const decisions = this.#waiting[this.#next]
    if (decisions === undefined) return undefined
    this.#next++
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    return decisions
  }

  /** Makes the decisions, and notes every way to go on differently after the last of them. */
  chooser(decisions: readonly Decision[]): Chooser {
    const given = new Map(decisions.map(({ position, option }) => [position, option]))
    const first = (decisions.at(-1)?.position ?? -1) + 1
    let position = -1
    let moment: () => number = () => 0
    let isNew = true
    return {
      attach: (tell) => {
        moment = tell
      },
      choose: (kind: ChoiceKind, options: number) => {
        position++
        if (position < first) return given.get(position) ?? 0
        if (!isNew) return 0
        const now = moment() * 4 + KINDS[kind]
        isNew = !this.#moments.has(now)
        if (!isNew) return 0
        this.#moments.add(now)
        for (let option = 1; option < options; option++) this.#waiting.push([...decisions, { position, option }])
        return 0
      },
    }
  }
}

const KINDS: Readonly<Record<ChoiceKind, number>> = { order: 0, cache: 1, relist: 2, request: 3 }
