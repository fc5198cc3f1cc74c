import { describe, expect, it } from 'vitest'
import { KeyQueue } from './key-queue.ts'
import { Timers } from './timers.ts'

function queue(): { readonly queue: KeyQueue; readonly timers: Timers; readonly ready: () => string[] } {
  const timers = new Timers(0)
  let sequence = 0
  const made = new KeyQueue(
    () => timers.now(),
    (delayMs, callback) => timers.after(delayMs, callback),
    () => sequence++,
  )
  return { queue: made, timers, ready: () => [...made.ready()].map(({ key }) => key) }
}

describe('KeyQueue', () => {
  it('keeps a key once, and out of reach while it is worked on', () => {
    const { queue: keys, ready } = queue()
    keys.add('a')
    keys.add('b')
    keys.add('a')
    expect(ready()).toEqual(['a', 'b'])
    keys.take('a')
    keys.add('a')
    expect(ready()).toEqual(['b'])
    keys.succeeded('a')
    expect(ready()).toEqual(['b', 'a'])
  })

  it('brings a key back after a failure, later each time, until it succeeds', () => {
    const { queue: keys, timers, ready } = queue()
    const delays: number[] = []
    keys.add('a')
    for (let failure = 1; failure <= 4; failure++) {
      keys.take('a')
      keys.failed('a')
      expect(keys.failures.get('a')).toBe(failure)
      delays.push(timers.nextMs! - timers.now())
      timers.fire()
      expect(ready()).toEqual(['a'])
    }
    expect(delays).toEqual([5, 10, 20, 40])
    keys.take('a')
    keys.succeeded('a')
    expect([ready(), timers.nextMs, keys.failures.size]).toEqual([[], undefined, 0])
  })

  it('comes back when asked to, or earlier when something changes', () => {
    const { queue: keys, timers, ready } = queue()
    keys.add('a')
    keys.take('a')
    keys.succeeded('a', 1000)
    expect([ready(), timers.nextMs]).toEqual([[], 1000])
    keys.add('a')
    expect([ready(), timers.nextMs]).toEqual([['a'], undefined])
    keys.take('a')
    keys.gaveUp('a')
    expect([ready(), timers.nextMs]).toEqual([[], undefined])
  })

  it('tells keys of a first listing from others, which go before them', () => {
    const { queue: keys } = queue()
    keys.add('a', true)
    keys.add('b')
    keys.add('a')
    expect([...keys.ready()]).toEqual([
      { key: 'a', initial: false, sequence: 0 },
      { key: 'b', initial: false, sequence: 1 },
    ])
  })
})
