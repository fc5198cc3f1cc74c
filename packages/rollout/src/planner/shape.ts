import type { Batch } from './exposure.ts'

/** Sizes of waves that begin with `first` and grow by `factor` until `total` are placed. */
export function growingWaves(total: number, first: number, factor: number): number[] {
  const sizes: number[] = []
  let wanted = Math.max(1, first)
  for (let left = total; left > 0; wanted *= Math.max(1, factor)) {
    const size = Math.min(left, Math.round(wanted))
    sizes.push(size)
    left -= size
  }
  return sizes
}

/** Starts of waves whose operations take no time: `soakMs` in all, split evenly between them. */
export function equalSoaks(sizes: readonly number[], soakMs: number): Batch[] {
  const gaps = Math.max(1, sizes.length - 1)
  return sizes.map((size, index) => ({ size, at: (index * soakMs) / gaps }))
}

/** Steps of the search on a log scale: first coarse, then fine. */
const STEPS = [0.8, 0.4, 0.2, 0.1, 0.05]

/**
 * Looks for the sizes of `waves` waves of `total` targets with the least `cost`: moves one boundary between growth
 * rates at a time while that helps, coarse steps first. Deterministic; a local optimum that is never worse than where
 * it began. The cost is about 50 x waves evaluations.
 */
export function bestSizes(
  total: number,
  begin: readonly number[],
  cost: (sizes: readonly number[]) => number,
): readonly number[] {
  let logs = begin.map((size) => Math.log(size))
  let best = begin
  let least = cost(begin)
  for (const step of STEPS) {
    for (let moved = true, rounds = 0; moved && rounds < 5; rounds++) {
      moved = false
      for (let index = 0; index < begin.length - 1; index++) {
        for (const direction of [step, -step]) {
          const tried = logs.map((log, at) => (at === index ? log + direction : log))
          const sizes = wholeSizes(tried, total)
          const price = sizes ? cost(sizes) : Number.POSITIVE_INFINITY
          if (price >= least) continue
          least = price
          best = sizes as number[]
          logs = tried
          moved = true
        }
      }
    }
  }
  return best
}

/** Whole sizes of at least 1; the last wave takes what is left. Undefined when nothing is left for it. */
function wholeSizes(logs: readonly number[], total: number): number[] | undefined {
  const sizes = logs.slice(0, -1).map((log) => Math.max(1, Math.round(Math.exp(log))))
  const left = total - sizes.reduce((sum, size) => sum + size, 0)
  return left >= 1 ? [...sizes, left] : undefined
}
