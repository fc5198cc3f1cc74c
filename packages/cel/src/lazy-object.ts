import { CelObject } from './values.ts'
import type { CelValue } from './values.ts'
import type { CelObjectType } from './types.ts'

/**
 * An object whose fields are computed when an expression reads them, each at most once: the `variables` of an admission
 * policy. Errors that computing throws are those of the expression.
 */
export class LazyObject extends CelObject {
  readonly type: CelObjectType
  readonly #compute: (field: string) => CelValue
  readonly #values = new Map<string, CelValue>()

  constructor(type: CelObjectType, compute: (field: string) => CelValue) {
    super()
    this.type = type
    this.#compute = compute
  }

  override get(field: string): CelValue | undefined {
    if (!this.type.fields.has(field)) return undefined
    let value = this.#values.get(field)
    if (value === undefined) {
      value = this.#compute(field)
      this.#values.set(field, value)
    }
    return value
  }

  override fieldNames(): Iterable<string> {
    return this.type.fields.keys()
  }
}
