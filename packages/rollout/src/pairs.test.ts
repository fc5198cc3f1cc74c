import { describe, expect, test } from 'vitest'
import { Bench, target } from './bench.test-support.ts'

const stage = (name: string, canary: number) => ({ name, canary, factor: 1, soakMs: 30 * 60_000, finalSoakMs: 0 })
const stages = [stage('first', 5), stage('second', 5)]
const shop = (id: string, of = 'first') => target(id, { pair: 'shop', stage: of })

describe('of two that stand in for each other', () => {
  test('one comes with the next wave, after the soak', () => {
    const bench = new Bench([shop('a'), shop('b'), target('c')], { stages })
    const first = bench.at(0)
    expect(first[0]).toBe('open first/1 2')
    const one = first.includes('apply a') ? 'a' : 'b'
    for (const id of [one, 'c']) bench.applied(id, 10)
    expect(bench.at(39)).toEqual([])
    expect(bench.at(40)).toEqual(['close first/1', 'open first/2 1', `apply ${one === 'a' ? 'b' : 'a'}`])
  })

  test('one that joins a past stage waits until the other, in the stage in progress, is through', () => {
    const bench = new Bench([target('c'), shop('b', 'second')], { stages })
    bench.at(0)
    bench.applied('c', 10)
    expect(bench.at(40)).toContain('apply b')
    bench.see('a', shop('a'))
    expect(bench.at(41)).toEqual([])
    expect(bench.summary.inFlight).toBe(1)
    bench.applied('b', 50)
    expect(bench.at(50)).toEqual(['apply a', 'close second/1'])
  })

  test('one that joins after the other was treated there comes with a wave of its own, after the soak', () => {
    const bench = new Bench([shop('b'), target('c', { stage: 'second' })], { stages })
    bench.at(0)
    bench.applied('b', 10)
    expect(bench.at(40)).toContain('apply c')
    bench.see('a', shop('a'))
    expect(bench.at(41)).toEqual([])
    bench.applied('c', 50)
    expect(bench.at(50)).toEqual(['open first/2 1', 'apply a', 'close second/1'])
  })

  test('neither is left in a wave with the other when a label says so while it waits for a slot', () => {
    const bench = new Bench([target('a'), target('b')], { stages, maxConcurrent: 1 })
    const [, asked] = bench.at(0)
    const [one, other] = asked === 'apply a' ? ['a', 'b'] : ['b', 'a']
    bench.see(one as string, { pair: 'shop' })
    bench.see(other as string, { pair: 'shop' })
    bench.applied(one as string, 10)
    expect(bench.at(10)).toEqual([])
    expect(bench.at(40)).toEqual(['close first/1', 'open first/2 1', `apply ${other}`])
  })

  test('one leaves its wave when a label says so while it was asked, and that could not be written', () => {
    const bench = new Bench([target('a'), target('b')], { stages })
    const asked = bench.engine.decide(0).find(({ type }) => type === 'open-wave')
    bench.engine.acknowledge(asked as never)
    bench.engine.decide(0)
    bench.see('a', { pair: 'shop' })
    bench.see('b', { requested: true })
    bench.engine.writeFailed('a')
    bench.applied('b', 10)
    expect(bench.at(10)).toEqual([])
    expect(bench.at(40)).toEqual(['close first/1', 'open first/2 1', 'apply a'])
  })

  test('one is reverted after the other', () => {
    const bench = new Bench([shop('a'), shop('b', 'second')], { stages })
    bench.at(0)
    bench.applied('a', 10)
    bench.at(40)
    bench.applied('b', 50)
    bench.engine.revertNow('bad')
    expect(bench.at(51)).toEqual(['halt Operator', 'revert b'])
    bench.see('b', { phase: 'Reverted', revert: true, completedAt: 60 * 60_000 })
    expect(bench.at(60)).toEqual(['revert a'])
  })
})
