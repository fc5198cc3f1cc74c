import { RE2JS } from 're2js'
import { CelEvaluationError } from './errors.ts'

/** Patterns are usually literals, of which there are few; a bound keeps computed ones out of memory. */
const maxPatterns = 256
const PATTERNS = new Map<string, RE2JS>()

/** A compiled regular expression in RE2 syntax. Throws CelEvaluationError when the pattern is not valid. */
export function patternOf(pattern: string): RE2JS {
  const known = PATTERNS.get(pattern)
  if (known !== undefined) return known
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new CelEvaluationError(patternMessage(error))
  }
  if (PATTERNS.size >= maxPatterns) PATTERNS.clear()
  PATTERNS.set(pattern, compiled)
  return compiled
}

function patternMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
