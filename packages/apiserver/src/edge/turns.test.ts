import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Turns } from './turns.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout'] }))
afterEach(() => void vi.useRealTimers())

test('some go at once, the others later, all in the order in which they asked', () => {
  const turns = new Turns()
  const acted: number[] = []
  for (let index = 0; index < 150; index++) turns.ask(() => acted.push(index))
  expect(acted).toEqual([])
  const after = [0, 1, 2, 3].map((ms) => {
    vi.advanceTimersByTime(ms === 0 ? 0 : 2)
    return acted.length
  })
  expect(after).toEqual([64, 128, 150, 150])
  expect(acted).toEqual(acted.toSorted((left, right) => left - right))
})

test('who asks while others go waits for the next time, and who asks alone does not wait', () => {
  const turns = new Turns()
  const acted: string[] = []
  turns.ask(() => {
    acted.push('first')
    turns.ask(() => acted.push('again'))
  })
  vi.advanceTimersByTime(0)
  expect(acted).toEqual(['first'])
  vi.advanceTimersByTime(2)
  expect(acted).toEqual(['first', 'again'])
  // Nobody asked for a while.
  vi.advanceTimersByTime(2)
  turns.ask(() => acted.push('alone'))
  vi.advanceTimersByTime(0)
  expect(acted).toEqual(['first', 'again', 'alone'])
})
