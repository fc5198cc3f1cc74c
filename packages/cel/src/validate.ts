import type { Expr } from './ast.ts'
import type { Checked } from './check.ts'
import { CelEvaluationError } from './errors.ts'
import { patternOf } from './patterns.ts'
import type { SourceError } from './source.ts'
import { parseDuration, parseTimestamp } from './time.ts'
import { celDyn, formatType, sameType } from './types.ts'
import type { CelType } from './types.ts'

/** Functions whose argument at an index has a form that can be checked when it is a literal. */
const FORMS: ReadonlyMap<string, readonly [number, (text: string) => unknown]> = new Map<
  string,
  readonly [number, (text: string) => unknown]
>([
  ['duration', [0, parseDuration]],
  ['timestamp', [0, parseTimestamp]],
  ['matches', [1, patternOf]],
])

/**
 * What Kubernetes refuses beyond what does not check: literal durations, timestamps and regular expressions that would
 * fail at every evaluation, and lists and maps of several types, except as arguments of `format`.
 */
export function validateLiterals(checked: Checked): SourceError[] {
  const errors: SourceError[] = []
  visit(checked, checked.expr, false, errors)
  return errors
}

function visit(checked: Checked, expr: Expr, exempt: boolean, errors: SourceError[]): void {
  if (expr.kind === 'call') checkForm(checked, expr, errors)
  if (!exempt && expr.kind === 'list') checkSame(checked, expr.elements, errors)
  if (!exempt && expr.kind === 'map') {
    checkSame(
      checked,
      expr.entries.map(({ key }) => ({ value: key, optional: false })),
      errors,
    )
    checkSame(checked, expr.entries, errors)
  }
  const inner = exempt || (expr.kind === 'call' && expr.name === 'format')
  for (const child of childrenOf(expr)) visit(checked, child, inner, errors)
}

function checkForm(checked: Checked, expr: Expr & { kind: 'call' }, errors: SourceError[]): void {
  const form = FORMS.get(expr.name)
  const argument = form === undefined ? undefined : checked.calls.get(expr)?.args[form[0]]
  if (form === undefined || argument?.kind !== 'literal' || typeof argument.value !== 'string') return
  try {
    form[1](argument.value)
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error
    errors.push({ at: argument.at, message: `invalid ${expr.name} argument` })
  }
}

/** Tells the first value that has another type than the one in front. */
function checkSame(
  checked: Checked,
  values: readonly { readonly value: Expr; readonly optional: boolean }[],
  errors: SourceError[],
): void {
  let expected: CelType | undefined
  for (const { value, optional } of values) {
    const written = checked.types.get(value) ?? celDyn
    const type = optional && written.kind === 'optional' ? written.of : written
    expected ??= type
    if (sameType(expected, type)) continue
    const message = `expected type '${formatType(expected)}' but found '${formatType(type)}'`
    errors.push({ at: value.at, message })
    return
  }
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return []
    case 'select':
    case 'presence':
      return [expr.operand]
    case 'call':
      return expr.target === undefined ? expr.args : [expr.target, ...expr.args]
    case 'list':
      return expr.elements.map(({ value }) => value)
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return expr.fields.map(({ value }) => value)
    case 'comprehension':
      return [expr.range, ...(expr.filter === undefined ? [] : [expr.filter]), expr.body]
    case 'bind':
      return [expr.value, expr.body]
  }
}
