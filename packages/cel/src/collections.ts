import { CelList, CelMap, CelUint } from './values.ts'
import type { CelValue } from './values.ts'
import { CelEvaluationError } from './errors.ts'

/** A list made by an expression. */
export class ArrayList extends CelList {
  readonly items: readonly CelValue[]

  constructor(items: readonly CelValue[]) {
    super()
    this.items = items
  }

  get size(): number {
    return this.items.length
  }

  at(index: number): CelValue {
    return this.items[index]!
  }
}

/** All items of a list. */
export function itemsOf(list: CelList): readonly CelValue[] {
  if (list instanceof ArrayList) return list.items
  return Array.from({ length: list.size }, (_, index) => list.at(index))
}

/** What a key is filed under: numbers by their value, whatever their type. */
type FiledKey = string | bigint | boolean

function fileKey(key: CelValue): FiledKey | undefined {
  switch (typeof key) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return key
    case 'number':
      return Number.isInteger(key) ? BigInt(key) : undefined
    default:
      return key instanceof CelUint ? key.value : undefined
  }
}

/** A map made by an expression. */
export class EntryMap extends CelMap {
  readonly #entries = new Map<FiledKey, { readonly key: CelValue; readonly value: CelValue }>()

  get size(): number {
    return this.#entries.size
  }

  get(key: CelValue): CelValue | undefined {
    const filed = fileKey(key)
    return filed === undefined ? undefined : this.#entries.get(filed)?.value
  }

  *keys(): Iterable<CelValue> {
    for (const { key } of this.#entries.values()) yield key
  }

  /** Only while the map is being made. */
  insert(key: CelValue, value: CelValue, repeated: (key: CelValue) => string): void {
    const filed = typeof key === 'number' ? undefined : fileKey(key)
    if (filed === undefined) throw new CelEvaluationError('unsupported key type')
    if (this.#entries.has(filed)) throw new CelEvaluationError(repeated(key))
    this.#entries.set(filed, { key, value })
  }
}

/** What a scalar is filed under in a set of them: equal scalars under the same. Undefined for everything else. */
export function memberKey(value: CelValue): FiledKey | number | undefined {
  return typeof value === 'number' && !Number.isInteger(value) ? value : fileKey(value)
}
