import { expect, test } from 'vitest'
import { nextReflectorState } from './reflector-states.ts'
import type { ReflectorEvent, ReflectorState } from './reflector-states.ts'

const STATES: readonly ReflectorState[] = ['Listing', 'Watching', 'Backoff', 'Stopped']
const EVENTS: readonly ReflectorEvent[] = ['listed', 'ended', 'failed', 'resume', 'relist', 'stop']

test('every transition there is, and no other', () => {
  const found = STATES.flatMap((state) =>
    EVENTS.map((event) => {
      try {
        return `${state} ${event} ${nextReflectorState(state, event)}`
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return undefined
      }
    }),
  )
  expect(found.filter((line) => line !== undefined)).toEqual([
    'Listing listed Watching',
    'Listing failed Backoff',
    'Listing stop Stopped',
    'Watching ended Watching',
    'Watching failed Backoff',
    'Watching stop Stopped',
    'Backoff resume Watching',
    'Backoff relist Listing',
    'Backoff stop Stopped',
    'Stopped stop Stopped',
  ])
})
