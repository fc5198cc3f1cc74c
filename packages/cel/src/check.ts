import { operators } from './ast.ts'
import type { CallExpr, ComprehensionExpr, Expr, ListExpr, MapExpr, SelectExpr } from './ast.ts'
import type { Overload } from './functions.ts'
import type { Library } from './library.ts'
import { Scope } from './scope.ts'
import type { Reference } from './scope.ts'
import type { SourceError } from './source.ts'
import { celBool, celDyn, celError, celInt, formatType, listOf, mapOf, optionalOf, sameType, typeOf } from './types.ts'
import type { CelType } from './types.ts'
import { Substitution, instantiate, isOpen, mostGeneral } from './unify.ts'
import { typeOfValue } from './value-types.ts'

export interface CheckOptions {
  readonly variables: Readonly<Record<string, CelType>>
  readonly library: Library
  /** Names are looked up relative to it; empty in Kubernetes. */
  readonly container: string
}

/** An expression and what is known about it. Nodes are their own keys. */
export interface Checked {
  readonly expr: Expr
  readonly types: ReadonlyMap<Expr, CelType>
  /** What identifiers stand for, and selections that are qualified names. */
  readonly references: ReadonlyMap<Expr, Reference>
  /** The overloads a call may be of, and its arguments with the target first. */
  readonly calls: ReadonlyMap<CallExpr, CheckedCall>
  /** The variables of a macro. */
  readonly locals: ReadonlyMap<Expr, readonly Reference[]>
}

export interface CheckedCall {
  readonly name: string
  readonly overloads: readonly Overload[]
  readonly args: readonly Expr[]
  readonly member: boolean
}

/** Finds the type of every part of an expression. */
export function check(expr: Expr, options: CheckOptions): { checked: Checked; errors: readonly SourceError[] } {
  const checker = new Checker(options)
  checker.check(expr)
  return { checked: checker.finish(expr), errors: checker.errors }
}

class Checker {
  readonly errors: SourceError[] = []
  readonly #options: CheckOptions
  readonly #scope: Scope
  readonly #types = new Map<Expr, CelType>()
  readonly #references = new Map<Expr, Reference>()
  readonly #calls = new Map<CallExpr, CheckedCall>()
  readonly #locals = new Map<Expr, readonly Reference[]>()
  readonly #known = new Substitution()

  constructor(options: CheckOptions) {
    this.#options = options
    this.#scope = new Scope(options.variables, options.container)
  }

  finish(expr: Expr): Checked {
    for (const [node, type] of this.#types) this.#types.set(node, this.#known.apply(type, true))
    return {
      expr,
      types: this.#types,
      references: this.#references,
      calls: this.#calls,
      locals: this.#locals,
    }
  }

  check(expr: Expr): CelType {
    const type = this.#typeOf(expr)
    this.#types.set(expr, type)
    return type
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return typeOfValue(expr.value)
      case 'ident':
        return this.#identifier(expr, expr.name)
      case 'select':
        return this.#select(expr)
      case 'presence':
        this.#field(expr, expr.operand, expr.field, false)
        return celBool
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        for (const field of expr.fields) this.check(field.value)
        return this.#undeclared(expr, expr.type)
      case 'comprehension':
        return this.#comprehension(expr)
      case 'bind': {
        const value = this.check(expr.value)
        this.#locals.set(expr, [this.#scope.push(expr.variable, value)])
        const body = this.check(expr.body)
        this.#scope.pop()
        return body
      }
    }
  }

