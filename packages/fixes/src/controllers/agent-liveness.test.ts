import { expect, test } from 'vitest'
import { AgentLiveness } from './agent-liveness.ts'

const minute = 60_000

test('an agent is gone after five silent minutes and back with its next heartbeat', () => {
  const liveness = new AgentLiveness()
  expect(liveness.renewed('mc-1', 'a')).toBe(false)
  expect(liveness.advance(0)).toEqual([])
  expect(liveness.nextDue()).toBe(5 * minute)
  expect(liveness.advance(5 * minute - 1)).toEqual([])
  expect(liveness.reachable('mc-1')).toBe(true)
  expect(liveness.advance(5 * minute)).toEqual(['mc-1'])
  expect(liveness.reachable('mc-1')).toBe(false)
  expect(liveness.nextDue()).toBeUndefined()
  expect(liveness.renewed('mc-1', 'b')).toBe(true)
  expect(liveness.advance(7 * minute)).toEqual(['mc-1'])
  expect(liveness.reachable('mc-1')).toBe(true)
})

test('the same heartbeat seen again is no sign of life', () => {
  const liveness = new AgentLiveness()
  liveness.renewed('mc-1', 'a')
  liveness.advance(0)
  liveness.renewed('mc-1', 'a')
  expect(liveness.advance(5 * minute)).toEqual(['mc-1'])
})

test('a management cluster without a lease is reachable', () => {
  expect(new AgentLiveness().reachable('mc-9')).toBe(true)
})
