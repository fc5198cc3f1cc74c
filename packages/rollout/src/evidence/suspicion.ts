import { onsetDelayDensity } from './onset-delay.ts'

/** Control planes fall ill for reasons of their own about so often, per hour: the scale against which delays count. */
const USUAL_PER_HOUR = 1 / 5000

/** An onset: how long it came after each change the control plane ran then, in milliseconds. */
export type Delays = ReadonlyMap<string, number>

/**
 * How well a change alone would explain the onsets of one signature, as a log likelihood ratio against chance: the onsets
 * on control planes with it, each the more the sooner it came after the change, against how many have it without one.
 * It is right about which of two changes is the likelier cause long before {@link attribute} can be sure.
 */
export function suspicion(change: string, onsets: readonly Delays[], treated: number): number {
  const delays = onsets.flatMap((each) => each.get(change) ?? [])
  if (delays.length === 0) return 0
  const share = Math.min(1, delays.length / Math.max(1, treated))
  let sum = -share * Math.max(treated, delays.length)
  for (const delay of delays) sum += Math.log1p((share * onsetDelayDensity(delay)) / USUAL_PER_HOUR)
  return sum
}

/**
 * The one of the changes behind an onset that it is held against while nobody is named: the strongest suspect, of equal
 * ones the one that came last. Undefined when it ran none.
 */
export function strongestSuspect(delays: Delays, strength: (change: string) => number): string | undefined {
  let strongest: string | undefined
  for (const change of [...delays.keys()].sort()) {
    if (strongest === undefined) {
      strongest = change
      continue
    }
    const lead = strength(change) - strength(strongest)
    if (lead > 0 || (lead === 0 && (delays.get(change) ?? 0) < (delays.get(strongest) ?? 0))) strongest = change
  }
  return strongest
}
