import { fieldOf, hasFields, itemOf, missingItem, missingKey } from './access.ts'
import { operators } from './ast.ts'
import type { BindExpr, CallExpr, Expr, ListExpr, MapExpr, PresenceExpr, SelectExpr } from './ast.ts'
import { planCall } from './call.ts'
import type { Checked, CheckedCall } from './check.ts'
import { ArrayList, EntryMap, memberKey } from './collections.ts'
import { planComprehension } from './comprehension.ts'
import { CelEvaluationError } from './errors.ts'
import { evaluationError, noSuchOverload } from './frame.ts'
import type { Step } from './frame.ts'
import { listCost, mapCost } from './ranges.ts'
import type { Reference } from './scope.ts'
import { CelList, CelOptional, CelTypeValue } from './values.ts'
import type { CelValue } from './values.ts'
import type { CelType } from './types.ts'

/** A node made ready to be evaluated. */
export interface Plan {
  readonly run: Step
  /** Known already, because nothing variable is in it. It costs nothing. */
  readonly constant: CelValue | undefined
}

/** A variable from outside that an expression reads. */
export interface UsedVariable {
  readonly name: string
  readonly type: CelType
}

export interface PlannedExpression {
  readonly run: Step
  /** By slot. */
  readonly variables: readonly UsedVariable[]
}

/** Turns a checked expression into closures. */
export function plan(checked: Checked, options: PlanOptions): PlannedExpression {
  const planner = new Planner(checked, options)
  const { run } = planner.plan(checked.expr)
  return { run, variables: planner.variables }
}

export interface PlanOptions {
  /** Whether lists, maps and conversions of constants are worked out beforehand, which makes them free. */
  readonly fold: boolean
  /** Whether asking a value without fields for one is an error, rather than answered with no. */
  readonly strictPresence: boolean
}

const CONVERSIONS: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
])

export class Planner {
  readonly variables: UsedVariable[] = []
  readonly checked: Checked
  readonly options: PlanOptions
  /** Slots of variables from outside by name, and of variables of macros by their declaration. */
  readonly #globals = new Map<string, number>()
  readonly #locals = new Map<Reference, number>()

  constructor(checked: Checked, options: PlanOptions) {
    this.checked = checked
    this.options = options
    // Numbered first, so that the slots of macros can follow.
    for (const reference of checked.references.values()) {
      if (reference.kind !== 'variable' || this.#globals.has(reference.name)) continue
      this.#globals.set(reference.name, this.variables.length)
      this.variables.push({ name: reference.name, type: reference.type })
    }
  }

  /** The slot of a variable of a macro. */
  local(reference: Reference): number {
    const known = this.#locals.get(reference)
    if (known !== undefined) return known
    const slot = this.variables.length + this.#locals.size
    this.#locals.set(reference, slot)
    return slot
  }

  /**
   * Plans a node. Costs follow Kubernetes: where a variable or what is selected from it is a branch of a conditional or
   * an index, reading the variable itself is free.
   */
  plan(expr: Expr, free = false): Plan {
    switch (expr.kind) {
      case 'literal':
        return constant(expr.value)
      case 'ident':
        return this.#reference(this.checked.references.get(expr)!, free)
      case 'select': {
        const reference = this.checked.references.get(expr)
        return reference === undefined ? dynamic(this.#select(expr, free)) : this.#reference(reference, free)
      }
      case 'presence':
        return dynamic(this.#presence(expr))
      case 'call':
        return this.#call(expr, free)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'comprehension':
        return dynamic(planComprehension(this, expr))
      case 'bind':
        return dynamic(this.#bind(expr))
      case 'struct':
        throw new Error('the checker lets no object construction pass')
    }
  }

  /** What something is selected from. */
  #operand(expr: Expr, free: boolean): Step {
    if (this.#isAttribute(expr)) return this.plan(expr, free).run
    const { run } = this.plan(expr)
    if (free) return run
    return (frame) => {
      const value = run(frame)
      frame.spend(1)
      return value
    }
  }

  /** Variables, and whatever is selected or chosen. */
  #isAttribute(expr: Expr): boolean {
    const reference = this.checked.references.get(expr)
    if (reference !== undefined) return reference.kind !== 'type'
    return (
      expr.kind === 'select' ||
      (expr.kind === 'call' &&
        (expr.name === operators.index || expr.name === operators.optionalIndex || expr.name === operators.conditional))
    )
  }

  #reference(reference: Reference, free: boolean): Plan {
    if (reference.kind === 'type') return constant(new CelTypeValue(reference.type))
    const cost = free ? 0 : 1
    if (reference.kind === 'local') {
      const slot = this.local(reference)
      return dynamic((frame) => {
        frame.spend(cost)
        return frame.slots[slot]!
      })
    }
    const slot = this.#globals.get(reference.name)!
    return dynamic((frame) => {
      frame.spend(cost)
      return frame.variable(slot)
    })
  }

  #select({ operand, field, optional }: SelectExpr, free: boolean): Step {
    const target = this.#operand(operand, free)
    const { strictPresence } = this.options
    return (frame) => {
      const given = target(frame)
      if (!optional && !(given instanceof CelOptional)) {
        frame.spend(1)
        const found = fieldOf(given, field)
        return found === undefined ? missingKey(field) : found
      }
      const value = given instanceof CelOptional ? given.value : given
      if (value === undefined) return CelOptional.none
      if (!hasFields(value)) return strictPresence ? missingKey(field) : CelOptional.none
      const found = fieldOf(value, field)
      if (found === undefined) return CelOptional.none
      frame.spend(1)
      return new CelOptional(found)
    }
  }

  /** Costs no more than reading what may have the field. */
  #presence({ operand, field }: PresenceExpr): Step {
    const target = this.#operand(operand, false)
    const { strictPresence } = this.options
    return (frame) => {
      const given = target(frame)
      const value = given instanceof CelOptional ? given.value : given
      if (value === undefined) return false
      if (!hasFields(value)) return strictPresence ? noSuchOverload() : false
      return fieldOf(value, field) !== undefined
    }
  }

