import type { Oracle } from './scenario.ts'

/** What is chosen at a choice point. */
export type ChoiceKind =
  /** What of all that could happen next does. */
  | 'order'
  /** Whether a cache hears of a change at once. */
  | 'cache'
  /** Which state a cache lists after its process has restarted. */
  | 'relist'
  /** What becomes of a request. */
  | 'request'

/** A choice other than the default, in words that stay the same when something unrelated changes. */
export interface Choice {
  readonly kind: ChoiceKind
  /** The choice point: who is about to do what. */
  readonly at: string
  /** Which one of the choice points that read the same, from 1. */
  readonly nth: number
  /** The option taken. */
  readonly take: string
}

/** A schedule by what is unusual in it; everything else goes the default way. Empty: the reference run. */
export interface Plan {
  /** Name of the scenario. */
  readonly scenario: string
  readonly choices: readonly Choice[]
}

/** Something that went wrong under one schedule. */
export interface Failure {
  readonly oracle: Oracle
  readonly message: string
  /** Replays the schedule that led to it. */
  readonly plan: Plan
}

/**
 * Decides at choice points. Option 0 is the default: everything delivered at once, first come first served, no fault.
 * `at` and `name` are asked only for by those who write or read plans, since most choices are never told to anybody.
 */
export interface Chooser {
  /** Called before a schedule begins, with a function that tells its moments apart. */
  attach?(moment: () => number): void
  choose(kind: ChoiceKind, options: number, at: () => string, name: (option: number) => string): number
}