  #error(at: Expr, message: string): void {
    this.errors.push({ at: at.at, message })
  }

  #undeclared(expr: Expr, name: string): CelType {
    this.#error(expr, `undeclared reference to '${name}' (in container '${this.#scope.container}')`)
    return celError
  }

  #mismatch(at: Expr, expected: CelType, given: CelType): CelType {
    this.#error(at, `expected type '${this.#name(expected)}' but found '${this.#name(given)}'`)
    return celError
  }

  #name(type: CelType): string {
    return formatType(this.#known.apply(type))
  }

  #identifier(expr: Expr, name: string): CelType {
    return this.#refer(expr, this.#scope.find(name)) ?? this.#undeclared(expr, name)
  }

  #refer(expr: Expr, reference: Reference | undefined): CelType | undefined {
    if (reference === undefined) return undefined
    this.#references.set(expr, reference)
    return reference.kind === 'type' ? typeOf(reference.type) : reference.type
  }

  #select(expr: SelectExpr): CelType {
    const name = expr.optional ? undefined : qualifiedName(expr)
    // A variable of a macro hides all names that begin with it.
    if (name !== undefined && this.#scope.local(name.split('.', 1)[0]!) === undefined) {
      const type = this.#refer(expr, this.#scope.global(name))
      if (type !== undefined) return type
    }
    return this.#field(expr, expr.operand, expr.field, expr.optional)
  }

  #field(expr: Expr, operand: Expr, field: string, optional: boolean): CelType {
    const given = this.#known.apply(this.check(operand))
    const target = given.kind === 'optional' ? given.of : given
    const type = this.#fieldOf(expr, target, field)
    return optional || given.kind === 'optional' ? optionalOf(type) : type
  }

  #fieldOf(expr: Expr, target: CelType, field: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.value
      case 'object': {
        const declared = target.fields.get(field)
        if (declared !== undefined) return declared.type
        this.#error(expr, `undefined field '${field}'`)
        return celError
      }
      case 'parameter':
        this.#known.accepts(celDyn, target)
        return celDyn
      case 'dyn':
      case 'error':
        return celDyn
      default:
        this.#error(expr, `type '${this.#name(target)}' does not support field selection`)
        return celDyn
    }
  }

  #call(expr: CallExpr): CelType {
    const args = expr.args.map((arg) => this.check(arg))
    if (expr.name === operators.and || expr.name === operators.or) return this.#logical(expr, args)
    if (expr.target === undefined) {
      const name = this.#functionName(expr.name)
      return name === undefined ? this.#undeclared(expr, expr.name) : this.#resolve(expr, name, expr.args, args, false)
    }
    const prefix = qualifiedName(expr.target)
    const namespaced = prefix === undefined ? undefined : this.#functionName(`${prefix}.${expr.name}`)
    if (namespaced !== undefined) return this.#resolve(expr, namespaced, expr.args, args, false)
    const target = this.check(expr.target)
    if (!this.#options.library.has(expr.name)) return this.#undeclared(expr, expr.name)
    return this.#resolve(expr, expr.name, [expr.target, ...expr.args], [target, ...args], true)
  }

  #functionName(name: string): string | undefined {
    return this.#scope.candidates(name).find((candidate) => this.#options.library.has(candidate))
  }

  #logical(expr: CallExpr, args: readonly CelType[]): CelType {
    let fits = true
    for (const [index, type] of args.entries()) {
      if (this.#known.accepts(type, celBool)) continue
      this.#mismatch(expr.args[index]!, celBool, type)
      fits = false
    }
    this.#calls.set(expr, { name: expr.name, overloads: [], args: expr.args, member: false })
    return fits ? celBool : celError
  }

  #resolve(expr: CallExpr, name: string, args: readonly Expr[], given: readonly CelType[], member: boolean): CelType {
    const matching: Overload[] = []
    let result: CelType | undefined
    for (const overload of this.#options.library.get(name)!) {
      if (overload.member !== member || overload.params.length !== given.length) continue
      const signature = instantiate(overload.params, overload.result, this.#known)
      if (!this.#known.acceptsAll(given, signature.params)) continue
      matching.push(overload)
      const type = this.#known.apply(signature.result)
      if (result === undefined) result = type
      else if (result.kind !== 'dyn' && !sameType(type, result)) result = celDyn
    }
    if (result === undefined) {
      const types = given.map((type) => formatType(this.#known.apply(type, true)))
      const signature = member ? `${types[0]!}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`
      this.#error(expr, `found no matching overload for '${name}' applied to '${signature}'`)
      return celError
    }
    this.#calls.set(expr, { name, overloads: matching, args, member })
    return result
  }

  #list(expr: ListExpr): CelType {
    let element: CelType | undefined
    for (const { value, optional } of expr.elements) {
      const type = this.check(value)
      element = this.#join(element, optional ? this.#unwrap(value, type) : type)
    }
    return listOf(element ?? this.#known.fresh())
  }

  #map(expr: MapExpr): CelType {
    let keys: CelType | undefined
    let values: CelType | undefined
    for (const { key, value, optional } of expr.entries) {
      keys = this.#join(keys, this.check(key))
      const type = this.check(value)
      values = this.#join(values, optional ? this.#unwrap(value, type) : type)
    }
    return mapOf(keys ?? this.#known.fresh(), values ?? this.#known.fresh())
  }

  /** The type in an optional that is written with a question mark into a list or map. */
  #unwrap(expr: Expr, given: CelType): CelType {
    const type = this.#known.apply(given)
    if (type.kind === 'optional') return type.of
    if (!isOpen(type)) this.#mismatch(expr, optionalOf(type), type)
    return type
  }

  /** The type of items of both types; lists and maps may hold several, unless the dialect objects later. */
  #join(previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current
    if (this.#known.accepts(previous, current)) return mostGeneral(previous, current)
    return celDyn
  }

  #comprehension(expr: ComprehensionExpr): CelType {
    const range = this.#known.apply(this.check(expr.range))
    const [first, second] = this.#itemTypes(expr, range)
    const locals = [this.#scope.push(expr.variable, first)]
    if (expr.variable2 !== undefined) locals.push(this.#scope.push(expr.variable2, second))
    this.#locals.set(expr, locals)
    const type = this.#comprehensionResult(expr, first)
    for (const _local of locals) this.#scope.pop()
    return type
  }

  #itemTypes(expr: ComprehensionExpr, range: CelType): readonly [CelType, CelType] {
    const pairs = expr.variable2 !== undefined
    switch (range.kind) {
      case 'list':
        return [pairs ? celInt : range.element, range.element]
      case 'map':
        return [range.key, range.value]
      case 'dyn':
      case 'error':
      case 'parameter':
        this.#known.accepts(celDyn, range)
        return [celDyn, celDyn]
      default:
        this.#error(
          expr.range,
          `expression of type '${this.#name(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        )
        return [celError, celError]
    }
  }

  #comprehensionResult(expr: ComprehensionExpr, first: CelType): CelType {
    if (expr.filter !== undefined) this.#predicate(expr, expr.filter, expr.macro)
    switch (expr.macro) {
      case 'all':
      case 'exists': {
        const type = this.check(expr.body)
        return this.#known.accepts(type, celBool) ? celBool : this.#mismatch(expr.body, celBool, type)
      }
      case 'existsOne':
        this.#predicate(expr, expr.body, expr.macro)
        return celBool
      case 'map':
      case 'filter':
      case 'transformList':
        return listOf(this.check(expr.body))
      case 'transformMap':
        return mapOf(first, this.check(expr.body))
      case 'transformMapEntry': {
        const entry = this.#known.apply(this.check(expr.body))
        const map = mapOf(this.#known.fresh(), this.#known.fresh())
        if (this.#known.accepts(map, entry)) return this.#known.apply(map)
        const signature = `(${formatType(this.#known.apply(map, true))}, ${formatType(this.#known.apply(entry, true))})`
        this.#error(expr, `found no matching overload for 'cel.@mapInsert' applied to '${signature}'`)
        return celError
      }
    }
  }

  /** A condition on items; the message is that of the conditional which the macro stands for. */
  #predicate(expr: ComprehensionExpr, predicate: Expr, macro: string): void {
    const type = this.check(predicate)
    if (this.#known.accepts(type, celBool)) return
    const branch = macro === 'existsOne' ? 'int' : macro.startsWith('transformMap') ? 'map(dyn, dyn)' : 'list(dyn)'
    const signature = `(${this.#name(type)}, ${branch}, ${branch})`
    this.#error(expr, `found no matching overload for '${operators.conditional}' applied to '${signature}'`)
  }
}

/** `a.b.c` as one name; undefined for everything else. */
function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name
  if (expr.kind !== 'select' || expr.optional) return undefined
  const prefix = qualifiedName(expr.operand)
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`
}
