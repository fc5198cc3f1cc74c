import { describe, expect, test } from 'vitest'
import { Echoes, LoopBreaker } from './loop-breaker.ts'

const minute = 60_000

describe('LoopBreaker', () => {
  const breaker = () => new LoopBreaker({ writes: 3 })

  test('pauses a key that writes one object too often, longer each time', () => {
    const looping = breaker()
    let now = 0
    const pauses: (number | undefined)[] = []
    for (let write = 0; write < 8; write++) {
      const pause = looping.wrote('k', 'o', now)
      pauses.push(pause)
      now += pause ?? 10
    }
    expect(pauses).toEqual([undefined, undefined, undefined, minute, undefined, 2 * minute, undefined, 4 * minute])
  })

  test('lets a key write many objects, and one object now and then', () => {
    const busy = breaker()
    for (let object = 0; object < 100; object++) expect(busy.wrote('k', `o${object}`, 0)).toBeUndefined()
    for (let time = 0; time < 100; time++) expect(busy.wrote('k', 'o', time * 30_000)).toBeUndefined()
  })

  test('begins anew after a change from outside, whether paused or not', () => {
    const changing = breaker()
    for (let write = 0; write < 30; write++) {
      expect(changing.wrote('k', 'o', write)).toBeUndefined()
      if (write % 3 === 2) changing.changed('k')
    }
    for (let write = 0; write < 4; write++) changing.wrote('k', 'o', 100)
    expect(changing.pauseMs('k', 1100)).toBe(59_000)
    expect(changing.pauseMs('other', 1100)).toBe(0)
    changing.changed('k')
    expect(changing.pauseMs('k', 1100)).toBe(0)
    expect(changing.wrote('k', 'o', 1100)).toBeUndefined()
  })

  test('never pauses longer than the limit', () => {
    const looping = new LoopBreaker({ writes: 1, maxPauseMs: 5 * minute })
    let now = 0
    let longest = 0
    for (let write = 0; write < 40; write++) {
      const pause = looping.wrote('k', 'o', now) ?? 0
      longest = Math.max(longest, pause)
      now += pause
    }
    expect(longest).toBe(5 * minute)
  })
})

describe('Echoes', () => {
  test('explain as many events as there were writes, and for as long as an echo takes', () => {
    const echoes = new Echoes()
    expect(echoes.settle('o', 0)).toBe(false)
    echoes.expect('o', 0)
    echoes.expect('o', 0)
    expect([echoes.settle('o', 1), echoes.settle('o', 2), echoes.settle('o', 3)]).toEqual([true, true, false])
    echoes.expect('o', 10)
    expect(echoes.settle('o', 10 + 30_000)).toBe(false)
    echoes.expect('o', 50_000)
    expect(echoes.settle('o', 50_001)).toBe(true)
  })
})
