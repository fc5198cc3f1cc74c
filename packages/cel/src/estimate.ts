import { operators } from './ast.ts'
import type { CallExpr, ComprehensionExpr, Expr } from './ast.ts'
import type { Checked, CheckedCall } from './check.ts'
import type { SizedArgument } from './functions.ts'
import type { CostEstimate, SizeEstimates } from './program.ts'
import { exactly, listCost, mapCost, plus, sum, times, union, unknownSize } from './ranges.ts'
import type { Range } from './ranges.ts'
import type { Reference } from './scope.ts'
import { characterCount } from './text.ts'
import { celDyn } from './types.ts'
import type { CelType } from './types.ts'

/**
 * Estimates what evaluating an expression costs. Whether a rule may be written depends on the result, so it has to be
 * that of Kubernetes, peculiarities included.
 */
export function estimateCost(checked: Checked, sizes?: SizeEstimates): CostEstimate {
  return new Estimator(checked, sizes).cost(checked.expr)
}

/** Sizes of the keys and values of a map, or of the indices and items of a list. */
interface EntrySize {
  readonly list: boolean
  readonly key: Range
  readonly value: Range
}

interface LocalVariable {
  readonly path: readonly string[]
  readonly size: Range | undefined
  readonly entry: EntrySize | undefined
}

const one = exactly(1)

class Estimator {
  readonly #checked: Checked
  readonly #hints: SizeEstimates | undefined
  readonly #sizes = new Map<Expr, Range>()
  readonly #entries = new Map<Expr, EntrySize>()
  readonly #paths = new Map<Expr, readonly string[]>()
  readonly #locals = new Map<Reference, LocalVariable>()

  constructor(checked: Checked, hints: SizeEstimates | undefined) {
    this.#checked = checked
    this.#hints = hints
  }