  #call(expr: CallExpr, free: boolean): Plan {
    const call = this.checked.calls.get(expr)!
    switch (expr.name) {
      case operators.and:
        return dynamic(this.#logical(call, false))
      case operators.or:
        return dynamic(this.#logical(call, true))
      case operators.conditional:
        return dynamic(this.#conditional(call))
      case operators.index:
        return dynamic(this.#index(call, false, free))
      case operators.optionalIndex:
        return dynamic(this.#index(call, true, free))
      default:
    }
    if (call.name === 'or' || call.name === 'orValue') return dynamic(this.#optionalOr(call))
    const args = call.args.map((arg) => this.plan(arg))
    const types = call.args.map((arg) => this.checked.types.get(arg)!)
    if (!this.options.fold) return dynamic(planCall(call, args, types))
    return this.#membership(call, args) ?? this.#conversion(call, args, types)
  }

  /** A test against a constant list is a look into a set, and free. */
  #membership(call: CheckedCall, [item, list]: readonly Plan[]): Plan | undefined {
    if (call.name !== operators.in || call.overloads.length !== 1 || call.overloads[0]!.id !== 'in_list')
      return undefined
    if (!(list!.constant instanceof CelList)) return undefined
    const keys = new Set<string | bigint | boolean | number>()
    for (let index = 0; index < list!.constant.size; index++) {
      const key = memberKey(list!.constant.at(index))
      if (key === undefined) return undefined
      keys.add(key)
    }
    if (keys.size === 0) return constant(false)
    const { run } = item!
    return dynamic((frame) => {
      const key = memberKey(run(frame))
      return key !== undefined && keys.has(key)
    })
  }

  /** A conversion of a constant is one too, unless it fails: that is for the evaluation to say. */
  #conversion(call: CheckedCall, args: readonly Plan[], types: readonly CelType[]): Plan {
    const run = planCall(call, args, types)
    const value = args[0]?.constant
    if (args.length !== 1 || value === undefined || !CONVERSIONS.has(call.name)) return dynamic(run)
    const overload = call.overloads.length === 1 ? call.overloads[0]! : undefined
    if (overload === undefined) return dynamic(run)
    try {
      return constant(overload.run(value))
    } catch (error) {
      evaluationError(error)
      return dynamic(run)
    }
  }

  /** `&&` and `||`: a side that decides the outcome makes up for an error of the other. */
  #logical({ args }: CheckedCall, decisive: boolean): Step {
    const left = this.plan(args[0]!).run
    const right = this.plan(args[1]!).run
    return (frame) => {
      let first: CelValue
      try {
        first = left(frame)
        if (first === decisive) return decisive
        if (typeof first !== 'boolean') noSuchOverload()
      } catch (error) {
        const absorbed = evaluationError(error)
        if (right(frame) === decisive) return decisive
        throw absorbed
      }
      const second = right(frame)
      return typeof second === 'boolean' ? second : noSuchOverload()
    }
  }

  #conditional({ args }: CheckedCall): Step {
    const condition = this.plan(args[0]!).run
    const [yes, no] = args.slice(1).map((branch) => this.plan(branch, this.#isAttribute(branch)).run) as [Step, Step]
    return (frame) => {
      const chosen = condition(frame)
      if (chosen === true) return yes(frame)
      return chosen === false ? no(frame) : noSuchOverload()
    }
  }

  #index({ args }: CheckedCall, optional: boolean, free: boolean): Step {
    const target = this.#operand(args[0]!, free)
    const index = this.plan(args[1]!, this.#isAttribute(args[1]!)).run
    return (frame) => {
      const given = target(frame)
      const key = index(frame)
      if (!optional && !(given instanceof CelOptional)) {
        frame.spend(1)
        const found = itemOf(given, key)
        return found === undefined ? missingItem(given, key) : found
      }
      const value = given instanceof CelOptional ? given.value : given
      const found = value === undefined ? undefined : itemOf(value, key)
      if (found === undefined) return CelOptional.none
      frame.spend(1)
      return new CelOptional(found)
    }
  }

  /** `or` and `orValue` evaluate what they have been given only when it is needed. */
  #optionalOr({ name, args }: CheckedCall): Step {
    const first = this.plan(args[0]!).run
    const second = this.plan(args[1]!).run
    return (frame) => {
      const given = first(frame)
      if (!(given instanceof CelOptional)) return noSuchOverload()
      if (given.value === undefined) return second(frame)
      return name === 'or' ? given : given.value
    }
  }

  #bind(expr: BindExpr): Step {
    const value = this.plan(expr.value).run
    const slot = this.local(this.checked.locals.get(expr)![0]!)
    const body = this.plan(expr.body).run
    // A binding is a loop over nothing, whose empty list counts.
    const cost = this.options.fold ? 0 : listCost
    return (frame) => {
      frame.spend(cost)
      frame.slots[slot] = value(frame)
      return body(frame)
    }
  }

  #list({ elements }: ListExpr): Plan {
    const plans = elements.map(({ value }) => this.plan(value))
    if (this.options.fold && plans.every((element) => element.constant !== undefined)) {
      return constant(new ArrayList(plans.map((element) => element.constant!)))
    }
    const steps = plans.map(({ run }) => run)
    const optionals = elements.map(({ optional }) => optional)
    const anyOptional = optionals.includes(true)
    return dynamic((frame) => {
      const items: CelValue[] = []
      for (let index = 0; index < steps.length; index++) {
        const value = steps[index]!(frame)
        if (!anyOptional || !optionals[index]!) items.push(value)
        else if (!(value instanceof CelOptional)) {
          throw new CelEvaluationError('cannot initialize optional list element from non-optional value')
        } else if (value.value !== undefined) items.push(value.value)
      }
      frame.spend(listCost)
      return new ArrayList(items)
    })
  }

