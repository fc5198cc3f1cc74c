import type { EarnedSoak } from './types.ts'

/** What a wave to come adds to the hours that are earned, and what its soak waits for. */
export interface WaveHours {
  /** How many it treats, of each kind; kind 0 is all kinds together. */
  readonly treats: readonly (readonly [kind: number, count: number])[]
  readonly asks?: EarnedSoak & { readonly of: readonly number[] }
}

/** What a kind has behind it at any time: `offset` + `healthy` · time. Milliseconds. */
export interface KindHours {
  readonly healthy: number
  readonly offset: number
}

/** A stage with those who wait in it. */
export interface StageAhead {
  readonly earned?: EarnedSoak | undefined
  /** By stratum. */
  readonly waiting: Map<string, number>
}

/** Says of waves, in their order, what they add to the hours of each stratum and what their soaks wait for: by the rule of the engine. */
export class HoursAhead {
  readonly #stages: readonly StageAhead[]
  readonly #kinds = new Map<string, number>()
  readonly #treated = new Set<string>()
  readonly #before: KindHours[] = [{ healthy: 0, offset: 0 }]

  constructor(stages: readonly StageAhead[]) {
    this.#stages = stages
  }

  /** What is earned when the first of these waves begins, by kind. */
  get before(): readonly KindHours[] {
    return this.#before
  }

  /** Says what a stratum has earned by `now`. */
  has(
    stratum: string,
    earned: { readonly treated: number; readonly healthy: number; readonly ms: number },
    now: number,
  ) {
    if (earned.treated === 0) return
    this.#treated.add(stratum)
    const offset = earned.ms - earned.healthy * now
    for (const kind of [0, this.#kindOf(stratum)]) {
      const { healthy, offset: sum } = this.#before[kind] ?? { healthy: 0, offset: 0 }
      this.#before[kind] = { healthy: healthy + earned.healthy, offset: sum + offset }
    }
  }

  /** The next wave, of the stage with this index. `members` by stratum; those who `waited` for it no longer do. */
  wave(stage: number, members: ReadonlyMap<string, number>, waited = true): WaveHours {
    let total = 0
    const treats: [number, number][] = []
    const own = this.#stages[stage]
    for (const [stratum, count] of members) {
      if (count <= 0) continue
      total += count
      treats.push([this.#kindOf(stratum), count])
      this.#treated.add(stratum)
      const left = (own?.waiting.get(stratum) ?? 0) - count
      if (waited && left > 0) own?.waiting.set(stratum, left)
      else if (waited) own?.waiting.delete(stratum)
    }
    treats.push([0, total])
    const next =
      own && own.waiting.size > 0 ? own : this.#stages.slice(stage + 1).find(({ waiting }) => waiting.size > 0)
    if (!own?.earned || !next) return { treats }
    const of = new Set<number>()
    for (const stratum of next.waiting.keys()) of.add(this.#treated.has(stratum) ? this.#kindOf(stratum) : 0)
    return { treats, asks: { ...own.earned, of: [...of] } }
  }

  #kindOf(stratum: string): number {
    let kind = this.#kinds.get(stratum)
    if (kind === undefined) this.#kinds.set(stratum, (kind = this.#kinds.size + 1))
    return kind
  }
}

/**
 * Members of a wave of `size` by stratum, picked as the engine picks them: always of the stratum with the fewest in waves
 * so far. Shares of customers and pairs are left out.
 */
export function shareOut(
  size: number,
  waiting: ReadonlyMap<string, number>,
  taken: (stratum: string) => number,
): Map<string, number> {
  const members = new Map<string, number>()
  const lines = Array.from(waiting, ([stratum, left]) => ({ stratum, left, level: taken(stratum) }))
  lines.sort((one, other) => one.level - other.level || (one.stratum < other.stratum ? -1 : 1))
  // The lowest ones are raised together to the level of the next, or until one of them is used up.
  for (let left = size, open = 1; left > 0 && lines.length > 0;) {
    const level = lines[0]?.level ?? 0
    while (open < lines.length && lines[open]?.level === level) open++
    const low = lines.slice(0, open)
    const step = Math.min((lines[open]?.level ?? Number.POSITIVE_INFINITY) - level, ...low.map((line) => line.left))
    const each = Math.min(step, Math.floor(left / open))
    for (const [index, line] of low.entries()) {
      const more = each > 0 ? each : index < left ? 1 : 0
      members.set(line.stratum, (members.get(line.stratum) ?? 0) + more)
      line.left -= more
      line.level += more
    }
    left -= each > 0 ? each * open : left
    for (let index = open - 1; index >= 0; index--) if (lines[index]?.left === 0) lines.splice(index, 1)
    open = Math.min(open, Math.max(1, lines.length))
    while (open > 1 && lines[open - 1]?.level !== lines[0]?.level) open--
  }
  return members
}

/** Plays waves through and says when their soaks are over. */
export class HoursModel {
  readonly #healthy: number[] = []
  readonly #offset: number[] = []
  readonly #before: readonly KindHours[]

  constructor(before: readonly KindHours[] = []) {
    this.#before = before
    this.restart()
  }

  /** Begins anew with what was earned before the first wave. */
  restart(): void {
    this.#healthy.fill(0)
    this.#offset.fill(0)
    for (const [kind, { healthy, offset }] of this.#before.entries()) {
      this.#healthy[kind] = healthy
      this.#offset[kind] = offset
    }
  }

  /** When the soak of a wave is over whose operations ended at `end`, on average at `middle`. */
  soakOver({ soakMs, hours }: { soakMs: number; hours?: WaveHours | undefined }, middle: number, end: number): number {
    const shortest = end + soakMs
    if (!hours || !Number.isFinite(end)) return shortest
    for (const [kind, count] of hours.treats) {
      this.#healthy[kind] = (this.#healthy[kind] ?? 0) + count
      this.#offset[kind] = (this.#offset[kind] ?? 0) - count * middle
    }
    if (!hours.asks) return shortest
    const { healthyMs, atMostMs, of } = hours.asks
    let last = shortest
    for (const kind of of) {
      const healthy = this.#healthy[kind] ?? 0
      const at = healthy > 0 ? (healthyMs - (this.#offset[kind] ?? 0)) / healthy : Number.POSITIVE_INFINITY
      if (at > last) last = at
    }
    return Math.max(shortest, Math.min(end + atMostMs, last))
  }
}
