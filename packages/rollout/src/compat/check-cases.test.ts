import { describe, expect, test } from 'vitest'
import { readOcmCases } from './case-file.ts'
import { checkOcmCases } from './check-cases.ts'
import { mending, STRICT } from './quirks.ts'

const wellFormed = {
  id: 'one',
  strategy: { type: 'Progressive', progressive: { maxConcurrency: 1, progressDeadline: '90s' } },
  groups: [{ name: '', index: 0, clusters: ['c1', 'c2'] }],
  statuses: [{ cluster: 'c1', group: { name: '', index: 0 }, status: 'Progressing', transitionAt: -60.5 }],
  expect: {
    rollout: [
      { cluster: 'c1', group: { index: 0, name: '' }, status: 'Progressing', transitionAt: -60.5, recheckAt: 29.5 },
    ],
    timeout: null,
    removed: [],
    maxFailureBreach: false,
    recheckAfter: 29.5,
  },
}
const refused = { ...wellFormed, id: 'two', strategy: { type: 'Sequential' }, expect: { error: 'type' } }

function check(text: string) {
  return checkOcmCases(readOcmCases(text, 'cases'))
}

describe('reading cases', () => {
  test.each([
    ['a collection', JSON.stringify({ cases: [wellFormed], edge: [refused], units: {} })],
    ['a list', JSON.stringify([wellFormed, refused])],
    ['lines', `\uFEFF${JSON.stringify(wellFormed)}\r\n\r\n${JSON.stringify(refused)}\n`],
  ])('%s', (_, text) => {
    expect(check(text)).toEqual({ passed: 2, failed: 0, mismatches: [], mended: [], malformed: [] })
  })

  test('one case over several lines', () => {
    expect(check(JSON.stringify(wellFormed, null, 2))).toMatchObject({ passed: 1, malformed: [] })
  })

  test.each([
    ['', 'cases', 'holds no cases'],
    ['{"cases": []}', 'cases', 'holds no cases'],
    ['no json', 'cases:1', 'is not JSON; write one case as one JSON object on a line'],
    [`${JSON.stringify(wellFormed)}\n{"id": 1}`, 'cases:2: id', 'is 1; write a text'],
    ['[7]', 'cases: [0]', 'is 7; write an object'],
    ['{"cases": 7}', 'cases: cases', 'is 7; write a list'],
    [JSON.stringify([{ ...wellFormed, strategy: undefined }]), 'cases: [0].strategy', 'is missing; write an object'],
    [
      JSON.stringify({ edge: [{ ...wellFormed, statuses: [{ status: 'Failed' }] }] }),
      'cases: edge[0].statuses[0].cluster',
      'is missing; write a text',
    ],
    [
      JSON.stringify({ ...wellFormed, strategy: { type: 'All', all: { maxFailures: 1.5 } } }),
      'cases: strategy.all.maxFailures',
      'is 1.5; write a whole number, or a percentage such as "10%"',
    ],
    [JSON.stringify({ ...wellFormed, expect: null }), 'cases: expect', 'is null; write an object'],
    [
      JSON.stringify({ ...wellFormed, expect: { maxFailureBreach: 'no' } }),
      'cases: expect.maxFailureBreach',
      'is "no"; write true or false',
    ],
    [
      JSON.stringify({ ...wellFormed, groups: [{ clusters: ['c1', 2] }] }),
      'cases: groups[0].clusters[1]',
      'is 2; write a text',
    ],
    [
      JSON.stringify({ ...wellFormed, groups: [{ index: 0.5 }] }),
      'cases: groups[0].index',
      'is 0.5; write a whole number',
    ],
    [
      JSON.stringify({ ...wellFormed, statuses: [{ cluster: 'c', status: 'Failed', transitionAt: 'now' }] }),
      'cases: statuses[0].transitionAt',
      'is "now"; write a number',
    ],
    ['{"units": {"fly": [{}]}}', 'units.fly[0]', 'the function "fly" is unknown'],
    [
      '{"units": {"conditionReady": [{"cond": ["Maybe", 2]}]}}',
      'units.conditionReady[0].cond[0]',
      'is "Maybe"; write True',
    ],
  ])('what cannot be read is named: %s', (text, where, problem) => {
    const [first, ...others] = check(text).malformed
    expect(first?.where).toBe(where)
    expect(first?.problem).toContain(problem)
    expect(others).toEqual([])
  })
})

describe('checking', () => {
  test('a mismatch says what was expected and what came', () => {
    const wrong = { ...wellFormed, why: 'a reason', expect: { ...wellFormed.expect, rollout: [], recheckAfter: null } }
    const { passed, failed, mismatches } = check(JSON.stringify(wrong))
    expect({ passed, failed }).toEqual({ passed: 0, failed: 1 })
    expect(mismatches).toMatchObject([
      {
        id: 'one',
        why: 'a reason',
        differences: [
          { path: 'rollout[0]', expected: null, actual: wellFormed.expect.rollout[0] },
          { path: 'recheckAfter', expected: null, actual: 29.5 },
        ],
      },
    ])
  })

  test('an answer where an error was expected, and the other way round', () => {
    const { mismatches } = check(
      JSON.stringify([
        { ...wellFormed, expect: { error: 'deadline' } },
        { ...refused, expect: wellFormed.expect },
      ]),
    )
    expect(mismatches.map(({ differences }) => differences.at(-1)?.path)).toEqual(['recheckAfter', 'error'])
  })

  const zero = {
    id: 'zero',
    kind: 'quirk',
    strategy: { type: 'Progressive', progressive: { maxConcurrency: 0 } },
    groups: [{ clusters: ['c1'] }],
    statuses: [],
    expect: { rollout: [{ cluster: 'c1', status: 'ToApply' }] },
  }

  test('a difference that a mended quirk explains is none', () => {
    const cases = readOcmCases(JSON.stringify(zero), 'cases')
    expect(checkOcmCases(cases)).toMatchObject({ passed: 1, mended: [] })
    for (const kept of [STRICT, mending('zeroConcurrencyIsAll')])
      expect(checkOcmCases(cases, kept)).toMatchObject({
        passed: 1,
        failed: 0,
        mended: [{ id: 'zero', quirks: ['zeroConcurrencyIsAll'], differences: [{ path: 'rollout[0]' }] }],
      })
    expect(checkOcmCases(cases, mending('gapLosesGroups'))).toMatchObject({ passed: 1, mended: [] })
  })

  test('a case of kind quirk that strict mode answers the same is a mismatch', () => {
    const cases = readOcmCases(JSON.stringify({ ...wellFormed, kind: 'quirk' }), 'cases')
    expect(checkOcmCases(cases)).toMatchObject({ passed: 1, failed: 0 })
    expect(checkOcmCases(cases, STRICT)).toMatchObject({ passed: 0, failed: 1, mismatches: [{ id: 'one' }] })
  })

  test('a difference that no quirk explains is a mismatch in strict mode too', () => {
    const cases = readOcmCases(JSON.stringify({ ...zero, expect: { rollout: [], recheckAfter: 5 } }), 'cases')
    expect(checkOcmCases(cases, STRICT)).toMatchObject({ failed: 1 })
  })
})
