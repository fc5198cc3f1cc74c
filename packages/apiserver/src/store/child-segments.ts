import type { KeyValueStore } from './store.ts'

/**
 * The next parts of keys that start with `prefix`, which ends in `/`: each once, in order, at the cost of one look-up
 * for each however many keys there are.
 */
export function childSegments(store: KeyValueStore, prefix: string): string[] {
  const segments: string[] = []
  let startAfter: string | undefined
  for (;;) {
    const { items } = store.range(prefix, { limit: 1, ...(startAfter === undefined ? {} : { startAfter }) })
    const [first] = items
    if (first === undefined) return segments
    const end = first.key.indexOf('/', prefix.length)
    const segment = first.key.slice(prefix.length, end === -1 ? undefined : end)
    segments.push(segment)
    // Sorts after every key below this part, and before those of parts that begin with it.
    startAfter = `${prefix}${segment}/\u{10FFFF}`
  }
}
