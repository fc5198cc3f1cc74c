import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { crashValue, openSmallStore } from './crash-writer.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crash-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

interface Acknowledged {
  readonly count: number
  readonly revision: number
}

/** Runs the writer on `directory` and kills it after it has acknowledged `writes` writes. */
async function writeUntilKilled(writes: number): Promise<Map<string, Acknowledged>> {
  const script = fileURLToPath(new URL('./crash-writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const newest = new Map<string, Acknowledged>()
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [key, count, revision] = line.split(' ')
    // Killed in the middle of a line, the process has not finished saying it.
    if (revision !== undefined && revision !== '')
      newest.set(key!, { count: Number(count), revision: Number(revision) })
    if (++seen === writes) child.kill('SIGKILL')
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  return newest
}

test('kill -9 at random moments loses no acknowledged write and reuses no revision', async () => {
  const random = seededRandom(7)
  let highest = 1
  for (let round = 0; round < 6; round++) {
    const acknowledged = await writeUntilKilled(1 + Math.floor(random.next() * 3000))
    const store = await openSmallStore(directory)
    for (const [key, { count, revision }] of acknowledged) {
      expect(revision).toBeGreaterThan(highest)
      const stored = store.get(key)!
      const found = Number(new TextDecoder().decode(stored.value).split(' ')[1])
      // The write after the acknowledged one may be on disk too, but each key has only one under way.
      expect([count, count + 1]).toContain(found)
      if (found === count) expect(stored.revision).toBe(revision)
      expect(Buffer.compare(stored.value, crashValue(key, found))).toBe(0)
    }
    const events: number[] = []
    store.watch('/', store.compactedRevision, (batch) => events.push(...batch.map(({ revision }) => revision)))
    expect(events).toEqual(Array.from(events, (_, index) => store.compactedRevision + 1 + index))
    expect(events.at(-1)).toBe(store.revision)
    highest = store.revision
    await store.close()
  }
})
