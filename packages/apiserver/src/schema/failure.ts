import { deepEqual } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'

/** A JSON object. */
export type JsonObject = { [key: string]: Json }

/**
 * A broken rule, made at the place where it broke. The path is filled in from the inside out while the callers
 * return, so that nothing is allocated for values that are valid.
 */
export interface Failure {
  /** Innermost step first: names of properties, indexes of items. */
  readonly steps: (string | number)[]
  /** How many of the innermost steps lead from the value whose rule broke to the field that is named. */
  readonly below: number
  readonly describe: (path: string) => FieldError
}

/** Checks one value; undefined means that it is fine. */
export type Check = (value: Json) => Failure[] | undefined

/** Whether `value` is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A failure of the value at hand, or of its direct child `step`. */
export function failure(describe: Failure['describe'], step?: string | number): Failure {
  return step === undefined ? { steps: [], below: 0, describe } : { steps: [step], below: 1, describe }
}

/** Adds what a child reported, now one `step` further out, to what is already known. */
export function gather(known: Failure[] | undefined, child: Failure[], step: string | number): Failure[] {
  for (const { steps } of child) steps.push(step)
  if (known === undefined) return child
  known.push(...child)
  return known
}

/** The field error of a failure in a whole document below `root`, which is empty for an object of its own. */
export function fieldError({ steps, describe }: Failure, root: string): FieldError {
  let path = root
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index]!
    path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`
  }
  return describe(path)
}

/**
 * Whether the value whose rule broke is as it was before, itself or as part of something unchanged. Items of lists
 * are not told apart, so a list is unchanged only as a whole.
 */
export function isUnchanged({ steps, below }: Failure, value: Json, before: Json): boolean {
  let now: Json | undefined = value
  let old: Json | undefined = before
  for (let index = steps.length - 1; ; index--) {
    if (deepEqual(now, old)) return true
    if (index < below || !isObject(now) || !isObject(old)) return false
    const step = String(steps[index])
    if (!Object.hasOwn(now, step) || !Object.hasOwn(old, step)) return false
    now = now[step]
    old = old[step]
  }
}
