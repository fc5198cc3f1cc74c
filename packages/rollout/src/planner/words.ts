const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** "45 min", "3.5 h", "26 h". */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return 'for ever'
  if (milliseconds < 1.5 * HOUR) return `${Math.round(milliseconds / MINUTE)} min`
  const hours = milliseconds / HOUR
  return `${hours < 10 ? Number(hours.toFixed(1)) : Math.round(hours)} h`
}

/** "never" or "at 2026-11-21 17:30 UTC". */
export function atTime(time: number): string {
  if (!Number.isFinite(time)) return 'never'
  return `at ${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** "1 control plane", "61 control planes". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** "0.3", "7.2", "58", "1400": two digits that matter. */
export function amount(value: number): string {
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)))
}
