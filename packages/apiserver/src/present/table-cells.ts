import type { TableColumn } from '../served-resource.ts'

/** The first column of every table. */
export const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object) => object.metadata.name,
}

/** How long ago the object was created. */
export const ageColumn: TableColumn = {
  name: 'Age',
  type: 'date',
  format: '',
  description: 'CreationTimestamp is the time when the object was created, in UTC.',
  priority: 0,
  cell: (object, nowMs) => dateCell(object.metadata.creationTimestamp, nowMs),
}

/** Time since `timestamp` for people; `<unknown>` without one, `<invalid>` in the future. */
export function dateCell(timestamp: string | undefined, nowMs: number): string {
  if (timestamp === undefined) return '<unknown>'
  const then = Date.parse(timestamp)
  return Number.isNaN(then) ? '<invalid>' : durationCell(nowMs - then)
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** A short duration with the precision people need, as apimachinery's HumanDuration words it: `5m30s`, `3d4h`. */
export function durationCell(milliseconds: number): string {
  // Clocks differ a little; two seconds into the future still count as now.
  if (milliseconds < -2 * SECOND) return '<invalid>'
  const span = Math.max(0, milliseconds)
  if (span < 2 * MINUTE) return `${Math.floor(span / SECOND)}s`
  if (span < 10 * MINUTE) return twoUnits(span, MINUTE, 'm', SECOND, 's')
  if (span < 3 * HOUR) return `${Math.floor(span / MINUTE)}m`
  if (span < 8 * HOUR) return twoUnits(span, HOUR, 'h', MINUTE, 'm')
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)}h`
  if (span < 8 * DAY) return twoUnits(span, DAY, 'd', HOUR, 'h')
  if (span < 2 * YEAR) return `${Math.floor(span / DAY)}d`
  if (span < 8 * YEAR) return twoUnits(span, YEAR, 'y', DAY, 'd')
  return `${Math.floor(span / YEAR)}y`
}

function twoUnits(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small)
  return `${Math.floor(span / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`
}
