import { VirtualClock } from '@locktender/kube'
import { expect, describe, test } from 'vitest'
import { WorkQueue } from './work-queue.ts'

describe('work queue', () => {
  test('processes in order, each key once however often it was added before', async () => {
    const clock = new VirtualClock()
    const done: string[] = []
    const queue = new WorkQueue({ clock, concurrency: 2, process: async (key) => void done.push(key) })
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
    await clock.advance(0)
    expect(done).toEqual(['a', 'b', 'c'])
  })

  test('never runs a key twice at once, nor more keys than allowed, and misses no change', async () => {
    const clock = new VirtualClock()
    const running = new Set<string>()
    const starts: string[] = []
    let most = 0
    const queue = new WorkQueue({
      clock,
      concurrency: 2,
      process: async (key) => {
        expect(running.has(key)).toBe(false)
        running.add(key)
        starts.push(key)
        most = Math.max(most, running.size)
        await new Promise<void>((resolve) => void clock.after(10, resolve))
        running.delete(key)
      },
    })
    for (const key of ['a', 'b', 'c']) queue.add(key)
    await clock.advance(5)
    queue.add('a')
    await clock.run()
    expect(starts).toEqual(['a', 'b', 'c', 'a'])
    expect(most).toBe(2)
  })

  test('tries a failing key again, later each time, until it succeeds', async () => {
    const clock = new VirtualClock(0)
    const tries: number[] = []
    const queue = new WorkQueue({
      clock,
      concurrency: 1,
      process: async () => {
        tries.push(clock.now())
        if (tries.length < 4) throw new Error('not yet')
      },
    })
    queue.add('a')
    await clock.run()
    expect(tries).toEqual([0, 1000, 3000, 7000])
    queue.add('a')
    await clock.run()
    expect(tries).toHaveLength(5)
  })

  test('does nothing any more once stopped', async () => {
    const clock = new VirtualClock(0)
    let tries = 0
    const queue = new WorkQueue({
      clock,
      concurrency: 1,
      process: async () => {
        tries++
        throw new Error('never')
      },
    })
    queue.add('a')
    await clock.advance(0)
    queue.stop()
    queue.add('b')
    await clock.run()
    expect(tries).toBe(1)
  })
})
