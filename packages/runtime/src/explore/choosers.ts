import type { Random } from '@locktender/kube'
import type { Choice, ChoiceKind, Chooser } from './choice.ts'

/** A choice by its position in a schedule: quick to make and to repeat, but worth nothing when anything else changes. */
export interface Decision {
  /** Which choice point, from 0. */
  readonly position: number
  readonly option: number
}

/** Goes the default way everywhere, and counts the choice points of each kind. */
export class DefaultChooser implements Chooser {
  readonly counts = new Map<ChoiceKind, number>()

  choose(kind: ChoiceKind): number {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    return 0
  }
}

/** How likely a choice point is to go another way than by default, by its kind. */
export type Chances = ReadonlyMap<ChoiceKind, number>

/** Goes another way now and then; what is decided already stays. */
export class RandomChooser implements Chooser {
  readonly #random: Random
  readonly #chances: Chances
  readonly #given: ReadonlyMap<number, number>
  readonly decisions: Decision[] = []
  #position = 0

  constructor(random: Random, chances: Chances, given: readonly Decision[] = []) {
    this.#random = random
    this.#chances = chances
    this.#given = new Map(given.map(({ position, option }) => [position, option]))
  }

  choose(kind: ChoiceKind, options: number): number {
    const position = this.#position++
    const given = this.#given.get(position)
    let option = 0
    if (given !== undefined) option = given % options
    else if (this.#random.next() < (this.#chances.get(kind) ?? 0)) {
      option = 1 + Math.floor(this.#random.next() * (options - 1))
    }
    if (option !== 0) this.decisions.push({ position, option })
    return option
  }
}

/** Repeats decisions and gives the choices made their names, which stay the same when something unrelated changes. */
export class NamingChooser implements Chooser {
  readonly #decisions: ReadonlyMap<number, number>
  readonly #occurrences = new Map<string, number>()
  readonly choices: Choice[] = []
  #position = 0

  constructor(decisions: readonly Decision[]) {
    this.#decisions = new Map(decisions.map(({ position, option }) => [position, option]))
  }

  choose(kind: ChoiceKind, options: number, at: () => string, name: (option: number) => string): number {
    const where = at()
    const nth = occurrence(this.#occurrences, kind, where)
    const option = (this.#decisions.get(this.#position++) ?? 0) % options
    if (option !== 0) this.choices.push({ kind, at: where, nth, take: name(option) })
    return option
  }
}

/** Follows choices by their names; what does not come up is left out. */
export class PlanChooser implements Chooser {
  readonly #takes: ReadonlyMap<string, string>
  readonly #occurrences = new Map<string, number>()
  /** The choices that came up. */
  readonly followed: Choice[] = []

  constructor(choices: readonly Choice[]) {
    this.#takes = new Map(choices.map(({ kind, at, nth, take }) => [`${kind}\n${at}\n${nth}`, take]))
  }

  choose(kind: ChoiceKind, options: number, at: () => string, name: (option: number) => string): number {
    const where = at()
    const nth = occurrence(this.#occurrences, kind, where)
    const take = this.#takes.get(`${kind}\n${where}\n${nth}`)
    if (take === undefined) return 0
    for (let option = 1; option < options; option++) {
      if (name(option) !== take) continue
      this.followed.push({ kind, at: where, nth, take })
      return option
    }
    return 0
  }
}

function occurrence(occurrences: Map<string, number>, kind: ChoiceKind, at: string): number {
  const id = `${kind}\n${at}`
  const nth = (occurrences.get(id) ?? 0) + 1
  occurrences.set(id, nth)
  return nth
}
