import { Heap } from './heap.ts'
import type { TargetRecord } from './target.ts'

interface Opening {
  readonly at: number
  readonly record: TargetRecord
}

/** Whoever opens at the same time comes in the random order of the stage, so that nothing depends on who was listed first. */
function earlier(left: Opening, right: Opening): boolean {
  if (left.at !== right.at) return left.at < right.at
  const [a, b] = [left.record, right.record]
  return a.hash === b.hash ? a.id < b.id : a.hash < b.hash
}

/**
 * The targets of one stage that must not be started yet, by when they may be. Entries of targets whose window changed
 * or that are gone are dropped when they come up.
 */
export class Windows {
  readonly #openings = new Heap<Opening>(earlier)

  /** Notes when a closed target opens; to be called again when that changes. */
  add(record: TargetRecord): void {
    if (record.closedUntil !== undefined) this.#openings.push({ at: record.closedUntil, record })
  }

  /** When the next one opens. */
  next(): number | undefined {
    for (let opening = this.#openings.peek(); opening; opening = this.#openings.peek()) {
      if (opening.record.closedUntil === opening.at) return opening.at
      this.#openings.pop()
    }
    return undefined
  }

  /** Takes out one that opens by `now`. */
  due(now: number): TargetRecord | undefined {
    const at = this.next()
    return at !== undefined && at <= now ? this.#openings.pop()?.record : undefined
  }
}