  #map({ entries }: MapExpr): Plan {
    const plans = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }))
    const run: Step = (frame) => {
      const map = new EntryMap()
      for (const { key, value, optional } of plans) {
        const at = key.run(frame)
        const entry = value.run(frame)
        if (!optional) map.insert(at, entry, () => 'Failed with repeated key')
        else if (!(entry instanceof CelOptional)) {
          throw new CelEvaluationError('cannot initialize optional entry from non-optional value')
        } else if (entry.value !== undefined) map.insert(at, entry.value, () => 'Failed with repeated key')
      }
      frame.spend(mapCost)
      return map
    }
    const known = plans.every(({ key, value }) => key.constant !== undefined && value.constant !== undefined)
    return this.options.fold && known ? this.#constantMap(plans, run) : dynamic(run)
  }

  #constantMap(plans: readonly { key: Plan; value: Plan; optional: boolean }[], run: Step): Plan {
    const map = new EntryMap()
    try {
      for (const { key, value } of plans) map.insert(key.constant!, value.constant!, () => 'Failed with repeated key')
    } catch (error) {
      evaluationError(error)
      return dynamic(run)
    }
    return constant(map)
  }
}

function constant(value: CelValue): Plan {
  return { run: () => value, constant: value }
}

function dynamic(run: Step): Plan {
  return { run, constant: undefined }
}
