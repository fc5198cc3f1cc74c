/** Keys in a chunk before it is split: inserts move at most this many, and 100,000 keys make about 600 chunks. */
const chunkLimit = 256

/**
 * A sorted set of strings with cheap inserts, deletes and range reads: an array of sorted chunks.
 *
 * The order is that of UTF-16 code units, which is byte order for everything below U+D800 and so for all names
 * that Kubernetes accepts.
 */
export class OrderedKeys {
  readonly #chunks: string[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds `key`; does nothing when it is there. */
  insert(key: string): void {
    const chunks = this.#chunks
    if (chunks.length === 0) {
      chunks.push([key])
      this.#size = 1
      return
    }
    const at = this.#chunkFor(key)
    const chunk = chunks[at]!
    const index = lowerBound(chunk, key)
    if (chunk[index] === key) return
    chunk.splice(index, 0, key)
    this.#size++
    if (chunk.length <= chunkLimit) return
    // Keys mostly arrive in order: leave the front chunk nearly full when it grew at its end.
    const cut = index === chunk.length - 1 ? chunkLimit - 16 : chunk.length >> 1
    chunks.splice(at + 1, 0, chunk.splice(cut))
  }

  /** Removes `key`; does nothing when it is not there. */
  delete(key: string): void {
    const at = this.#chunkFor(key)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    const index = lowerBound(chunk, key)
    if (chunk[index] !== key) return
    chunk.splice(index, 1)
    this.#size--
    const next = this.#chunks[at + 1]
    if (chunk.length === 0) this.#chunks.splice(at, 1)
    else if (next !== undefined && chunk.length + next.length <= chunkLimit >> 1) {
      chunk.push(...next)
      this.#chunks.splice(at + 1, 1)
    }
  }

  /** Calls `visit` with every key at or after `start`, in order, until it returns false. */
  visitFrom(start: string, visit: (key: string) => boolean): void {
    let at = this.#chunkFor(start)
    let index = at < this.#chunks.length ? lowerBound(this.#chunks[at]!, start) : 0
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!
      for (; index < chunk.length; index++) {
        if (!visit(chunk[index]!)) return
      }
    }
  }

  /** How many keys come before `key`; all of them when `key` is undefined. */
  countBefore(key: string | undefined): number {
    if (key === undefined) return this.#size
    const at = this.#chunkFor(key)
    let count = 0
    for (let index = 0; index < at; index++) count += this.#chunks[index]!.length
    const chunk = this.#chunks[at]
    return chunk === undefined ? count : count + lowerBound(chunk, key)
  }

  /** Index of the last chunk that starts at or before `key`; 0 when there is none. */
  #chunkFor(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#chunks[middle]![0]! <= key) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : low - 1
  }
}

/** The smallest string after all strings that start with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  for (let index = prefix.length - 1; index >= 0; index--) {
    const code = prefix.charCodeAt(index)
    if (code < 0xffff) return prefix.slice(0, index) + String.fromCharCode(code + 1)
  }
  return undefined
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
