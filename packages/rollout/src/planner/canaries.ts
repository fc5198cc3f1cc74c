import { seededHash } from '../hash.ts'
import type { TargetMeta } from '../types.ts'
import { coverageOf, pairsOf, type Cell, type CanaryCoverage } from './coverage.ts'

/** A target that may be a canary. */
export interface CanaryCandidate extends TargetMeta {
  /** The values its stratum is made of, in a fixed order. Default: the stratum split at "/". */
  readonly dimensions?: readonly string[]
  /** Importance; the highest there is comes never first, unless all have it. Default 0. */
  readonly tier?: number
}

export interface CanaryOptions {
  readonly seed: number
  /** Percent of a customer's targets; at least one always may. Default 20. */
  readonly customerShare?: number
  /** Targets that are exempt now. */
  readonly exempt?: ReadonlySet<string>
}

export type NotChosenReason = 'Exempt' | 'HighestTier' | 'Customer' | 'Pair'

export interface CanaryChoice {
  /** In the order in which they were chosen: the first ones cover most. */
  readonly chosen: readonly string[]
  readonly coverage: CanaryCoverage
  /** How many candidates each rule kept out. Customer and Pair count those looked at and passed over. */
  readonly keptOut: Readonly<Record<NotChosenReason, number>>
}

interface Group extends Cell {
  readonly members: CanaryCandidate[]
  chosen: number
  /** Nobody of it can be chosen any more. */
  closed: boolean
}

/**
 * Chooses up to `count` canaries. Every cell (stratum) gets one before any gets a second. With more cells than canaries
 * the next cell is the one that adds most pairs of values of two dimensions (such as 4.20 with arm64) that no canary has
 * yet; then the largest. Within a cell the order is that of a seeded hash. No customer gives more than its share, no two
 * of a pair are chosen, the highest tier and the exempt never. Depends on the set of candidates, not on their order.
 */
export function chooseCanaries(
  candidates: readonly CanaryCandidate[],
  count: number,
  { seed, customerShare = 20, exempt = new Set() }: CanaryOptions,
): CanaryChoice {
  const keptOut = { Exempt: 0, HighestTier: 0, Customer: 0, Pair: 0 }
  const highest = candidates.reduce((most, { tier = 0 }) => Math.max(most, tier), Number.NEGATIVE_INFINITY)
  const mixed = candidates.some(({ tier = 0 }) => tier < highest)
  const perCustomer = new Map<string, number>()
  const groups = new Map<string, Group>()
  for (const candidate of candidates) {
    const { stratum, customer, tier = 0, dimensions = stratum.split('/') } = candidate
    perCustomer.set(customer, (perCustomer.get(customer) ?? 0) + 1)
    let group = groups.get(stratum)
    if (!group) {
      group = { name: stratum, dimensions, size: 0, members: [], chosen: 0, closed: false }
      groups.set(stratum, group)
    }
    group.size++
    if (exempt.has(candidate.id)) keptOut.Exempt++
    else if (mixed && tier === highest) keptOut.HighestTier++
    else group.members.push(candidate)
  }
  const cells = Array.from(groups.values()).sort((left, right) => (left.name < right.name ? -1 : 1))
  for (const { members } of cells) {
    const hashed = members.map((candidate) => ({ candidate, hash: seededHash(seed, candidate.id) }))
    hashed.sort((left, right) => right.hash - left.hash || (left.candidate.id < right.candidate.id ? 1 : -1))
    members.splice(0, members.length, ...hashed.map(({ candidate }) => candidate))
  }
  const room = new Map(
    Array.from(perCustomer, ([customer, all]) => [customer, Math.max(1, Math.floor((all * customerShare) / 100))]),
  )
  const pairs = new Set<string>()
  const covered = new Set<string>()
  const chosen: string[] = []
  while (chosen.length < count) {
    const cell = nextCell(cells, covered)
    if (!cell) break
    const canary = takeFrom(cell, room, pairs, keptOut)
    if (!canary) {
      cell.closed = true
      continue
    }
    cell.chosen++
    for (const pair of pairsOf(cell.dimensions)) covered.add(pair)
    chosen.push(canary.id)
  }
  return { chosen, coverage: coverageOf(cells), keptOut }
}

/** The cell with the fewest canaries; among these the one with most uncovered pairs of values, then the largest. */
function nextCell(cells: readonly Group[], covered: ReadonlySet<string>): Group | undefined {
  let best: Group | undefined
  let most = -1
  for (const cell of cells) {
    if (cell.closed || (best && cell.chosen > best.chosen)) continue
    const added = pairsOf(cell.dimensions).filter((pair) => !covered.has(pair)).length
    const better = !best || cell.chosen < best.chosen || added > most || (added === most && cell.size > best.size)
    if (!better) continue
    best = cell
    most = added
  }
  return best
}

function takeFrom(
  cell: Group,
  room: Map<string, number>,
  pairs: Set<string>,
  keptOut: Record<NotChosenReason, number>,
): CanaryCandidate | undefined {
  for (let candidate = cell.members.pop(); candidate; candidate = cell.members.pop()) {
    const { customer, pair } = candidate
    const left = room.get(customer) ?? 0
    if (left === 0) keptOut.Customer++
    else if (pair !== undefined && pairs.has(pair)) keptOut.Pair++
    else {
      room.set(customer, left - 1)
      if (pair !== undefined) pairs.add(pair)
      return candidate
    }
  }
  return undefined
}
