import type { Choice } from './choice.ts'
import { Explorer } from './explore.ts'
import { isSameFailure } from './failure-class.ts'
import type { FailingPlan } from './plan-file.ts'
import type { Finding } from './run-types.ts'
import type { Scenario } from './scenario.ts'

export interface ShrinkOptions {
  /** Most schedules. @default 300 */
  readonly schedules?: number
  readonly signal?: AbortSignal
}

/** A plan made small. */
export interface Shrunk {
  readonly plan: FailingPlan
  /** Schedules that were run for it. */
  readonly schedules: number
}

/** A plan that fails, with the explorer of the scenario that its steps leave. */
interface Candidate {
  readonly explorer: Explorer
  readonly without: readonly number[]
  readonly choices: readonly Choice[]
  readonly finding: Finding
}

/**
 * Takes out of a plan what the failure does not need: first unusual choices, then steps of the scenario. What is left
 * fails by the same oracle and for the same thing, and without any one of its parts it does not. The same plan always
 * shrinks to the same one; when the schedules run out, to the smallest so far.
 *
 * @throws RangeError when the plan does not fail
 */
export async function shrink(scenario: Scenario, plan: FailingPlan, options: ShrinkOptions = {}): Promise<Shrunk> {
  return new Shrinker(scenario, plan, options).shrink()
}

/** The scenario without some of its steps, counted from 1. */
export function withoutSteps(scenario: Scenario, steps: readonly number[]): Scenario {
  if (steps.length === 0) return scenario
  return { ...scenario, steps: (scenario.steps ?? []).filter((_, index) => !steps.includes(index + 1)) }
}

class Shrinker {
  readonly #scenario: Scenario
  readonly #plan: FailingPlan
  readonly #most: number
  readonly #signal: AbortSignal | undefined
  #schedules = 0
  /** Whether it goes wrong in the usual order, too. Otherwise no step may be left out without which that goes wrong. */
  #isUsual = false

  constructor(scenario: Scenario, plan: FailingPlan, { schedules = 300, signal }: ShrinkOptions) {
    this.#scenario = scenario
    this.#plan = plan
    this.#most = schedules
    this.#signal = signal
  }

  async shrink(): Promise<Shrunk> {
    const { withoutSteps: without, choices } = this.#plan
    const explorer = await Explorer.open(withoutSteps(this.#scenario, without))
    this.#isUsual = (await explorer.replay({ scenario: this.#scenario.name, choices: [] })).findings.length > 0
    const first = await this.#tried(explorer, without, choices)
    if (first === undefined) throw new RangeError(`the plan does not fail by the oracle ${this.#plan.oracle}`)
    let best = await this.#fewerChoices(first)
    for (;;) {
      const fewer = await this.#fewerSteps(best)
      if (fewer === best) break
      best = await this.#fewerChoices(fewer)
    }
    const { oracle, message } = best.finding
    const plan = { ...this.#plan, oracle, message, withoutSteps: best.without, choices: best.choices }
    return { plan, schedules: this.#schedules }
  }

  get #isOver(): boolean {
    return this.#schedules >= this.#most || this.#signal?.aborted === true
  }

  /** Removes ever smaller parts, until no single choice can go. */
  async #fewerChoices(start: Candidate): Promise<Candidate> {
    let best = start
    for (let size = best.choices.length; size >= 1; size = Math.ceil(size / 2)) {
      let end = best.choices.length
      while (end > 0 && !this.#isOver) {
        const from = Math.max(0, end - size)
        const rest = [...best.choices.slice(0, from), ...best.choices.slice(end)]
        const smaller = await this.#shifted(best, rest)
        if (smaller !== undefined) best = smaller
        end = from
      }
      if (size === 1) break
    }
    return best
  }

  /**
   * Without some choices the others may come up at an earlier turn than they did: what went before them happened only
   * because of those. So each of the others is tried at earlier turns, too.
   */
  async #shifted({ explorer, without }: Candidate, choices: readonly Choice[]): Promise<Candidate | undefined> {
    const same = await this.#tried(explorer, without, choices)
    if (same !== undefined) return same
    for (const [index, choice] of choices.entries()) {
      for (let nth = choice.nth - 1; nth >= 1 && nth >= choice.nth - FURTHEST_SHIFT; nth--) {
        if (this.#isOver) return undefined
        const found = await this.#tried(explorer, without, choices.with(index, { ...choice, nth }))
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  /** Leaves out one step after the other, the last first. */
  async #fewerSteps(start: Candidate): Promise<Candidate> {
    let best = start
    for (let step = (this.#scenario.steps ?? []).length; step >= 1 && !this.#isOver; step--) {
      if (best.without.includes(step)) continue
      const without = [...best.without, step].sort((left, right) => left - right)
      const explorer = await this.#openUnlessWrong(without)
      if (explorer === undefined) continue
      const place = step - best.without.filter((other) => other < step).length
      const choices = best.choices.map((choice) => renumbered(choice, place))
      const smaller = await this.#shifted({ ...best, explorer, without }, choices)
      if (smaller !== undefined) best = smaller
    }
    return best
  }

  /** Steps that make no sense without another make no scenario. */
  async #openUnlessWrong(without: readonly number[]): Promise<Explorer | undefined> {
    const scenario = withoutSteps(this.#scenario, without)
    try {
      const explorer = await Explorer.open(scenario)
      const { findings } = await explorer.replay({ scenario: scenario.name, choices: [] })
      return findings.some(({ oracle }) => !this.#isUsual || oracle === 'step') ? undefined : explorer
    } catch {
      return undefined
    }
  }

  async #tried(
    explorer: Explorer,
    without: readonly number[],
    choices: readonly Choice[],
  ): Promise<Candidate | undefined> {
    this.#schedules++
    const { scenario } = this.#plan
    const { findings, followed } = await explorer.replay({ scenario, choices })
    const finding = findings.find((one) => isSameFailure(one, this.#plan))
    return finding === undefined ? undefined : { explorer, without, choices: followed, finding }
  }
}

/** Turns that a choice is moved forward at most when others are left out. */
const FURTHEST_SHIFT = 8

/** The choice when the step at `place`, from 1, is left out; those after it move up. */
function renumbered({ kind, at, take, nth }: Choice, place: number): Choice {
  const move = (text: string) =>
    text.replace(/^(before: )?step (\d+):/, (whole, before: string | undefined, number: string) =>
      Number(number) <= place ? whole : `${before ?? ''}step ${Number(number) - 1}:`,
    )
  return { kind, at: move(at), take: move(take), nth }
}

/** How long a plan is for who reads it: unusual choices, and steps from outside. */
export function planLength(scenario: Scenario, { withoutSteps: without, choices }: FailingPlan): number {
  return choices.length + (scenario.steps ?? []).length - without.length
}
