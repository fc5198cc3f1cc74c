/** A binary heap: the item for which `before` holds against all others comes out first. O(log n) in and out. */
export class Heap<T> {
  readonly #before: (left: T, right: T) => boolean
  #items: T[] = []

  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#before(item, items[parent]!)) break
      items[index] = items[parent]!
      index = parent
    }
    items[index] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return top
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child++
      if (!this.#before(items[child]!, last)) break
      items[index] = items[child]!
      index = child
    }
    items[index] = last
    return top
  }

  /** Keeps only what `keep` holds for. O(n). */
  retain(keep: (item: T) => boolean): void {
    const kept = this.#items.filter(keep)
    this.#items = []
    for (const item of kept) this.push(item)
  }

  clear(): void {
    this.#items = []
  }
}
