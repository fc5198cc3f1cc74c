import type { CheckedCall } from './check.ts'
import { noSuchOverload } from './frame.ts'
import type { Frame, Step } from './frame.ts'
import { nominal } from './functions.ts'
import type { Overload } from './functions.ts'
import type { Plan } from './plan.ts'
import type { CelType } from './types.ts'
import { isOpen } from './unify.ts'
import { fitsType } from './value-types.ts'
import type { CelValue } from './values.ts'

/** Plans a call of a function. What the checker decided is not decided again when the expression is evaluated. */
export function planCall(call: CheckedCall, args: readonly Plan[], types: readonly CelType[]): Step {
  const steps = args.map(({ run }) => run)
  const [only] = call.overloads
  const decided = call.overloads.length === 1 && types.every((type) => !isOpen(type) || only!.params.every(isGeneric))
  return decided ? direct(only!, steps) : dispatched(call.overloads, steps)
}

function isGeneric(type: CelType): boolean {
  return type.kind === 'parameter' || type.kind === 'dyn'
}

function direct(overload: Overload, steps: readonly Step[]): Step {
  const { run, price } = overload
  const [first, second] = steps
  if (price !== nominal) return (frame) => priced(overload, frame, evaluate(steps, frame))
  if (steps.length === 1) {
    return (frame) => {
      const value = run(first!(frame))
      frame.spend(1)
      return value
    }
  }
  if (steps.length === 2) {
    return (frame) => {
      const value = run(first!(frame), second!(frame))
      frame.spend(1)
      return value
    }
  }
  return (frame) => {
    const value = run(...evaluate(steps, frame))
    frame.spend(1)
    return value
  }
}

/** Looks for the overload that the values fit. */
function dispatched(overloads: readonly Overload[], steps: readonly Step[]): Step {
  return (frame) => {
    const values = evaluate(steps, frame)
    for (const overload of overloads) {
      if (overload.params.every((type, index) => fitsType(values[index]!, type))) return priced(overload, frame, values)
    }
    return noSuchOverload()
  }
}

function evaluate(steps: readonly Step[], frame: Frame): CelValue[] {
  return steps.map((step) => step(frame))
}

function priced({ run, price }: Overload, frame: Frame, values: readonly CelValue[]): CelValue {
  if (price.upFront === true) {
    frame.spend(price.actual(values, null))
    return run(...values)
  }
  const value = run(...values)
  frame.spend(price.actual(values, value))
  return value
}
