/** A flow network that may grow between `augment`s: Dinic's algorithm on arrays. Node 0 is the source, node 1 the sink. */
export class FlowNetwork {
  readonly #heads: number[] = [-1, -1]
  readonly #next: number[] = []
  readonly #ends: number[] = []
  #left: number[] = []
  #levels: number[] = []
  #cursors: number[] = []

  addNode(): number {
    return this.#heads.push(-1) - 1
  }

  /** Gives the edge's number, for `setCapacity` and `flow`. */
  addEdge(from: number, to: number, capacity: number): number {
    const edge = this.#ends.length
    for (const [start, end, left] of [
      [from, to, capacity],
      [to, from, 0],
    ] as const) {
      this.#next.push(this.#heads[start] as number)
      this.#heads[start] = this.#ends.push(end) - 1
      this.#left.push(left)
    }
    return edge
  }

  flow(edge: number): number {
    return this.#left[edge + 1] as number
  }

  /** Of an edge without flow. */
  setCapacity(edge: number, capacity: number): void {
    this.#left[edge] = capacity
  }

  /** The flow there is now, to come back to. */
  save(): readonly number[] {
    return this.#left.slice()
  }

  restore(saved: readonly number[]): void {
    this.#left = saved.slice()
  }

  /** Sends as much more as possible from source to sink; gives how much. */
  augment(): number {
    let sent = 0
    while (this.#level()) {
      this.#cursors = this.#heads.slice()
      for (let more = this.#push(0, Number.POSITIVE_INFINITY); more > 0;) {
        sent += more
        more = this.#push(0, Number.POSITIVE_INFINITY)
      }
    }
    return sent
  }

  #level(): boolean {
    this.#levels = this.#heads.map(() => -1)
    this.#levels[0] = 0
    const queue = [0]
    for (const node of queue) {
      for (let edge = this.#heads[node] as number; edge >= 0; edge = this.#next[edge] as number) {
        const end = this.#ends[edge] as number
        if ((this.#left[edge] as number) <= 0 || (this.#levels[end] as number) >= 0) continue
        this.#levels[end] = (this.#levels[node] as number) + 1
        queue.push(end)
      }
    }
    return (this.#levels[1] as number) >= 0
  }

  #push(node: number, most: number): number {
    if (node === 1) return most
    for (
      ;
      (this.#cursors[node] as number) >= 0;
      this.#cursors[node] = this.#next[this.#cursors[node] as number] as number
    ) {
      const edge = this.#cursors[node] as number
      const end = this.#ends[edge] as number
      const left = this.#left[edge] as number
      if (left <= 0 || this.#levels[end] !== (this.#levels[node] as number) + 1) continue
      const sent = this.#push(end, Math.min(most, left))
      if (sent === 0) continue
      this.#left[edge] = left - sent
      this.#left[edge ^ 1] = (this.#left[edge ^ 1] as number) + sent
      return sent
    }
    return 0
  }
}
