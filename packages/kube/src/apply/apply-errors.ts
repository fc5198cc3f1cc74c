import { ApiError, applyConflict } from '../errors.ts'
import { compareStrings } from './json-values.ts'

/** The fields of one other manager that an apply would change. */
export interface ManagerConflict {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
  readonly time?: string
  /** Paths as people read them: `.spec.containers[name="a"].image`. */
  readonly fields: readonly string[]
}

/** An apply without force would change fields that others own to other values. */
export class ApplyConflictError extends Error {
  readonly conflicts: readonly ManagerConflict[]

  constructor(conflicts: readonly ManagerConflict[]) {
    const ordered = conflicts.toSorted((left, right) => compareStrings(identity(left), identity(right)))
    super(messageOf(ordered))
    this.name = 'ApplyConflictError'
    this.conflicts = ordered
  }

  /** 409 with one cause of reason `FieldManagerConflict` for each field. */
  toApiError(): ApiError {
    const causes = this.conflicts.flatMap((conflict) =>
      conflict.fields.map((field) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${describe(conflict)}`,
        field,
      })),
    )
    return applyConflict(this.message, causes)
  }
}

function identity(conflict: ManagerConflict): string {
  const { manager, operation, apiVersion, subresource = '' } = conflict
  return JSON.stringify({ manager, operation, apiVersion: operation === 'Update' ? apiVersion : '', subresource })
}

function messageOf(conflicts: readonly ManagerConflict[]): string {
  const first = conflicts[0]
  const count = conflicts.reduce((sum, conflict) => sum + conflict.fields.length, 0)
  if (count === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${describe(first)}: ${first.fields[0]}`
  }
  const lines = conflicts.flatMap((conflict) => [
    `conflicts with ${describe(conflict)}:`,
    ...conflict.fields.map((field) => `- ${field}`),
  ])
  return `Apply failed with ${count} conflicts: ${lines.join('\n')}`
}

/** The version tells updates apart; for appliers it says nothing, as they have one entry across versions. */
function describe(conflict: ManagerConflict): string {
  const name = JSON.stringify(conflict.manager)
  const subresource =
    conflict.subresource === undefined || conflict.subresource === ''
      ? ''
      : ` with subresource ${JSON.stringify(conflict.subresource)}`
  return name + subresource + (conflict.operation === 'Update' ? ` using ${conflict.apiVersion}` : '')
}

/** An object does not fit its schema, so that there is no telling what is owned in it. */
export class ApplyTypeError extends Error {
  /** `what` names the object and its role: `patch object (ns/name; example.com/v1, Kind=Widget)`. */
  constructor(what: string, problems: readonly string[]) {
    const list = problems.length === 1 ? problems[0] : ['errors:', ...problems.map((line) => `  ${line}`)].join('\n')
    super(`failed to create typed ${what}: ${list}`)
    this.name = 'ApplyTypeError'
  }

  /** 500 without a reason, as Kubernetes answers. */
  toApiError(): ApiError {
    return new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      code: 500,
    })
  }
}
