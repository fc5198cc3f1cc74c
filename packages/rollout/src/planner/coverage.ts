/** A stratum with its canaries. */
export interface Cell {
  readonly name: string
  readonly dimensions: readonly string[]
  /** Its targets, whether they may be canaries or not. */
  size: number
  readonly chosen: number
}

/** What a set of canaries can see. Shares and chances are 0-1. */
export interface CanaryCoverage {
  readonly cells: number
  readonly coveredCells: number
  /** Share of all targets that are in cells with a canary. */
  readonly coveredShare: number
  /** Pairs of values of two dimensions, and those that some canary has. */
  readonly pairs: number
  readonly coveredPairs: number
  /** Cells without a canary, largest first, with their share of all targets. */
  readonly uncovered: readonly { readonly name: string; readonly share: number }[]
  /**
   * Chance that a flaw which harms this share of one stratum, a target's own, is missed: the mean over targets of
   * (1 - harmed)^(canaries in its stratum).
   */
  missed(harmed: number): number
  /** The same for as many canaries chosen at random. */
  missedAtRandom(harmed: number): number
}

export function coverageOf(cells: readonly Cell[]): CanaryCoverage {
  const total = cells.reduce((sum, { size }) => sum + size, 0)
  const canaries = cells.reduce((sum, { chosen }) => sum + chosen, 0)
  const shareOf = ({ size }: Cell) => (total === 0 ? 0 : size / total)
  const covered = cells.filter(({ chosen }) => chosen > 0)
  const pairs = (some: readonly Cell[]) => new Set(some.flatMap(({ dimensions }) => pairsOf(dimensions))).size
  const mean = (chance: (cell: Cell) => number) => cells.reduce((sum, cell) => sum + shareOf(cell) * chance(cell), 0)
  return {
    cells: cells.length,
    coveredCells: covered.length,
    coveredShare: covered.reduce((sum, cell) => sum + shareOf(cell), 0),
    pairs: pairs(cells),
    coveredPairs: pairs(covered),
    uncovered: cells
      .filter(({ chosen }) => chosen === 0)
      .map((cell) => ({ name: cell.name, share: shareOf(cell) }))
      .sort((left, right) => right.share - left.share || (left.name < right.name ? -1 : 1)),
    missed: (harmed) => mean(({ chosen }) => (1 - harmed) ** chosen),
    missedAtRandom: (harmed) => mean((cell) => (1 - shareOf(cell) * harmed) ** canaries),
  }
}

/** Names of all pairs of values of two dimensions; the values themselves where there is one dimension only. */
export function pairsOf(dimensions: readonly string[]): string[] {
  if (dimensions.length === 1) return [`0=${dimensions[0]}`]
  return dimensions.flatMap((value, index) =>
    dimensions.slice(index + 1).map((other, offset) => `${index}=${value}|${index + 1 + offset}=${other}`),
  )
}
