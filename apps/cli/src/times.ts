import { timestamp } from '@locktender/kube'
import { duration } from './output.ts'

const DAY = 24 * 3_600_000
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * A moment as people say it: `11:20`; with the weekday when it is another day than that of `now`, with the date when it
 * is a week away. All clocks here are UTC, because people on a call sit in several time zones.
 */
function clockTime(at: number, now: number): string {
  const text = new Date(at).toISOString()
  const [date, time] = [text.slice(0, 10), text.slice(11, 16)]
  if (date === new Date(now).toISOString().slice(0, 10)) return time
  if (Math.abs(at - now) >= 6 * DAY) return `${date} ${time}`
  return `${WEEKDAYS[new Date(at).getUTCDay()]} ${time}`
}

/** `in 3h20m`, `10m ago` or `now`. */
export function fromNow(at: number, now: number): string {
  if (Math.abs(at - now) < 1000) return 'now'
  return at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`
}

/** Both ways to say a moment, for a sentence: `11:20 UTC (in 3h20m)`. */
export function moment(at: number, now: number): string {
  return Number.isFinite(at) ? `${clockTime(at, now)} UTC (${fromNow(at, now)})` : 'never'
}

/** The same for a cell of a table whose heading says that times are UTC. */
export function momentCell(at: number | undefined, now: number): string | undefined {
  if (at === undefined) return undefined
  return Number.isFinite(at) ? `${clockTime(at, now)} (${fromNow(at, now)})` : 'never'
}

/** A moment for programs, in whole seconds; undefined for one that does not come. */
export function isoTime(at: number): string | undefined {
  return Number.isFinite(at) ? timestamp(at) : undefined
}
