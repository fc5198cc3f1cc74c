import type { Overlap } from './exposure-cells.ts'

/** What one of two changes does to the rate of onsets, with the other taken into account. */
export interface Effect {
  /** Factor on the rate, as fitted; drawn towards 1 where the data say little. */
  readonly ratio: number
  /** The factor is above this with 95 % confidence. */
  readonly atLeast: number
}

export interface TwoEffects {
  readonly left: Effect
  readonly right: Effect
}

/** Log ratios are a priori normal with this deviation: wide enough to say nothing, it keeps the fit finite. */
const PRIOR_VARIANCE = 16
/** Chi-square of one degree of freedom at 90 %: each bound by itself holds at 95 %. */
const DEVIANCE = 2.705_543_454_095_404
const HOUR = 3_600_000

/** Log likelihood with its gradient and Hessian in the two log ratios. */
interface Fit {
  readonly value: number
  readonly gradient: readonly [number, number]
  /** Minus the second derivatives: left, right, mixed. */
  readonly information: readonly [number, number, number]
}

/**
 * Poisson regression on two indicators with a rate of its own for each stratum. Given the onsets of a stratum, where
 * they happened is multinomial in time × effect, and the stratum's rate drops out: two unknowns however many strata.
 */
function likelihood(tables: readonly Overlap[], left: number, right: number): Fit {
  let value = (-left * left - right * right) / (2 * PRIOR_VARIANCE)
  const gradient: [number, number] = [-left / PRIOR_VARIANCE, -right / PRIOR_VARIANCE]
  const information: [number, number, number] = [1 / PRIOR_VARIANCE, 1 / PRIOR_VARIANCE, 0]
  const a = Math.exp(left)
  const b = Math.exp(right)
  for (const table of tables) {
    const onLeft = table.left.onsets + table.both.onsets
    const onRight = table.right.onsets + table.both.onsets
    const onsets = table.neither.onsets + onLeft + table.right.onsets
    if (onsets === 0) continue
    const both = (table.both.ms / HOUR) * a * b
    const one = (table.left.ms / HOUR) * a
    const other = (table.right.ms / HOUR) * b
    const sum = table.neither.ms / HOUR + one + other + both
    if (!(sum > 0)) continue
    const p = (one + both) / sum
    const q = (other + both) / sum
    value += onLeft * left + onRight * right - onsets * Math.log(sum)
    gradient[0] += onLeft - onsets * p
    gradient[1] += onRight - onsets * q
    information[0] += onsets * p * (1 - p)
    information[1] += onsets * q * (1 - q)
    information[2] += onsets * (both / sum - p * q)
  }
  return { value, gradient, information }
}

/** Climbs from `from`; with `fixed` the left effect stays. The likelihood is strictly concave: halved steps always arrive. */
function climb(tables: readonly Overlap[], from: readonly [number, number], fixed: boolean): [number, number, number] {
  let [left, right] = from
  let fit = likelihood(tables, left, right)
  for (let iteration = 0; iteration < 50; iteration++) {
    const [gl, gr] = fit.gradient
    const [il, ir, mixed] = fit.information
    const determinant = il * ir - mixed * mixed
    let stepLeft = fixed ? 0 : (ir * gl - mixed * gr) / determinant
    let stepRight = fixed ? gr / ir : (il * gr - mixed * gl) / determinant
    let next = likelihood(tables, left + stepLeft, right + stepRight)
    while (next.value < fit.value && Math.abs(stepLeft) + Math.abs(stepRight) > 1e-12) {
      stepLeft /= 2
      stepRight /= 2
      next = likelihood(tables, left + stepLeft, right + stepRight)
    }
    left += stepLeft
    right += stepRight
    fit = next
    if (Math.abs(stepLeft) + Math.abs(stepRight) < 1e-10) break
  }
  return [left, right, fit.value]
}

function swapped(tables: readonly Overlap[]): Overlap[] {
  return tables.map((table) => ({ ...table, left: table.right, right: table.left }))
}

/** The lowest left effect that the data do not speak against, whatever the right one is (profile likelihood). */
function lowest(tables: readonly Overlap[], best: readonly [number, number, number]): number {
  const goal = best[2] - DEVIANCE / 2
  let nuisance = best[1]
  const fits = (left: number): boolean => {
    const [, right, value] = climb(tables, [left, nuisance], true)
    nuisance = right
    return value >= goal
  }
  let inside = best[0]
  let outside = best[0] - 1
  for (let width = 1; fits(outside) && width < 64; width *= 2) {
    inside = outside
    outside -= width
  }
  for (let step = 0; step < 30; step++) {
    const middle = (inside + outside) / 2
    if (fits(middle)) inside = middle
    else outside = middle
  }
  return inside
}

/** Fits the effects of two overlapping changes to the onsets of the four groups of each stratum. Deterministic. */
export function fitTwoExposures(tables: readonly Overlap[]): TwoEffects {
  const best = climb(tables, [0, 0], false)
  const mirrored: [number, number, number] = [best[1], best[0], best[2]]
  return {
    left: { ratio: Math.exp(best[0]), atLeast: Math.exp(lowest(tables, best)) },
    right: { ratio: Math.exp(best[1]), atLeast: Math.exp(lowest(swapped(tables), mirrored)) },
  }
}
