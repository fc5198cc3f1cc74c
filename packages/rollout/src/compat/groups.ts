import { parseGoFloat } from './go-text.ts'
import { sortNames } from './names.ts'
import type { KeptQuirks } from './quirks.ts'
import type { OcmGroup, OcmGroupKey, OcmMandatoryGroup, OcmSize } from './types.ts'

/** Some of the groups, by position in `OcmGroups.keys`. */
export interface GroupSelection {
  /** Ascending, so in the order of indexes. */
  readonly positions: readonly number[]
  /** Whether a position is among them. */
  readonly has: Uint8Array
  /** Different clusters in them. */
  readonly clusters: number
}

/**
 * The decision groups of a placement, indexed once: by name, by index and by cluster. Clusters are numbered by rank, the
 * place of their name in the order of names.
 */
export class OcmGroups {
  /** In the order of indexes; groups with the same name and index are one. */
  readonly keys: readonly OcmGroupKey[]
  /** Clusters by rank. */
  readonly names: readonly string[]
  readonly #rankOf: ReadonlyMap<string, number>
  /** For each group the ranks of its clusters, ascending. */
  readonly #members: readonly (readonly number[])[]
  /** For each rank the first group it is in. */
  readonly #homes: Int32Array
  /** For ranks in several groups all of them. */
  readonly #manyHomes: ReadonlyMap<number, readonly number[]>
  #ranksByGroup: Int32Array | undefined
  readonly #byName = new Map<string, number[]>()
  readonly #byIndex = new Map<number, number[]>()

