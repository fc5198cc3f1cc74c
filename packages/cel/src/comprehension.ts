import type { ComprehensionExpr } from './ast.ts'
import { describeKey } from './access.ts'
import { ArrayList, EntryMap } from './collections.ts'
import type { CelEvaluationError } from './errors.ts'
import { evaluationError, noSuchOverload } from './frame.ts'
import type { Frame, Step } from './frame.ts'
import type { Planner } from './plan.ts'
import { listCost, mapCost } from './ranges.ts'
import { CelList, CelMap } from './values.ts'
import type { CelValue } from './values.ts'

/*
 * A macro costs what the loop would cost that it stands for, written out as a fold with an accumulator: reading the
 * accumulator, testing it, adding to it. The numbers below are those parts.
 */

/** `all`: `@not_strictly_false(accumulator)` before each item, `accumulator && …` for it. */
const allTest = 2
/** `exists`: `@not_strictly_false(!accumulator)`. */
const existsTest = 3
const readAccumulator = 1
/** `accumulator + [item]`: the sum and reading the accumulator; the list comes on top. */
const append = 2
/** `accumulator + 1`. */
const count = 2
/** `accumulator == 1`. */
const compareCount = 2
/** `insert(accumulator, key, …)`: the call, reading accumulator and key. */
const insertKey = 3
/** `insert(accumulator, …)`. */
const insertEntry = 2

/** Calls back for each item with the values of the variables; stops when the answer is false. */
type Each = (frame: Frame, visit: (last: boolean) => boolean) => void

/** Plans a macro that goes through a list or map. */
export function planComprehension(planner: Planner, expr: ComprehensionExpr): Step {
  const range = planner.plan(expr.range).run
  const slots = planner.checked.locals.get(expr)!.map((local) => planner.local(local))
  const each = iteration(range, slots[0]!, slots[1])
  const filter = expr.filter === undefined ? undefined : planner.plan(expr.filter).run
  const body = planner.plan(expr.body)
  const { fold } = planner.options
  switch (expr.macro) {
    case 'all':
      return quantifier(each, body.run, false, allTest)
    case 'exists':
      return quantifier(each, body.run, true, existsTest)
    case 'existsOne':
      return counter(each, body.run)
    case 'map':
    case 'filter':
    case 'transformList': {
      const cost = append + (fold && body.constant !== undefined ? 0 : listCost)
      return listMaker(each, filter, body.run, cost, fold ? 0 : listCost)
    }
    case 'transformMap':
      return mapMaker(each, filter, fold ? 0 : mapCost, (frame, map) => {
        frame.spend(insertKey)
        map.insert(frame.slots[slots[0]!]!, body.run(frame), alreadyExists)
      })
    case 'transformMapEntry':
      return mapMaker(each, filter, fold ? 0 : mapCost, (frame, map) => {
        frame.spend(insertEntry)
        const entries = body.run(frame)
        if (!(entries instanceof CelMap)) noSuchOverload()
        for (const key of entries.keys()) map.insert(key, entries.get(key)!, alreadyExists)
      })
  }
}

function alreadyExists(key: CelValue): string {
  return `insert failed: key ${describeKey(key)} already exists`
}

function iteration(range: Step, first: number, second: number | undefined): Each {
  return (frame, visit) => {
    const values = range(frame)
    if (values instanceof CelList) {
      for (let index = 0, last = values.size - 1; index <= last; index++) {
        if (second === undefined) frame.slots[first] = values.at(index)
        else {
          frame.slots[first] = BigInt(index)
          frame.slots[second] = values.at(index)
        }
        if (!visit(index === last)) return
      }
      return
    }
    if (!(values instanceof CelMap)) noSuchOverload()
    let left = values.size
    for (const key of values.keys()) {
      frame.slots[first] = key
      if (second !== undefined) frame.slots[second] = values.get(key)!
      if (!visit(--left === 0)) return
    }
  }
}

/** `all` and `exists`: one item that decides the outcome makes up for errors of others. */
function quantifier(each: Each, predicate: Step, decisive: boolean, test: number): Step {
  return (frame) => {
    let failure: CelEvaluationError | undefined
    let decided = false
    each(frame, (last) => {
      frame.spend(test + readAccumulator)
      try {
        const holds = predicate(frame)
        if (typeof holds !== 'boolean') noSuchOverload()
        decided = holds === decisive
      } catch (error) {
        failure ??= evaluationError(error)
      }
      // The loop sees that it is over when it tests the accumulator again.
      if (decided && !last) frame.spend(test)
      return !decided
    })
    frame.spend(readAccumulator)
    if (decided) return decisive
    if (failure !== undefined) throw failure
    return !decisive
  }
}

function counter(each: Each, predicate: Step): Step {
  return (frame) => {
    let found = 0
    each(frame, () => {
      if (isTrue(predicate(frame))) {
        frame.spend(count)
        found++
      }
      return true
    })
    frame.spend(compareCount)
    return found === 1
  }
}

function isTrue(value: CelValue): boolean {
  return typeof value === 'boolean' ? value : noSuchOverload()
}

function listMaker(each: Each, filter: Step | undefined, body: Step, cost: number, start: number): Step {
  return (frame) => {
    const items: CelValue[] = []
    each(frame, () => {
      if (filter !== undefined && !isTrue(filter(frame))) return true
      items.push(body(frame))
      frame.spend(cost)
      return true
    })
    frame.spend(start + readAccumulator)
    return new ArrayList(items)
  }
}

function mapMaker(
  each: Each,
  filter: Step | undefined,
  start: number,
  insert: (frame: Frame, map: EntryMap) => void,
): Step {
  return (frame) => {
    const map = new EntryMap()
    each(frame, () => {
      if (filter === undefined || isTrue(filter(frame))) insert(frame, map)
      return true
    })
    frame.spend(start + readAccumulator)
    return map
  }
}
