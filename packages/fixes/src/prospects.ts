import type { RolloutForecast, RolloutOutlook, RolloutStatus } from '@locktender/fleet'
import { assess } from '@locktender/rollout'
import type { DurationSketch, RolloutEngine, RolloutSummary, Scenario } from '@locktender/rollout'
import { forecastOf, minutesBehind, outlookOf } from './rollout-outlook.ts'

/** While a rollout waits for approvals its start moves on; the outlook follows at this pace, in milliseconds. */
const OUTLOOK_INTERVAL_MS = 15 * 60_000

/** Forecasts are made at milestones, and in between at this pace, in milliseconds: they cost more than a decision. */
const FORECAST_INTERVAL_MS = 5 * 60_000

/** The part of a status that says what is expected. */
export type Expected = Pick<RolloutStatus, 'outlook' | 'forecast' | 'minutesBehind'>

/** What is expected of one rollout: an outlook until it starts, which then stays, and a forecast as it goes on. */
export class Prospects {
  #outlook: RolloutOutlook | undefined
  #forecast: RolloutForecast | undefined
  #dueAt = -Infinity
  #behind: number | undefined
  #isComplete: boolean
  #past: readonly DurationSketch[] | undefined
  #lookedAt = -Infinity

  /** Goes on from a stored status. */
  constructor(status: RolloutStatus | undefined) {
    this.#outlook = status?.outlook
    this.#forecast = status?.forecast
    this.#behind = status?.minutesBehind
    this.#isComplete = status?.phase === 'Completed'
  }

  /** When something may have to be said again although nothing happened, milliseconds since the epoch. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** Looks ahead while approvals are missing, if it is time to; says whether it did. */
  wait(scenario: () => Scenario, now: number): boolean {
    if (now < this.#dueAt) return false
    this.#look(scenario, now)
    this.#dueAt = now + OUTLOOK_INTERVAL_MS
    return true
  }

  /** What is expected of a start now, when nothing was expected yet: others may have to go first. */
  lookAhead(scenario: () => Scenario, now: number): RolloutOutlook | undefined {
    if (this.#outlook === undefined) this.#look(scenario, now)
    return this.#outlook
  }

  /** What the rollout is held against from now on. */
  begin(scenario: () => Scenario, now: number): void {
    if (now > this.#lookedAt) this.#look(scenario, now)
    this.#dueAt = -Infinity
  }

  /** Before the start. */
  ahead(): Expected {
    return this.#outlook === undefined ? {} : { outlook: this.#outlook }
  }

  /** Under way. `past` gives the durations of earlier rollouts, and is asked once. */
  underWay(
    engine: Pick<RolloutEngine, 'forecast'>,
    summary: Pick<RolloutSummary, 'phase' | 'finished' | 'gate'>,
    past: () => readonly DurationSketch[],
    { now, milestone }: { readonly now: number; readonly milestone: boolean },
  ): Expected {
    if (summary.phase !== 'Progressing') {
      this.#forecast = undefined
      // Paused it falls behind.
      this.#dueAt = summary.phase === 'Paused' ? now + FORECAST_INTERVAL_MS : Infinity
    } else if (milestone || now >= this.#dueAt) {
      // The end of a soak is known: what was forecast still holds.
      if (milestone || this.#forecast === undefined || summary.gate.waitingFor !== 'Soak') {
        this.#past ??= past()
        this.#forecast = forecastOf(engine.forecast(now, this.#past), this.#forecast, now)
      }
      this.#dueAt = now + FORECAST_INTERVAL_MS
    }
    // How late it was in the end does not change any more.
    if (!this.#isComplete) this.#behind = minutesBehind(this.#outlook, summary, now)
    this.#isComplete = summary.phase === 'Completed'
    return {
      ...this.ahead(),
      ...(this.#forecast === undefined ? {} : { forecast: this.#forecast }),
      ...(this.#behind === undefined ? {} : { minutesBehind: this.#behind }),
    }
  }

  #look(scenario: () => Scenario, now: number): void {
    const given = scenario()
    this.#outlook = outlookOf(assess(given), given.startAt)
    this.#lookedAt = now
  }
}
