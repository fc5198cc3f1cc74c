import { Heap } from './heap.ts'

/** A target that is in no wave yet. */
export interface Candidate {
  readonly id: string
  readonly stratum: string
  readonly customer: string
  /** Its place in the random order of its stratum. */
  readonly hash: number
  /** Name of the pair it stands in for; never two of a pair in one wave. */
  readonly pair?: string | undefined
  /** Not in the first wave of its stage while the stage has others. */
  readonly notFirst?: boolean | undefined
  /** The pool it is in, which alone writes it: so none needs a list of who is in it. */
  pool?: object | undefined
}

/** What is asked of a wave besides its size and the shares of customers. */
export interface PickRules {
  /** It is the first wave of its stage: targets that are `notFirst` wait, unless there are no others. */
  readonly first?: boolean
  /** The two of a pair may come together: only for putting targets back into waves they were in. Default false. */
  readonly together?: boolean
}

interface Stratum<T extends Candidate> {
  readonly name: string
  /** Whoever left stays in it until it comes up. */
  readonly candidates: Heap<T>
  /** Targets of this stratum that are in a wave. */
  taken: number
  /** Of the newest head; older heads are stale. */
  version: number
}

interface Head<T extends Candidate> {
  readonly stratum: Stratum<T>
  readonly version: number
  readonly taken: number
  readonly candidate: T
}

/** Random order within a stratum; ids break ties so that the order never depends on who came first. */
function earlier(left: Candidate, right: Candidate): boolean {
  return left.hash === right.hash ? left.id < right.id : left.hash < right.hash
}

/**
 * The targets of one stage that are in no wave yet, and the choice of the next wave: always the stratum with the fewest
 * targets in waves so far, within it the next in its random order. So every stratum has one before any has two. The
 * choice depends on which targets there are and how many of each stratum were taken, never on the order in which they
 * were added. `add`, `delete` and each pick are O(log n).
 */
export class StagePool<T extends Candidate> {
  readonly #strata = new Map<string, Stratum<T>>()
  /** Left, but still in the heap of its stratum. */
  readonly #departed = new Set<T>()
  readonly #heads = new Heap<Head<T>>((left, right) =>
    left.taken === right.taken ? earlier(left.candidate, right.candidate) : left.taken < right.taken,
  )
  #size = 0
  /** How many of them are `notFirst`. */
  #notFirst = 0

  get size(): number {
    return this.#size
  }

  /** How many of `stratum` are in waves. */
  takenOf(stratum: string): number {
    return this.#strata.get(stratum)?.taken ?? 0
  }

  has(candidate: T): boolean {
    return candidate.pool === this
  }

  add(candidate: T): void {
    if (candidate.pool === this) return
    candidate.pool = this
    this.#count(candidate, 1)
    if (this.#departed.delete(candidate)) return
    const stratum = this.#stratum(candidate.stratum)
    stratum.candidates.push(candidate)
    if (stratum.candidates.peek() === candidate) this.#refresh(stratum)
  }

  delete(candidate: T): boolean {
    if (candidate.pool !== this) return false
    candidate.pool = undefined
    this.#departed.add(candidate)
    this.#count(candidate, -1)
    return true
  }

  /** Says that `change` more (or fewer) targets of `stratum` are in waves than were picked here. */
  adjustTaken(stratum: string, change: number): void {
    const state = this.#stratum(stratum)
    state.taken += change
    this.#refresh(state)
  }

  /**
   * Takes up to `count` candidates out of the pool. No customer gets more than `share(customer)` (at least 1) of them
   * while there is a candidate of a customer below its share; after that all shares are raised together. Fewer than
   * `count` when the rules leave no more.
   */
  pick(count: number, share: (customer: string) => number, { first = false, together = false }: PickRules = {}): T[] {
    const picked: T[] = []
    const perCustomer = new Map<string, number>()
    const pairs = new Set<string>()
    const others = first && this.#size > this.#notFirst
    const keptBack: T[] = []
    let passedOver: T[] = []
    let round = 1
    while (picked.length < count) {
      const candidate = this.#head()
      if (!candidate) {
        if (passedOver.length === 0) break
        round++
        for (const candidate of passedOver) this.add(candidate)
        passedOver = []
        continue
      }
      const { pair, notFirst } = candidate
      if ((others && notFirst) || (!together && pair !== undefined && pairs.has(pair))) {
        this.#drop(candidate)
        keptBack.push(candidate)
        continue
      }
      const mine = perCustomer.get(candidate.customer) ?? 0
      this.#drop(candidate)
      if (mine >= round * share(candidate.customer)) {
        passedOver.push(candidate)
        continue
      }
      perCustomer.set(candidate.customer, mine + 1)
      if (pair !== undefined) pairs.add(pair)
      picked.push(candidate)
      this.adjustTaken(candidate.stratum, 1)
    }
    for (const candidate of passedOver) this.add(candidate)
    for (const candidate of keptBack) this.add(candidate)
    return picked
  }

  #count(candidate: T, by: 1 | -1): void {
    this.#size += by
    if (candidate.notFirst) this.#notFirst += by
  }

  #stratum(name: string): Stratum<T> {
    let stratum = this.#strata.get(name)
    if (!stratum) {
      stratum = { name, candidates: new Heap<T>(earlier), taken: 0, version: 0 }
      this.#strata.set(name, stratum)
    }
    return stratum
  }

  /** Drops those who left from the top of the stratum and announces its head. */
  #refresh(stratum: Stratum<T>): void {
    stratum.version++
    for (;;) {
      const candidate = stratum.candidates.peek()
      if (!candidate) return
      if (!this.#departed.delete(candidate)) {
        this.#heads.push({ stratum, version: stratum.version, taken: stratum.taken, candidate })
        return
      }
      stratum.candidates.pop()
    }
  }

  #head(): T | undefined {
    for (;;) {
      const head = this.#heads.peek()
      if (!head) return undefined
      if (head.version === head.stratum.version && !this.#departed.has(head.candidate)) return head.candidate
      this.#heads.pop()
      if (head.version === head.stratum.version) this.#refresh(head.stratum)
    }
  }

  /** Takes out the head of a stratum. */
  #drop(candidate: T): void {
    const stratum = this.#stratum(candidate.stratum)
    candidate.pool = undefined
    this.#count(candidate, -1)
    stratum.candidates.pop()
    this.#refresh(stratum)
  }
}