  /** The cost of a node. Afterwards its size and path are known. */
  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return exactly(0)
      case 'ident':
        return this.#reference(expr)
      case 'select':
        return this.#select(expr)
      case 'presence':
        return this.cost(expr.operand)
      case 'call':
        return this.#call(expr)
      case 'list': {
        const costs = expr.elements.map(({ value }) => this.cost(value))
        const values = this.#hull(expr.elements.map(({ value }) => value))
        this.#entries.set(expr, { list: true, key: one, value: values })
        return plus(sum(costs), exactly(listCost))
      }
      case 'map': {
        const costs = expr.entries.map(({ key, value }) => plus(this.cost(key), this.cost(value)))
        const key = this.#hull(expr.entries.map((entry) => entry.key))
        const value = this.#hull(expr.entries.map((entry) => entry.value))
        this.#entries.set(expr, { list: false, key, value })
        return plus(sum(costs), exactly(mapCost))
      }
      case 'comprehension':
        return this.#comprehension(expr)
      case 'bind': {
        // The loop over nothing that a binding stands for begins with an empty list.
        const value = plus(exactly(listCost), this.cost(expr.value))
        this.#locals.set(this.#checked.locals.get(expr)![0]!, {
          path: this.#path(expr.value),
          size: this.#size(expr.value),
          entry: this.#entry(expr.value),
        })
        const cost = plus(value, this.cost(expr.body))
        this.#copySizes(expr, expr.body)
        return cost
      }
      case 'struct':
        return exactly(0)
    }
  }

  #reference(expr: Expr): Range {
    const reference = this.#checked.references.get(expr)!
    if (reference.kind === 'variable') this.#paths.set(expr, [reference.name])
    else if (reference.kind === 'local') this.#paths.set(expr, this.#locals.get(reference)!.path)
    return one
  }

  #select(expr: Expr & { kind: 'select' }): Range {
    if (this.#checked.references.has(expr)) return this.#reference(expr)
    const operand = this.cost(expr.operand)
    if (expr.optional) return plus(operand, one)
    this.#paths.set(expr, [...this.#path(expr.operand), expr.field])
    const { kind } = this.#type(expr.operand)
    return kind === 'map' || kind === 'object' ? plus(operand, one) : operand
  }

  #call(expr: CallExpr): Range {
    const call = this.#checked.calls.get(expr)!
    const { args } = call
    if (call.name === 'dyn') {
      const cost = plus(one, this.cost(args[0]!))
      this.#copySizes(expr, args[0]!)
      return cost
    }
    const costs = args.map((arg) => this.cost(arg))
    switch (expr.name) {
      case operators.and:
      case operators.or: {
        const [left, right] = costs
        return { min: left!.min, max: plus(left!, right!).max }
      }
      case operators.conditional:
        return this.#conditional(expr, args, costs)
      default:
        return plus(this.#function(expr, call), sum(costs))
    }
  }

  #conditional(expr: CallExpr, [, yes, no]: readonly Expr[], costs: readonly Range[]): Range {
    const entry = unionEntries(this.#entry(yes!), this.#entry(no!))
    if (entry !== undefined) this.#entries.set(expr, entry)
    this.#sizes.set(expr, union(this.#sizeOrUnknown(yes!), this.#sizeOrUnknown(no!)))
    return plus(costs[0]!, union(costs[1]!, costs[2]!))
  }

  /** Between the cheapest and the dearest of the overloads. */
  #function(expr: CallExpr, { overloads, args }: CheckedCall): Range {
    const sized = args.map((arg) => this.#argument(arg))
    let cost: Range | undefined
    let size: Range | undefined
    for (const { id, price } of overloads) {
      const estimate = price.estimate(sized)
      cost = cost === undefined ? estimate.cost : union(cost, estimate.cost)
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size)
      if (id === 'index_list' || id === 'index_map') {
        size = this.#entry(args[0]!)?.value
        this.#paths.set(expr, [...this.#path(args[0]!), id === 'index_list' ? '@items' : '@values'])
      }
      if (id === 'add_list' || id === 'add_string' || id === 'add_bytes') {
        const entry = unionEntries(this.#entry(args[0]!), this.#entry(args[1]!))
        if (entry !== undefined) this.#entries.set(expr, entry)
      }
      size ??= this.#size(expr)
    }
    if (size !== undefined) this.#sizes.set(expr, size)
    return cost!
  }

  #argument(expr: Expr): SizedArgument {
    const type = this.#type(expr)
    return {
      type,
      size: this.#sizeOrUnknown(expr),
      literal: expr.kind === 'literal' ? expr.value : undefined,
      item: type.kind === 'list' ? { type: type.element, size: this.#itemSize(expr, type.element) } : undefined,
    }
  }

  /** Only hints count here, not the items of a list that is written out. */
  #itemSize(list: Expr, type: CelType): Range {
    const path = this.#path(list)
    return this.#hint(path.length === 0 ? [] : [...path, '@items'], type) ?? unknownSize
  }

  #comprehension(expr: ComprehensionExpr): Range {
    const range = this.cost(expr.range)
    this.#bindItems(expr)
    const count = this.#sizeOrUnknown(expr.range)
    const { start, test, end } = LOOPS[expr.macro]
    const step = this.#step(expr)
    const loop = times(count, plus(step, exactly(test)))
    if (start === 0) {
      this.#sizes.set(expr, one)
    } else {
      this.#sizes.set(expr, count)
      if (start === listCost) {
        const value = { min: 0, max: this.#sizeOrUnknown(expr.body).max }
        this.#entries.set(expr, { list: true, key: one, value })
      }
    }
    return sum([range, exactly(start + end), loop])
  }

  /** What the loop does with one item. */
  #step(expr: ComprehensionExpr): Range {
    const filter = expr.filter === undefined ? undefined : this.cost(expr.filter)
    const body = this.cost(expr.body)
    switch (expr.macro) {
      case 'all':
      case 'exists':
        return { min: 1, max: plus(one, body).max }
      case 'existsOne':
        return plus(body, { min: 1, max: 2 })
      case 'map':
      case 'filter':
      case 'transformList':
        return filtered(filter, plus(body, exactly(2 + listCost)))
      case 'transformMap':
        return filtered(filter, plus(body, exactly(3)))
      case 'transformMapEntry':
        return filtered(filter, plus(body, exactly(2)))
    }
  }

  #bindItems(expr: ComprehensionExpr): void {
    const path = this.#path(expr.range)
    const entry = this.#entry(expr.range)
    const list = entry?.list ?? this.#type(expr.range).kind === 'list'
    const key = { path: [...path, list ? '@indices' : '@keys'], size: entry?.key, entry: undefined }
    const value = { path: [...path, list ? '@items' : '@values'], size: entry?.value, entry: undefined }
    const [first, second] = this.#checked.locals.get(expr)!
    if (second === undefined) this.#locals.set(first!, list ? value : key)
    else {
      this.#locals.set(first!, key)
      this.#locals.set(second, value)
    }
  }

  #type(expr: Expr): CelType {
    return this.#checked.types.get(expr) ?? celDyn
  }

  #path(expr: Expr): readonly string[] {
    return this.#paths.get(expr) ?? []
  }

  #hint(path: readonly string[], type: CelType): Range | undefined {
    const max = this.#hints?.maxSize(path, type)
    return max === undefined ? undefined : { min: 0, max }
  }

  #sizeOrUnknown(expr: Expr): Range {
    return this.#size(expr) ?? unknownSize
  }

  #size(expr: Expr): Range | undefined {
    return (
      this.#sizes.get(expr) ??
      writtenSize(expr) ??
      this.#hint(this.#path(expr), this.#type(expr)) ??
      (isScalar(this.#type(expr)) ? one : this.#local(expr)?.size)
    )
  }

  #entry(expr: Expr): EntrySize | undefined {
    return this.#entries.get(expr) ?? this.#local(expr)?.entry
  }

  #local(expr: Expr): LocalVariable | undefined {
    const reference = expr.kind === 'ident' ? this.#checked.references.get(expr) : undefined
    return reference === undefined ? undefined : this.#locals.get(reference)
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from)
    if (size !== undefined) this.#sizes.set(to, size)
    const entry = this.#entry(from)
    if (entry !== undefined) this.#entries.set(to, entry)
  }

  /** A range that holds the sizes of all; zero for none. */
  #hull(exprs: readonly Expr[]): Range {
    return exprs.length === 0 ? exactly(0) : exprs.map((expr) => this.#sizeOrUnknown(expr)).reduce(union)
  }
}

