/** What kind of defect a finding is about; stable, for filters and tests. */
export type FindingKind =
  | 'mutable-tag'
  | 'duplicate-row'
  | 'duplicate-key'
  | 'gap'
  | 'unknown-key'
  | 'trailing-blank'
  | 'bad-version'
  | 'bad-image'
  | 'no-ticket'

/** One remark about an override file, tied to a line of it. */
export interface Finding {
  readonly kind: FindingKind
  /** `error`: a row does not do what it says; `warning`: it works but is fragile; `info`: worth knowing. */
  readonly severity: 'error' | 'warning' | 'info'
  /** 1-based. */
  readonly line: number
  readonly what: string
  readonly why: string
  readonly todo: string
}

/** One line for people: `17: warning: what; why; what to do`. */
export function formatFinding(finding: Finding): string {
  return `line ${finding.line}: ${finding.severity}: ${finding.what}; ${finding.why}; ${finding.todo}`
}

/** The file cannot be read as an override file at all; the message says what, why and what to do. */
export class OverrideFileError extends Error {
  override readonly name = 'OverrideFileError'
  /** 1-based line of the first problem. */
  readonly line: number

  constructor(line: number, what: string, todo: string) {
    super(`line ${line}: ${what}; ${todo}`)
    this.line = line
  }
}
