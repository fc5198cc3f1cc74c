import type { Result } from './runner.ts'

export interface Report {
  readonly passed: number
  /** Includes the accepted ones. */
  readonly failed: number
  readonly skipped: number
  readonly cases: readonly ReportedCase[]
}

interface ReportedCase extends Result {
  /** Why this failure is accepted. */
  readonly accepted?: string
}

const WORDS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const

/** One line, and below it what a failure says. */
export function lineOf(result: Result, accepted: ReadonlyMap<string, string>): string {
  const { id, name, outcome, reason, ms } = result
  const why = accepted.get(id)
  const head = `${WORDS[outcome]}  ${id.padEnd(4)} ${name} (${ms} ms)`
  if (outcome === 'passed')
    return why === undefined ? head : `${head}: no longer an accepted divergence; take it off the list`
  if (outcome === 'skipped') return `${head}: ${reason}`
  const note = why === undefined ? '' : `: accepted, because ${why}`
  return `${head}${note}\n${reason!.replaceAll(/^/gm, '      ')}`
}

export function reportOf(results: readonly Result[], accepted: ReadonlyMap<string, string>): Report {
  const count = (outcome: Result['outcome']): number => results.filter((result) => result.outcome === outcome).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    cases: results.map((result) => {
      const why = result.outcome === 'failed' ? accepted.get(result.id) : undefined
      return why === undefined ? result : { ...result, accepted: why }
    }),
  }
}

/** Failures that nobody has accepted. */
export function unacceptedIds({ cases }: Report): string[] {
  return cases.filter(({ outcome, accepted }) => outcome === 'failed' && accepted === undefined).map(({ id }) => id)
}

export function summaryOf(report: Report): string {
  const { passed, failed, skipped, cases } = report
  const accepted = failed - unacceptedIds(report).length
  const note = accepted === 0 ? '' : ` (${accepted} of them accepted)`
  return `${cases.length} cases: ${passed} passed, ${failed} failed${note}, ${skipped} skipped`
}
