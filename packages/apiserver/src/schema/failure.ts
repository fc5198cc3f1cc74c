import type { FieldError, Json } from '@locktender/kube'

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

/** Go's word for the path of no field in particular. */
export const noPath = '<nil>'

/**
 * The field error of a failure in a value at `root`, which is empty for an object of its own. Its text speaks of the
 * field as seen from the value, as an API server does.
 */
export function fieldError({ steps, describe }: Failure, root: string): FieldError {
  let path = ''
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index]!
    path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`
  }
  const error = describe(path)
  if (root === '') return error
  return { ...error, field: error.field === noPath ? root : joinPath(root, error.field) }
}

/** A path that goes on: `a` and `b` are `a.b`, `a` and `[0]` are `a[0]`. */
export function joinPath(root: string, path: string): string {
  if (root === '' || path === '') return root + path
  return path.startsWith('[') || path.startsWith('.') ? root + path : `${root}.${path}`
}
