/** An invariant of SPEC.md does not hold. */
class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}.`)
    this.invariant = invariant
  }
}

export function violates(invariant: string, message: string): never {
  throw new Violation(invariant, message)
}
