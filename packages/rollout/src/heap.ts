/** A binary heap: `push` and `pop` are O(log n). `before` must be a strict order; equal items come out in any order. */
export class Heap<T> {
  readonly #before: (left: T, right: T) => boolean
  readonly #items: T[] = []

  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = items[above] as T
      if (!this.#before(item, parent)) break
      items[index] = parent
      index = above
    }
    items[index] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return top
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child++
      const smaller = items[child] as T
      if (!this.#before(smaller, last)) break
      items[index] = smaller
      index = child
    }
    items[index] = last
    return top
  }
}
