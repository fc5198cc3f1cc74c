import { writeSync } from 'node:fs'
import { VirtualClock } from '@locktender/kube'
import { Store } from './store.ts'

/** What the writer stores under a key in its `count`-th write; different lengths move records around in the file. */
export function crashValue(key: string, count: number): Uint8Array {
  return new TextEncoder().encode(`${key} ${count} ${'x'.repeat((count * 37) % 900)}`)
}

/** A store so small that snapshots and new segments come often. */
export function openSmallStore(directory: string): Promise<Store> {
  return Store.open({
    clock: new VirtualClock(),
    directory,
    historyEvents: 200,
    historyAgeMs: 0,
    segmentBytes: 20_000,
  })
}

/** Writes without end from several writers and prints `key count revision` for each acknowledged write. */
async function main(directory: string): Promise<void> {
  const store = await openSmallStore(directory)
  const writer = async (key: string) => {
    const stored = store.get(key)
    let revision = stored?.revision ?? 0
    let count = stored === undefined ? 0 : Number(new TextDecoder().decode(stored.value).split(' ')[1])
    for (;;) {
      count++
      const bytes = crashValue(key, count)
      revision = await store.write(key, revision, () => bytes)
      // At once: what is buffered when the process dies was never said.
      writeSync(1, `${key} ${count} ${revision}\n`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, index) => writer(`/key/${index}`)))
}

if (import.meta.main) await main(process.argv[2]!)