  /** Costs a sort of the names. */
  constructor(groups: Iterable<OcmGroup>) {
    const merged = new Map<string, { key: OcmGroupKey; clusters: string[] }>()
    for (const { name, index, clusters } of groups) {
      const id = `${index} ${name}`
      const known = merged.get(id)
      if (known === undefined) merged.set(id, { key: { name, index }, clusters: [...clusters] })
      else for (const cluster of clusters) known.clusters.push(cluster)
    }
    const ordered = [...merged.values()].sort((left, right) => left.key.index - right.key.index)
    this.keys = ordered.map(({ key }) => key)
    for (const [position, { name, index }] of this.keys.entries()) {
      push(this.#byName, name, position)
      push(this.#byIndex, index, position)
    }
    const homesOf = new Map<string, number | number[]>()
    for (const [position, { clusters }] of ordered.entries())
      for (const name of clusters) addHome(homesOf, name, position)
    this.names = sortNames([...homesOf.keys()])
    const rankOf = new Map<string, number>()
    const members: number[][] = ordered.map(() => [])
    const manyHomes = new Map<number, readonly number[]>()
    this.#homes = new Int32Array(this.names.length)
    for (const [rank, name] of this.names.entries()) {
      rankOf.set(name, rank)
      const homes = homesOf.get(name) ?? 0
      if (typeof homes !== 'number') manyHomes.set(rank, homes)
      this.#homes[rank] = typeof homes === 'number' ? homes : (homes[0] ?? 0)
      for (const position of typeof homes === 'number' ? [homes] : homes) members[position]?.push(rank)
    }
    this.#rankOf = rankOf
    this.#members = members
    this.#manyHomes = manyHomes
  }

  /** -1 for a cluster in no group. */
  rankOf(cluster: string): number {
    return this.#rankOf.get(cluster) ?? -1
  }

  /** Ranks of the clusters of a group; of one in several groups only in the first when `once`. */
  membersOf(position: number, once: boolean): readonly number[] {
    const members = this.#members[position] ?? []
    if (!once || this.#manyHomes.size === 0) return members
    return members.filter((rank) => this.#homes[rank] === position)
  }

  /** Every rank once, by the first group of its cluster and then by name. */
  get ranksByGroup(): Int32Array {
    this.#ranksByGroup ??= Int32Array.from(this.keys.keys().flatMap((position) => this.membersOf(position, true)))
    return this.#ranksByGroup
  }

  /** The first group of a cluster. */
  homeOf(rank: number): number {
    return this.#homes[rank] ?? -1
  }

  /** The first group of a cluster that is selected, or -1. */
  homeIn(rank: number, selection: GroupSelection): number {
    const home = this.homeOf(rank)
    if (selection.has[home] === 1) return home
    return this.#manyHomes.get(rank)?.find((position) => selection.has[position] === 1) ?? -1
  }

  /**
   * All groups; with the gap quirk only those reached by counting from 0. When groups of different names share an index,
   * which one counts is left to chance upstream; here it is the last one listed.
   */
  all(kept: KeptQuirks): GroupSelection {
    if (!kept.has('gapLosesGroups')) return this.#select(this.keys.keys())
    const positions: number[] = []
    for (let index = 0; index < this.#byIndex.size; index++) {
      const position = this.#byIndex.get(index)?.at(-1)
      if (position !== undefined) positions.push(position)
    }
    return this.#select(positions)
  }

  /** The groups of these entries, and the entries that match none. An entry with a name covers every index of that name. */
  mandatory(
    entries: readonly OcmMandatoryGroup[],
    kept: KeptQuirks,
  ): GroupSelection & { readonly unknown: readonly OcmMandatoryGroup[] } {
    const positions: number[] = []
    const unknown: OcmMandatoryGroup[] = []
    for (const entry of entries) {
      const { name, index } = mandatoryKey(entry)
      const sameIndex = this.#byIndex.get(index)
      const found = name !== '' ? this.#byName.get(name) : kept.has('gapLosesGroups') ? sameIndex?.slice(-1) : sameIndex
      if (found === undefined) unknown.push(entry)
      else for (const position of found) positions.push(position)
    }
    return { ...this.#select(positions), unknown }
  }

  /** Those of `from` that are not in `without`. */
  besides(from: GroupSelection, without: GroupSelection): GroupSelection {
    if (without.positions.length === 0) return from
    return this.#select(from.positions.filter((position) => without.has[position] === 0))
  }

  #select(positions: Iterable<number>): GroupSelection {
    const has = new Uint8Array(this.keys.length)
    for (const position of positions) has[position] = 1
    const ascending: number[] = []
    let clusters = 0
    for (let position = 0; position < has.length; position++) {
      if (has[position] === 0) continue
      ascending.push(position)
      clusters += this.#members[position]?.length ?? 0
    }
    for (const homes of this.#manyHomes.values())
      clusters -= Math.max(0, homes.filter((position) => has[position] === 1).length - 1)
    return { positions: ascending, has, clusters }
  }
}

function push<Key>(map: Map<Key, number[]>, key: Key, position: number): void {
  const positions = map.get(key)
  if (positions === undefined) map.set(key, [position])
  else positions.push(position)
}

function addHome(homesOf: Map<string, number | number[]>, cluster: string, position: number): void {
  const homes = homesOf.get(cluster)
  if (homes === undefined) homesOf.set(cluster, position)
  else if (typeof homes !== 'number') {
    if (homes.at(-1) !== position) homes.push(position)
  } else if (homes !== position) homesOf.set(cluster, [homes, position])
}

/** What an entry asks for: its name when it has one (the index is not looked at then), else its index. */
export function mandatoryKey(entry: OcmMandatoryGroup): OcmGroupKey {
  const { groupName = '', groupIndex = 0 } = entry
  return groupName === '' ? { name: '', index: groupIndex } : { name: groupName, index: 0 }
}

/** Clusters that came and went between two looks at the decisions of a placement, by name. */
export function clusterChanges(
  before: Iterable<OcmGroup>,
  after: Iterable<OcmGroup>,
): { readonly added: readonly string[]; readonly deleted: readonly string[] } {
  const old = new Set([...before].flatMap(({ clusters }) => clusters))
  const now = new Set([...after].flatMap(({ clusters }) => clusters))
  const missingIn = (others: ReadonlySet<string>, names: ReadonlySet<string>) =>
    sortNames([...names].filter((name) => !others.has(name)))
  return { added: missingIn(old, now), deleted: missingIn(now, old) }
}

/** A decision group of a placement's strategy. */
export interface NamedGroup {
  readonly name: string
  /** Whether its selector takes this cluster. */
  readonly matches: (cluster: string) => boolean
}

/**
 * How a placement divides its selected clusters: each named group in turn takes what matches and is not taken yet, by
 * name, in pieces of the group size; the rest likewise under the name ''. Always at least one group.
 * @throws {RangeError} if `clustersPerGroup` is neither a number nor a percentage
 */
export function divideIntoGroups(
  clusters: readonly string[],
  named: readonly NamedGroup[] = [],
  clustersPerGroup: OcmSize = '100%',
): OcmGroup[] {
  const size = groupSize(clustersPerGroup, clusters.length)
  const groups: OcmGroup[] = []
  let rest = sortNames([...new Set(clusters)])
  const cut = (name: string, taken: readonly string[]) => {
    for (let from = 0; from < taken.length; from += size)
      groups.push({ name, index: groups.length, clusters: taken.slice(from, from + size) })
  }
  for (const { name, matches } of named) {
    const { taken = [], left = [] } = Object.groupBy(rest, (cluster) => (matches(cluster) ? 'taken' : 'left'))
    cut(name, taken)
    rest = left
  }
  cut('', rest)
  return groups.length > 0 ? groups : [{ name: '', index: 0, clusters: [] }]
}

function groupSize(value: OcmSize, total: number): number {
  const percent = typeof value === 'string' && value.endsWith('%') ? parseGoFloat(value.slice(0, -1)) : undefined
  if (typeof value === 'string' && percent === undefined)
    throw new RangeError(`clustersPerDecisionGroup ${JSON.stringify(value)} is no percentage; write 5 or "10%"`)
  const size = typeof value === 'number' ? value : Math.ceil(((percent ?? 0) / 100) * total)
  return size > 0 && size <= total ? size : total
}
