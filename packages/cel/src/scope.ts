import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celNull,
  celString,
  celTimestamp,
  celType,
  celUint,
  listOf,
  mapOf,
  opaqueType,
  optionalOf,
} from './types.ts'
import type { CelType } from './types.ts'

/** What a name stands for. */
export type Reference =
  /** A variable from outside, under its full name. */
  | { readonly kind: 'variable'; readonly name: string; readonly type: CelType }
  /** A variable of a macro. Two macros have two of them, even under one name. */
  | { readonly kind: 'local'; readonly name: string; readonly type: CelType }
  /** A type as a value. */
  | { readonly kind: 'type'; readonly type: CelType }

const TYPES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['bool', celBool],
  ['bytes', celBytes],
  ['double', celDouble],
  ['google.protobuf.Duration', celDuration],
  ['google.protobuf.Timestamp', celTimestamp],
  ['int', celInt],
  ['list', listOf(celDyn)],
  ['map', mapOf(celDyn, celDyn)],
  ['net.CIDR', opaqueType('net.CIDR')],
  ['net.IP', opaqueType('net.IP')],
  ['null_type', celNull],
  ['optional_type', optionalOf(celDyn)],
  ['string', celString],
  ['type', celType],
  ['uint', celUint],
])

/** Names in sight. */
export class Scope {
  readonly #variables: ReadonlyMap<string, CelType>
  readonly #container: string
  readonly #locals: Reference[] = []

  constructor(variables: Readonly<Record<string, CelType>>, container: string) {
    this.#variables = new Map(Object.entries(variables))
    this.#container = container
  }

  get container(): string {
    return this.#container
  }

  /** Brings a variable of a macro into sight. */
  push(name: string, type: CelType): Reference {
    const local: Reference = { kind: 'local', name, type }
    this.#locals.push(local)
    return local
  }

  pop(): void {
    this.#locals.pop()
  }

  /** A simple or qualified name; variables of macros come first unless the name begins with a dot. */
  find(name: string): Reference | undefined {
    return this.local(name) ?? this.global(name)
  }

  local(name: string): Reference | undefined {
    return this.#locals.findLast((local) => local.kind === 'local' && local.name === name)
  }

  global(name: string): Reference | undefined {
    for (const candidate of this.candidates(name)) {
      const variable = this.#variables.get(candidate)
      if (variable !== undefined) return { kind: 'variable', name: candidate, type: variable }
      const type = TYPES.get(candidate)
      if (type !== undefined) return { kind: 'type', type }
    }
    return undefined
  }

  /** The full names a name may mean, from the innermost container outwards. */
  candidates(name: string): string[] {
    if (name.startsWith('.')) return [name.slice(1)]
    const names: string[] = []
    for (let prefix = this.#container; prefix !== ''; prefix = prefix.slice(0, Math.max(prefix.lastIndexOf('.'), 0))) {
      names.push(`${prefix}.${name}`)
    }
    return [...names, name]
  }
}
