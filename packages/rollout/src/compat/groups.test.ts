import { describe, expect, test } from 'vitest'
import { clusterChanges, divideIntoGroups, OcmGroups } from './groups.ts'
import { COMPATIBLE, STRICT, type KeptQuirks } from './quirks.ts'
import type { OcmMandatoryGroup } from './types.ts'

const group = (name: string, index: number, ...clusters: string[]) => ({ name, index, clusters })

describe('choosing groups', () => {
  const groups = new OcmGroups([
    group('canary', 1, 'b'),
    group('', 0, 'a', 'c'),
    group('canary', 2, 'd'),
    group('late', 7, 'e'),
  ])
  const chosen = (entries: readonly OcmMandatoryGroup[], kept: KeptQuirks = COMPATIBLE) => {
    const { positions } = groups.mandatory(entries, kept)
    return positions.map((position) => groups.keys[position]?.index)
  }

  test('a name covers every index that has it, and wins over an index', () => {
    expect(chosen([{ groupName: 'canary', groupIndex: 0 }])).toEqual([1, 2])
    expect(chosen([{ groupName: '', groupIndex: 2 }])).toEqual([2])
    expect(chosen([{}])).toEqual([0])
    expect(chosen([{ groupIndex: 2 }, { groupIndex: 0 }, { groupIndex: 2 }])).toEqual([0, 2])
  })

  test('what matches nothing is named', () => {
    const { unknown } = groups.mandatory([{ groupName: 'cannary' }, { groupIndex: 5 }, {}], COMPATIBLE)
    expect(unknown).toEqual([{ groupName: 'cannary' }, { groupIndex: 5 }])
  })

  test('upstream counts indexes from 0, so that a gap hides groups, unless they are mandatory', () => {
    expect(groups.all(COMPATIBLE).positions).toEqual([0, 1, 2])
    expect(groups.all(STRICT).positions).toEqual([0, 1, 2, 3])
    expect(chosen([{ groupName: 'late' }])).toEqual([7])
    expect(groups.besides(groups.all(COMPATIBLE), groups.mandatory([{}], COMPATIBLE)).positions).toEqual([1, 2])
  })

  test('clusters are counted once, also where groups overlap or come in parts', () => {
    const parts = new OcmGroups([
      group('', 0, 'a', 'b'),
      group('', 1, 'b', 'c'),
      group('', 0, 'a', 'd'),
      group('', 1, 'c'),
    ])
    expect(parts.keys).toHaveLength(2)
    expect(parts.names).toEqual(['a', 'b', 'c', 'd'])
    expect(parts.all(COMPATIBLE).clusters).toBe(4)
    expect(parts.membersOf(1, false).map((rank) => parts.names[rank])).toEqual(['b', 'c'])
    expect(parts.membersOf(1, true).map((rank) => parts.names[rank])).toEqual(['c'])
    const second = parts.mandatory([{ groupIndex: 1 }], COMPATIBLE)
    expect(parts.homeIn(parts.rankOf('b'), second)).toBe(1)
    expect(parts.homeIn(parts.rankOf('a'), second)).toBe(-1)
  })
})

test('changes between two looks at the decisions', () => {
  expect(clusterChanges([group('', 0, 'b', 'a')], [group('', 0, 'a'), group('', 1, 'd', 'c')])).toEqual({
    added: ['c', 'd'],
    deleted: ['b'],
  })
})

describe('dividing a placement', () => {
  const shape = (groups: ReturnType<typeof divideIntoGroups>) =>
    groups
      .map(({ name, index, clusters }) => `${index}${name === '' ? '' : `=${name}`}[${clusters.join(' ')}]`)
      .join(' ')
  const startsWith = (start: string) => (cluster: string) => cluster.startsWith(start)

  test('named groups in turn take what is left, by name, in pieces; the rest follows', () => {
    const named = [
      { name: 'canary', matches: startsWith('a') },
      { name: 'all', matches: (cluster: string) => cluster < 'c' },
    ]
    expect(shape(divideIntoGroups(['c1', 'b1', 'a3', 'a2', 'a1', 'c2'], named, 2))).toBe(
      '0=canary[a1 a2] 1=canary[a3] 2=all[b1] 3[c1 c2]',
    )
  })

  test.each([
    ['40%', '0[a b] 1[c d] 2[e]'],
    ['25%', '0[a b] 1[c d] 2[e]'],
    ['100%', '0[a b c d e]'],
    [0, '0[a b c d e]'],
    [9, '0[a b c d e]'],
    [undefined, '0[a b c d e]'],
  ])('clustersPerDecisionGroup %s', (size, expected) => {
    expect(shape(divideIntoGroups(['e', 'd', 'c', 'b', 'a'], [], size))).toBe(expected)
  })

  test('without clusters there is one empty group', () => {
    expect(shape(divideIntoGroups([], [{ name: 'canary', matches: () => true }], 2))).toBe('0[]')
  })

  test('a size that is none is refused', () => {
    expect(() => divideIntoGroups(['a'], [], 'half')).toThrow('clustersPerDecisionGroup "half" is no percentage')
  })
})
