import type { OcmSize } from './types.ts'

/** Input that cannot be read: where, what is wrong, what to do. */
export class MalformedInput extends Error {
  /** Such as `cases[3].statuses[0].cluster`. */
  readonly where: string

  constructor(where: string, problem: string) {
    super(problem)
    this.name = 'MalformedInput'
    this.where = where
  }
}

export type Fields = Readonly<Record<string, unknown>>

function refuse(where: string, value: unknown, wanted: string): never {
  const problem = value === undefined ? 'is missing' : `is ${shortened(value)}`
  throw new MalformedInput(where, `${problem}; write ${wanted}`)
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(where, value, 'an object')
  return value as Fields
}

export function listOf<Item>(value: unknown, where: string, read: (item: unknown, where: string) => Item): Item[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) refuse(where, value, 'a list')
  return value.map((item, index) => read(item, `${where}[${index}]`))
}

export function textOf(value: unknown, where: string): string {
  return typeof value === 'string' ? value : refuse(where, value, 'a text')
}

/** Undefined and null mean absent. */
export function optionalText(value: unknown, where: string): string | undefined {
  return value === undefined || value === null ? undefined : textOf(value, where)
}

export function numberOf(value: unknown, where: string): number {
  return typeof value === 'number' ? value : refuse(where, value, 'a number')
}

export function integerOf(value: unknown, where: string, otherwise?: number): number {
  if (otherwise !== undefined && (value === undefined || value === null)) return otherwise
  return typeof value === 'number' && Number.isInteger(value) ? value : refuse(where, value, 'a whole number')
}

/** Seconds in the file, milliseconds here. */
export function secondsOf(value: unknown, where: string): number | undefined {
  return value === undefined || value === null ? undefined : numberOf(value, where) * 1000
}

export function optionalSize(value: unknown, where: string): OcmSize | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  return typeof value === 'number' && Number.isInteger(value)
    ? value
    : refuse(where, value, 'a whole number, or a percentage such as "10%"')
}

export function flagOf(value: unknown, where: string): boolean {
  if (value === undefined || value === null) return false
  return typeof value === 'boolean' ? value : refuse(where, value, 'true or false')
}
