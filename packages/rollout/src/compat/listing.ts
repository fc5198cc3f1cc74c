import { recheckAfter, type Evaluator, type Standing } from './evaluate.ts'
import type { OcmGroups } from './groups.ts'
import type { Intake } from './intake.ts'
import type { OcmAnswer, OcmStatus } from './types.ts'

type Item =
  | { readonly status: number; readonly standing: Standing; readonly position: number | undefined }
  | { readonly rank: number; readonly position: number }

/** What a pass found, before it is written out. */
export class Listing {
  breach = false
  /** Clusters that would start but for a breach or for want of a slot. */
  withheld = 0
  #items: Item[] = []
  readonly #timeouts: number[] = []
  readonly #groups: OcmGroups
  readonly #intake: Intake
  readonly #evaluator: Evaluator

  constructor(groups: OcmGroups, intake: Intake, evaluator: Evaluator) {
    this.#groups = groups
    this.#intake = intake
    this.#evaluator = evaluator
  }

  /** Lists a status that was handed in, under another group if one is given. */
  addStatus(status: number, standing: Standing, position?: number): void {
    this.#items.push({ status, standing, position })
  }

  addTimeout(status: number): void {
    this.#timeouts.push(status)
  }

  /** Lists a cluster that has no status. */
  addStart(rank: number, position: number): void {
    this.#items.push({ rank, position })
  }

  dropWaiting(): void {
    this.#items = this.#items.filter((item) => 'status' in item && item.standing !== 'waits')
  }

  get empty(): boolean {
    return this.#items.length === 0 && this.#timeouts.length === 0
  }

  /** Whether a listed or timed-out cluster passes the test: rank, and the status it was handed in with. */
  some(test: (rank: number, status: OcmStatus | undefined, timedOut: boolean) => boolean): boolean {
    const { statuses, ranks } = this.#intake
    return (
      this.#timeouts.some((index) => test(ranks[index] as number, statuses[index], true)) ||
      this.#items.some((item) =>
        'rank' in item
          ? test(item.rank, undefined, false)
          : test(ranks[item.status] as number, statuses[item.status], false),
      )
    )
  }

  answer(now: number): Omit<OcmAnswer, 'strategy'> {
    const { statuses, removed } = this.#intake
    const { keys, names } = this.#groups
    const times: (number | undefined)[] = []
    const rollout = this.#items.map((item): OcmStatus => {
      const group = item.position === undefined ? undefined : keys[item.position]
      if ('rank' in item)
        return { cluster: names[item.rank] as string, group: group ?? { name: '', index: 0 }, status: 'ToApply' }
      const status = statuses[item.status] as OcmStatus
      const listed = this.#evaluator.listed(status, item.standing, group)
      times.push(listed.recheckAt ?? this.#evaluator.startDueAt(status))
      return listed
    })
    const timeout = this.#timeouts.map((index) => this.#evaluator.listed(statuses[index] as OcmStatus, 'timedOut'))
    const recheck = recheckAfter(times, now)
    return {
      rollout,
      timeout,
      removed,
      maxFailureBreach: this.breach,
      ...(recheck !== undefined && { recheckAfter: recheck }),
    }
  }
}
