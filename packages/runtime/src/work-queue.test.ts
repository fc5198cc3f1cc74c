import { VirtualClock } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { lowPriority, WorkQueue } from './work-queue.ts'

async function drain(queue: WorkQueue, count: number): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = []
  for (let index = 0; index < count; index++) {
    const key = await queue.take()
    keys.push(key)
    if (key !== undefined) queue.done(key)
  }
  return keys
}

describe('WorkQueue', () => {
  test('hands out keys in the order they were added, each once', async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() })
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key)
    expect(queue.depth).toBe(3)
    expect(await drain(queue, 3)).toEqual(['a', 'b', 'c'])
  })

  test('prefers real changes to keys of the first listing, also when a waiting key is raised', async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() })
    queue.add('a', lowPriority)
    queue.add('b', lowPriority)
    queue.add('c')
    queue.add('b')
    expect(await drain(queue, 3)).toEqual(['b', 'c', 'a'])
    expect(queue.depth).toBe(0)
  })

  test('does not hand out a key that is being worked on, but does so afterwards', async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() })
    queue.add('a')
    expect(await queue.take()).toBe('a')
    queue.add('a')
    queue.add('b')
    expect(await queue.take()).toBe('b')
    queue.done('a')
    expect(await queue.take()).toBe('a')
  })

  test('gives a key straight to a waiting worker', async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() })
    const taken = queue.take()
    queue.add('a')
    expect(await taken).toBe('a')
    expect(queue.depth).toBe(0)
  })

  test('keeps the earliest of several delays', async () => {
    const clock = new VirtualClock()
    const start = clock.now()
    const queue = new WorkQueue({ clock })
    queue.addAfter('a', 1000)
    queue.addAfter('a', 400)
    queue.addAfter('a', 900)
    let takenAt: number | undefined
    void queue.take().then(() => (takenAt = clock.now() - start))
    await clock.advance(2000)
    expect(takenAt).toBe(400)
    queue.done('a')
    expect(queue.depth).toBe(0)
  })

  test('doubles the delay of a failing key up to the limit and starts over after success', async () => {
    const clock = new VirtualClock()
    const queue = new WorkQueue({ clock, baseDelayMs: 5, maxDelayMs: 30 })
    const delays: number[] = []
    for (let failure = 0; failure < 5; failure++) {
      const before = clock.now()
      queue.addRateLimited('a')
      const taken = queue.take().then((key) => {
        delays.push(clock.now() - before)
        queue.done(key!)
      })
      await clock.run()
      await taken
    }
    expect(delays).toEqual([5, 10, 20, 30, 30])
    queue.forget('a')
    const before = clock.now()
    queue.addRateLimited('a')
    await clock.run()
    expect(clock.now() - before).toBe(5)
  })

  test('tries no more keys again than a burst at once and ten a second after it; a change does not wait', async () => {
    const clock = new VirtualClock()
    const start = clock.now()
    const queue = new WorkQueue({ clock })
    for (let index = 0; index < 200; index++) queue.addRateLimited(`k${index}`)
    await clock.advance(5)
    expect(queue.depth).toBe(100)
    queue.add('k199')
    expect(queue.depth).toBe(101)
    await clock.advance(1000)
    expect(queue.depth).toBe(111)
    await clock.run()
    expect(queue.depth).toBe(200)
    expect(clock.now() - start).toBe(9900)
  })

  test('does not try a key again before what it was asked to wait', async () => {
    const clock = new VirtualClock()
    const start = clock.now()
    const queue = new WorkQueue({ clock })
    queue.addRateLimited('a', 3000)
    await clock.run()
    expect(clock.now() - start).toBe(3000)
  })

  test('wakes every worker when it closes and takes nothing more', async () => {
    const clock = new VirtualClock()
    const queue = new WorkQueue({ clock })
    const takers = [queue.take(), queue.take()]
    queue.addAfter('later', 10)
    queue.close()
    queue.add('a')
    await clock.run()
    expect(await Promise.all([...takers, queue.take()])).toEqual([undefined, undefined, undefined])
  })
})