/** What the loops that macros stand for cost apart from their items: at the start, for testing each item, at the end. */
const LOOPS: Readonly<Record<ComprehensionExpr['macro'], { start: number; test: number; end: number }>> = {
  all: { start: 0, test: 2, end: 1 },
  exists: { start: 0, test: 3, end: 1 },
  existsOne: { start: 0, test: 0, end: 2 },
  map: { start: listCost, test: 0, end: 1 },
  filter: { start: listCost, test: 0, end: 1 },
  transformList: { start: listCost, test: 0, end: 1 },
  transformMap: { start: mapCost, test: 0, end: 1 },
  transformMapEntry: { start: mapCost, test: 0, end: 1 },
}

/** An item that is filtered out costs reading the accumulator. */
function filtered(filter: Range | undefined, step: Range): Range {
  return filter === undefined ? step : plus(filter, union(step, one))
}

function unionEntries(left: EntrySize | undefined, right: EntrySize | undefined): EntrySize | undefined {
  if (left === undefined || right === undefined) return undefined
  return { list: left.list, key: union(left.key, right.key), value: union(left.value, right.value) }
}

/** The size of what is written out in the expression. */
function writtenSize(expr: Expr): Range | undefined {
  if (expr.kind === 'list') return exactly(expr.elements.length)
  if (expr.kind === 'map') return exactly(expr.entries.length)
  if (expr.kind !== 'literal') return undefined
  if (typeof expr.value === 'string') return exactly(characterCount(expr.value))
  return expr.value instanceof Uint8Array ? exactly(expr.value.length) : one
}

function isScalar(type: CelType): boolean {
  switch (type.kind) {
    case 'bool':
    case 'double':
    case 'duration':
    case 'int':
    case 'timestamp':
    case 'uint':
      return true
    case 'optional':
      return isScalar(type.of)
    default:
      return false
  }
}
