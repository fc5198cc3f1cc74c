/** Numbers between 0 and 1. */
export type Uniform = () => number

/** Small deterministic generator (xorshift, 32 bits): the same seed gives the same forecast. */
export function seededUniform(seed: number): Uniform {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** Operations that share a cap: `count` of them, `atOnce` at a time. */
export interface QueueLoad {
  readonly count: number
  readonly atOnce: number
}

/** What is drawn for one kind of load. */
const DRAWS = 384
/** Up to so many operations are drawn one by one. */
const SMALL = 48
/** Residual times of so many neighbours are drawn one by one. */
const FEW = 8

/**
 * How long a queue takes until its last operation has ended, with durations drawn from a table of quantiles (see
 * `DurationSketch.table`) and each slot taking the next operation when it is free. Sorted draws.
 *
 * Small queues are played through. For others the work is normal by the central limit theorem: when the last operation
 * starts, the other slots are busy with residual lives of the stationary kind, so the makespan is
 * (work - last - residuals) / slots + max(last, residuals).
 */
export function makespans({ count, atOnce }: QueueLoad, table: Float64Array, uniform: Uniform): Float64Array {
  const slots = Math.max(1, Math.min(count, Math.floor(atOnce)))
  const draws = new Float64Array(DRAWS)
  const residuals = residualTable(table)
  const { mean, deviation } = momentsOf(table)
  const meanResidual = residuals.reduce((sum, each) => sum + each, 0) / residuals.length
  const free = new Float64Array(slots)
  for (let draw = 0; draw < DRAWS; draw++) {
    if (count <= 0) draws[draw] = 0
    else if (slots === count) draws[draw] = at(table, uniform() ** (1 / count))
    else if (count <= SMALL) draws[draw] = playThrough(count, free, table, uniform)
    else {
      const work = count * mean + deviation * Math.sqrt(count) * normal(uniform)
      const last = at(table, uniform())
      const others = slots - 1
      let sum = 0
      let longest = 0
      if (others <= FEW) {
        for (let index = 0; index < others; index++) {
          const each = at(residuals, uniform())
          sum += each
          longest = Math.max(longest, each)
        }
      } else {
        sum = others * meanResidual
        longest = at(residuals, uniform() ** (1 / others))
      }
      draws[draw] = Math.max(0, work - last - sum) / slots + Math.max(last, longest)
    }
  }
  return draws.sort()
}

/** Value of a sorted table at a share, by linear interpolation. */
export function at(table: Float64Array, share: number): number {
  const position = share * table.length - 0.5
  const index = Math.max(0, Math.min(table.length - 2, Math.floor(position)))
  const low = table[index] as number
  const high = table[index + 1] as number
  if (low === high) return low
  return low + (high - low) * Math.max(0, Math.min(1, position - index))
}

/** A draw from the standard normal distribution (Box and Muller). */
export function normal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

function playThrough(count: number, free: Float64Array, table: Float64Array, uniform: Uniform): number {
  free.fill(0)
  let end = 0
  for (let started = 0; started < count; started++) {
    let next = 0
    for (let slot = 1; slot < free.length; slot++) {
      if ((free[slot] as number) < (free[next] as number)) next = slot
    }
    const done = (free[next] as number) + at(table, uniform())
    free[next] = done
    end = Math.max(end, done)
  }
  return end
}

function momentsOf(table: Float64Array): { readonly mean: number; readonly deviation: number } {
  let sum = 0
  let squares = 0
  for (const each of table) {
    sum += each
    squares += each * each
  }
  const mean = sum / table.length
  return { mean, deviation: Math.sqrt(Math.max(0, squares / table.length - mean * mean)) }
}

/** Quantiles of the time that is left of an operation seen at a random moment: density (1 - F) / mean. */
function residualTable(table: Float64Array): Float64Array {
  const { length } = table
  // Of an operation of length d, chosen with weight d, a uniform part of d is left.
  const weighted: number[] = []
  let total = 0
  for (const each of table) weighted.push((total += each))
  const result = new Float64Array(length)
  let index = 0
  for (let position = 0; position < length; position++) {
    const wanted = ((position + 0.5) / length) * total
    while ((weighted[index] as number) < wanted && index < length - 1) index++
    // The golden ratio spreads the parts evenly whatever the order of lengths.
    result[position] = (table[index] as number) * ((position * 0.618033988749895) % 1)
  }
  return result.sort()
}
