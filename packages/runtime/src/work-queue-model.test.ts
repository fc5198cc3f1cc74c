import { seededRandom, VirtualClock } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { lowPriority, WorkQueue } from './work-queue.ts'

const names = ['a', 'b', 'c', 'd', 'e']

/** A key that the queue owes. */
interface Debt {
  /** Not before this. */
  readonly due: number
  readonly priority: number
  /** Whether it is ready at `due`, with this priority, for sure: a retry may have to wait for others. */
  readonly exact: boolean
}

/** Random workers and sources use a queue; gives the first promise that it broke. */
async function story(seed: number): Promise<string | undefined> {
  const random = seededRandom(seed)
  const clock = new VirtualClock(0)
  const queue = new WorkQueue({ clock, baseDelayMs: 8, maxDelayMs: 100, retriesPerSecond: 50, retryBurst: 3 })
  const working = new Set<string>()
  const debts = new Map<string, Debt>()
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)]!
  const oweNow = (key: string, priority: number): void => {
    const before = debts.get(key)
    const isReady = before?.exact === true && before.due <= clock.now()
    // A retry that may be ready already keeps the priority of one.
    const exact = before?.exact !== false || priority === 0
    debts.set(key, {
      due: clock.now(),
      priority: isReady ? Math.max(priority, before.priority) : priority,
      exact,
    })
  }
  const oweLater = (key: string, due: number, exact: boolean): void => {
    const before = debts.get(key)
    if (before === undefined || (before.due > due && !(before.exact && before.due <= clock.now()))) {
      debts.set(key, { due, priority: 0, exact: exact && before?.exact !== false })
    }
  }
  let broken: string | undefined
  let takers = 0
  const take = (): void => {
    takers++
    void queue.take().then((key) => {
      takers--
      if (key === undefined) return
      const debt = debts.get(key)
      if (working.has(key)) broken ??= `${key} was handed out twice`
      if (debt === undefined) broken ??= `${key} was handed out though nobody asked`
      else if (debt.due > clock.now()) broken ??= `${key} was handed out ${debt.due - clock.now()} ms too early`
      for (const [other, { due, priority, exact }] of debts) {
        const isReady = other !== key && !working.has(other) && exact && due <= clock.now()
        if (isReady && debt?.exact === true && priority > debt.priority)
          broken ??= `${key} was handed out before ${other}`
      }
      working.add(key)
      debts.delete(key)
    })
  }
  for (let step = 0; step < 400; step++) {
    const key = pick(names)
    const now = clock.now()
    const kind = Math.floor(random.next() * 8)
    if (kind <= 1) {
      const priority = pick([0, 0, lowPriority])
      oweNow(key, priority)
      queue.add(key, priority)
    } else if (kind === 2) {
      const delay = 1 + Math.round(random.next() * 60)
      oweLater(key, now + delay, true)
      queue.addAfter(key, delay)
    } else if (kind === 3) {
      // How late exactly depends on all retries before; never earlier than asked.
      const atLeast = Math.round(random.next() * 20)
      oweLater(key, now + atLeast, false)
      queue.addRateLimited(key, atLeast)
    } else if (kind === 4) {
      queue.forget(key)
    } else if (kind === 5 && takers < 2) {
      take()
    } else if (kind === 6 && working.delete(key)) {
      queue.done(key)
    } else {
      await clock.advance(Math.round(random.next() * 30))
    }
    await clock.advance(0)
  }
  // Nothing owed is ever lost.
  for (let round = 0; round < 50; round++) {
    for (const key of working.values().toArray()) {
      working.delete(key)
      queue.done(key)
      await clock.advance(0)
    }
    if (takers === 0) take()
    await clock.advance(60_000)
  }
  queue.close()
  await clock.advance(0)
  if (debts.size > 0) broken ??= `${[...debts.keys()].join(', ')} never came`
  return broken
}

describe('WorkQueue under any use', () => {
  test('hands out each key that is owed, one worker at a time, not too early, and what matters more first', async () => {
    for (let seed = 1; seed <= 300; seed++) expect(await story(seed), `seed ${seed}`).toBeUndefined()
  })
})
