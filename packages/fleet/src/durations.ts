const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/** Milliseconds of a duration as in metav1.Duration, `1h30m`. Throws RangeError with advice for anything else. */
export function parseDuration(text: string): number {
  if (!WHOLE.test(text)) {
    throw new RangeError(`"${text}" is not a duration: it needs numbers with units; write it like 90s, 30m or 1h30m`)
  }
  let total = 0
  for (const [, number, unit] of text.matchAll(PART)) total += Number(number) * UNITS[unit!]!
  return Math.round(total)
}

/** The shortest text of a duration, exact to the millisecond: `1h30m`, `0s`. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms))
  if (rest === 0) return '0s'
  let text = ''
  for (const unit of ['h', 'm', 's', 'ms']) {
    const size = UNITS[unit]!
    const amount = Math.floor(rest / size)
    if (amount > 0) text += `${amount}${unit}`
    rest -= amount * size
  }
  return text
}
