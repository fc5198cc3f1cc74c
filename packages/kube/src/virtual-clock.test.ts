import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holding, sleep } from './clock.ts'
import { VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  test('fires timers in order of time, then of setting, and stands at each due moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 200 }), async (delays) => {
        const clock = new VirtualClock(1000)
        const fired: [due: number, index: number, now: number][] = []
        for (const [index, delay] of delays.entries()) {
          clock.after(delay, () => fired.push([1000 + delay, index, clock.now()]))
        }
        await clock.run()
        const expected = delays
          .map((delay, index) => [1000 + delay, index, 1000 + delay])
          .toSorted((left, right) => left[0]! - right[0]! || left[1]! - right[1]!)
        expect(fired).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  test('a cancelled timer never fires, whichever and however many are cancelled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 400 }), async (timers) => {
        const clock = new VirtualClock()
        const fired: number[] = []
        const cancels = timers.map(([delay], index) => clock.after(delay, () => fired.push(index)))
        for (const [index, [, cancelled]] of timers.entries()) {
          if (!cancelled) continue
          cancels[index]!()
          cancels[index]!()
        }
        await clock.run()
        const kept = timers.flatMap(([, cancelled], index) => (cancelled ? [] : [index]))
        expect(fired.toSorted((left, right) => left - right)).toEqual(kept)
      }),
      { numRuns: 30 },
    )
  })

  test('cancelling a timer that has fired changes nothing', async () => {
    const clock = new VirtualClock()
    const cancels: (() => void)[] = []
    for (let index = 0; index < 200; index++) cancels.push(clock.after(1, () => {}))
    await clock.advance(1)
    for (const cancel of cancels) cancel()
    let fired = false
    clock.after(5, () => {
      fired = true
    })
    await clock.run()
    expect(fired).toBe(true)
  })

  test('a timer whose work takes many promise turns has settled before the next one fires', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const work = async (name: string) => {
      for (let turn = 0; turn < 100; turn++) await Promise.resolve()
      log.push(name)
    }
    clock.after(1, () => void work('first'))
    clock.after(1, () => log.push('second'))
    await clock.run()
    expect(log).toEqual(['first', 'second'])
  })

  test('timers set while running take part', async () => {
    const clock = new VirtualClock(0)
    const times: number[] = []
    const tick = () => {
      times.push(clock.now())
      if (times.length < 4) clock.after(10, tick)
    }
    clock.after(0, tick)
    await clock.run()
    expect(times).toEqual([0, 10, 20, 30])
  })

  test('does not move while it is held, and goes on when the last hold is released', async () => {
    const clock = new VirtualClock(0)
    let fired = false
    clock.after(1000, () => {
      fired = true
    })
    const first = clock.hold()
    const second = clock.hold()
    const running = clock.run()
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    for (let count = 0; count < 5; count++) await turn()
    first()
    first()
    for (let count = 0; count < 5; count++) await turn()
    expect([fired, clock.now()]).toEqual([false, 0])
    second()
    await running
    expect([fired, clock.now()]).toEqual([true, 1000])
  })

  test.each(['fulfilled', 'rejected'])('stands still around work that is held for, until it is %s', async (end) => {
    const clock = new VirtualClock(0)
    const work = Promise.withResolvers<string>()
    const held = holding(clock, () => work.promise)
    const running = clock.advance(1000)
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    for (let count = 0; count < 5; count++) await turn()
    expect(clock.now()).toBe(0)
    if (end === 'fulfilled') work.resolve('result')
    else work.reject(new Error('broken'))
    const [outcome] = await Promise.allSettled([held])
    expect(outcome.status).toBe(end)
    await running
    expect(clock.now()).toBe(1000)
  })

  test('run stops as soon as it is done, with later timers untouched', async () => {
    const clock = new VirtualClock(0)
    let count = 0
    for (let index = 1; index <= 10; index++) clock.after(index, () => count++)
    await clock.run(() => count === 3)
    expect([count, clock.now()]).toEqual([3, 3])
    await clock.run()
    expect([count, clock.now()]).toEqual([10, 10])
  })

  test('advance runs what is due within the span, its end included, and lands exactly at the end', async () => {
    const clock = new VirtualClock(0)
    const fired: number[] = []
    for (const delay of [5, 10, 11]) clock.after(delay, () => fired.push(delay))
    await clock.advance(10)
    expect([fired, clock.now()]).toEqual([[5, 10], 10])
    await clock.advance(0)
    expect(fired).toEqual([5, 10])
  })

  test('a timer with a negative delay is due now', async () => {
    const clock = new VirtualClock(100)
    clock.after(-50, () => {})
    await clock.run()
    expect(clock.now()).toBe(100)
  })
})

describe('sleep', () => {
  test('resolves after its time', async () => {
    const clock = new VirtualClock(0)
    let woke = -1
    void sleep(clock, 30).then(() => {
      woke = clock.now()
    })
    await clock.advance(100)
    expect(woke).toBe(30)
  })

  test('rejects with the reason when aborted, before or while sleeping, and leaves no timer', async () => {
    const clock = new VirtualClock(0)
    const reason = new Error('enough')
    await expect(sleep(clock, 10, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const sleeping = sleep(clock, 10, controller.signal)
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await clock.run()
    expect(clock.now()).toBe(0)
  })
})
