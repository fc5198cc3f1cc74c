import type { CelType } from './types.ts'

/**
 * A value of CEL: bool is boolean, int is bigint, double is number, string is string (of UTF-16 units, but counted in
 * characters), bytes is Uint8Array, null is null; everything else has a class of its own.
 */
export type CelValue =
  | boolean
  | bigint
  | number
  | string
  | null
  | Uint8Array
  | CelUint
  | CelTimestamp
  | CelDuration
  | CelList
  | CelMap
  | CelObject
  | CelOptional
  | CelTypeValue
  | CelOpaque

/** An unsigned 64 bit integer. */
export class CelUint {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

/** A point in time. */
export class CelTimestamp {
  /** Since 1970-01-01T00:00:00Z. */
  readonly nanoseconds: bigint
  /** Minutes east of Greenwich, in which it was written and is written again; comparisons do not see it. */
  readonly offset: number

  constructor(nanoseconds: bigint, offset = 0) {
    this.nanoseconds = nanoseconds
    this.offset = offset
  }
}

/** A length of time, of either sign. */
export class CelDuration {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/** A list; its items may be converted from JSON as they are read. */
export abstract class CelList {
  abstract readonly size: number
  /** The item at an index that is less than `size`. */
  abstract at(index: number): CelValue
}

/** A map; its values may be converted from JSON as they are read. */
export abstract class CelMap {
  abstract readonly size: number
  /** The value under a key of any type; undefined when there is none. An uint or double finds the int it equals. */
  abstract get(key: CelValue): CelValue | undefined
  abstract keys(): Iterable<CelValue>
}

/** An object with declared fields. */
export abstract class CelObject {
  abstract readonly type: CelType
  /** The value of a field, by its name in expressions; undefined when it is not set. */
  abstract get(field: string): CelValue | undefined
  /** Names of the fields that are set. */
  abstract fieldNames(): Iterable<string>
}

/** A value that may be absent. */
export class CelOptional {
  static readonly none = new CelOptional(undefined)

  readonly value: CelValue | undefined

  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

/** A type as a value: what `type(1)` gives. */
export class CelTypeValue {
  readonly type: CelType

  constructor(type: CelType) {
    this.type = type
  }
}

/** A value that only functions look into. */
export abstract class CelOpaque {
  abstract readonly type: CelType
  /** What costs are computed from. */
  get size(): number {
    return 1
  }
  /** `==` with another value. */
  abstract equals(other: CelOpaque): boolean
}
