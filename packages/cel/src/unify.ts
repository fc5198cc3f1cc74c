import { celDyn, listOf, mapOf, optionalOf, sameType, typeOf } from './types.ts'
import type { CelParameterType, CelType } from './types.ts'

/** What is known of the type variables of an expression. */
export class Substitution {
  readonly #types = new Map<string, CelType>()
  /** Names and what they stood for, so that a failed attempt can be taken back. */
  readonly #changes: (readonly [string, CelType | undefined])[] = []
  #next = 0

  /** A type variable nothing is known of. */
  fresh(): CelParameterType {
    return { kind: 'parameter', name: `_var${this.#next++}` }
  }

  /** Whether values of the second type can stand where the first is expected; learns what follows from it. */
  accepts(expected: CelType, given: CelType): boolean {
    return this.acceptsAll([expected], [given])
  }

  /** The same for lists of types; nothing is learned when one does not fit. */
  acceptsAll(expected: readonly CelType[], given: readonly CelType[]): boolean {
    const mark = this.#changes.length
    if (expected.length === given.length && expected.every((type, index) => this.#accepts(type, given[index]!))) {
      return true
    }
    while (this.#changes.length > mark) {
      const [name, before] = this.#changes.pop()!
      if (before === undefined) this.#types.delete(name)
      else this.#types.set(name, before)
    }
    return false
  }

  /** A type with everything filled in that is known; with `final`, what is not known becomes dyn. */
  apply(type: CelType, final = false): CelType {
    switch (type.kind) {
      case 'parameter': {
        const known = this.#types.get(type.name)
        if (known !== undefined) return this.apply(known, final)
        return final ? celDyn : type
      }
      case 'list': {
        const element = this.apply(type.element, final)
        return element === type.element ? type : listOf(element, type.merge)
      }
      case 'map': {
        const key = this.apply(type.key, final)
        const value = this.apply(type.value, final)
        return key === type.key && value === type.value ? type : mapOf(key, value)
      }
      case 'optional': {
        const of = this.apply(type.of, final)
        return of === type.of ? type : optionalOf(of)
      }
      case 'type':
        return type.of === undefined ? type : typeOf(this.apply(type.of, final))
      default:
        return type
    }
  }

  #set(name: string, type: CelType): void {
    this.#changes.push([name, this.#types.get(name)])
    this.#types.set(name, type)
  }

  #accepts(expected: CelType, given: CelType): boolean {
    if (given.kind === 'parameter') {
      const outcome = this.#bind(expected, given)
      if (outcome !== 'impossible') return outcome === 'yes'
    }
    if (expected.kind === 'parameter') return this.#bind(given, expected) === 'yes'
    if (isOpen(expected) || isOpen(given)) return true
    if (expected.kind === 'null') return takesNull(given)
    if (given.kind === 'null') return takesNull(expected)
    if (expected.kind !== given.kind) return false
    switch (expected.kind) {
      case 'list':
        return this.#accepts(expected.element, (given as typeof expected).element)
      case 'map':
        return (
          this.#accepts(expected.key, (given as typeof expected).key) &&
          this.#accepts(expected.value, (given as typeof expected).value)
        )
      case 'optional':
        return this.#accepts(expected.of, (given as typeof expected).of)
      case 'object':
      case 'opaque':
        return expected.name === (given as typeof expected).name
      default:
        return true
    }
  }

  /** Lets a variable stand for a type: `no` if it stands for another already, `impossible` if it would contain itself. */
  #bind(type: CelType, variable: CelParameterType): 'yes' | 'no' | 'impossible' {
    if (sameType(type, variable)) return 'yes'
    const known = this.#types.get(variable.name)
    if (known !== undefined) {
      if (sameType(type, known)) return 'yes'
      if (!this.#accepts(type, known)) return 'no'
      const general = mostGeneral(type, known)
      if (!this.#occurs(variable, general)) this.#set(variable.name, general)
      return 'yes'
    }
    if (this.#occurs(variable, type)) return 'impossible'
    this.#set(variable.name, type)
    return 'yes'
  }

  #occurs(variable: CelParameterType, type: CelType): boolean {
    switch (type.kind) {
      case 'parameter': {
        if (type.name === variable.name) return true
        const known = this.#types.get(type.name)
        return known !== undefined && this.#occurs(variable, known)
      }
      case 'list':
        return this.#occurs(variable, type.element)
      case 'map':
        return this.#occurs(variable, type.key) || this.#occurs(variable, type.value)
      case 'optional':
        return this.#occurs(variable, type.of)
      case 'type':
        return type.of !== undefined && this.#occurs(variable, type.of)
      default:
        return false
    }
  }
}

/** Whether checks stop at a type: the value decides at run time, or there was an error already. */
export function isOpen(type: CelType): boolean {
  return type.kind === 'dyn' || type.kind === 'error'
}

function takesNull(type: CelType): boolean {
  switch (type.kind) {
    case 'null':
    case 'object':
    case 'opaque':
    case 'optional':
    case 'timestamp':
    case 'duration':
      return true
    case 'list':
    case 'map':
    case 'type':
    case 'parameter':
      return false
    default:
      return type.nullable === true
  }
}

/** The one of two compatible types that holds more values. */
export function mostGeneral(left: CelType, right: CelType): CelType {
  if (right.kind === 'null' && left.kind !== 'parameter') return left
  return isAtLeastAsGeneral(left, right) ? left : right
}

function isAtLeastAsGeneral(left: CelType, right: CelType): boolean {
  if (left.kind === 'dyn' || left.kind === 'parameter') return true
  if (right.kind === 'dyn' || right.kind === 'parameter' || left.kind !== right.kind) return false
  switch (left.kind) {
    case 'list':
      return isAtLeastAsGeneral(left.element, (right as typeof left).element)
    case 'map':
      return (
        isAtLeastAsGeneral(left.key, (right as typeof left).key) &&
        isAtLeastAsGeneral(left.value, (right as typeof left).value)
      )
    case 'optional':
      return isAtLeastAsGeneral(left.of, (right as typeof left).of)
    case 'type':
      return true
    default:
      return sameType(left, right)
  }
}

/** A signature with its type variables replaced by fresh ones. */
export function instantiate(
  params: readonly CelType[],
  result: CelType,
  substitution: Substitution,
): { readonly params: readonly CelType[]; readonly result: CelType } {
  const fresh = new Map<string, CelType>()
  const replace = (type: CelType): CelType => {
    switch (type.kind) {
      case 'parameter': {
        const known = fresh.get(type.name) ?? substitution.fresh()
        fresh.set(type.name, known)
        return known
      }
      case 'list':
        return listOf(replace(type.element))
      case 'map':
        return mapOf(replace(type.key), replace(type.value))
      case 'optional':
        return optionalOf(replace(type.of))
      case 'type':
        return type.of === undefined ? type : typeOf(replace(type.of))
      default:
        return type
    }
  }
  return { params: params.map(replace), result: replace(result) }
}
