import type { Expr } from './ast.ts'
import type { Checked } from './check.ts'
import { CelEvaluationError } from './errors.ts'
import { patternOf } from './patterns.ts'
import type { SourceError } from './source.ts'
import { parseDuration, parseTimestamp } from './time.ts'

/** Functions whose argument at an index has a form that can be checked when it is a literal. */
const FORMS: ReadonlyMap<string, readonly [number, (text: string) => unknown]> = new Map<
  string,
  readonly [number, (text: string) => unknown]
>([
  ['duration', [0, parseDuration]],
  ['timestamp', [0, parseTimestamp]],
  ['matches', [1, patternOf]],
])

/** Finds literal durations, timestamps and regular expressions that would fail at every evaluation. */
export function validateLiterals(checked: Checked): SourceError[] {
  const errors: SourceError[] = []
  for (const { name, args } of checked.calls.values()) {
    const form = FORMS.get(name)
    const argument: Expr | undefined = form === undefined ? undefined : args[form[0]]
    if (form === undefined || argument?.kind !== 'literal' || typeof argument.value !== 'string') continue
    try {
      form[1](argument.value)
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      errors.push({ at: argument.at, message: `invalid ${name} argument` })
    }
  }
  return errors
}
