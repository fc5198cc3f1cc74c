import { betaTailsAt, binomialTerm } from './beta.ts'
import { gammaTails, poissonTerm, type Tails } from './gamma.ts'

/** Tails at t, and the density of t there. */
interface Point extends Tails {
  readonly density: number
}

/** Below this a number has lost digits. */
const SMALLEST = 1e-300

/**
 * Where the lower tail is `probability`, for a distribution with a log-concave density. Its tails are log-concave too,
 * so Newton's method on the logarithm of the smaller one goes to the root from one side and never past it: no bracket
 * and no safeguard is needed, and the steps are the same on every machine.
 */
function quantile(probability: number, start: number, at: (t: number) => Point): number {
  const isLower = probability <= at(start).lower
  const goal = Math.log(isLower ? probability : 1 - probability)
  let t = start
  let last = start
  for (let steps = 0; steps < 200; steps++) {
    const { lower, upper, density } = at(t)
    const tail = isLower ? lower : upper
    if (tail < SMALLEST || density < SMALLEST) {
      // The first step went too far for numbers of this size.
      t = (t + last) / 2
      continue
    }
    last = t
    const step = ((goal - Math.log(tail)) * tail) / density
    t += isLower ? step : -step
    if (Math.abs(step) <= 4e-16 * Math.max(1, Math.abs(t))) return t
  }
  return t
}

function inUnitInterval(probability: number): void {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`A probability is from 0 to 1, not ${probability}.`)
}

/** The x with Iₓ(a, b) = probability: the inverse of the incomplete beta function. */
export function betaQuantile(a: number, b: number, probability: number): number {
  inUnitInterval(probability)
  if (probability === 0 || probability === 1) return probability
  // In the log odds of x the density is log-concave, and x near 0 keeps its digits.
  const logit = quantile(probability, Math.log(a / b), (t) => {
    const x = 1 / (1 + Math.exp(-t))
    const y = 1 / (1 + Math.exp(t))
    return { ...betaTailsAt(a, b, x, y), density: (binomialTerm(a, a + b, x, y) * a * b) / (a + b) }
  })
  return 1 / (1 + Math.exp(-logit))
}

/** The x with P(a, x) = probability: the inverse of the incomplete gamma function. */
export function gammaQuantile(a: number, probability: number): number {
  inUnitInterval(probability)
  if (probability === 0) return 0
  if (probability === 1) return Number.POSITIVE_INFINITY
  const logarithm = quantile(probability, Math.log(a), (t) => {
    const x = Math.exp(t)
    return { ...gammaTails(a, x), density: a * poissonTerm(a, x) }
  })
  return Math.exp(logarithm)
}
