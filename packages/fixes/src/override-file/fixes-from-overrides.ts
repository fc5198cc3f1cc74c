import { API_VERSION, componentFixes, DEFAULT_COMPONENT } from '@locktender/fleet'
import type { ComponentFix } from '@locktender/fleet'
import { hash32 } from '@locktender/kube'
import { compareVersions, parseVersion, releaseLine } from '@locktender/releases'
import type { OverrideFile, OverrideRow } from './parse.ts'

import { rowsToTargets } from './rows-to-targets.ts'

export interface ImportOptions {
  /** RolloutStrategy of the fixes. @default 'default' */
  readonly strategy?: string
  /** @default '24h' */
  readonly deadline?: string
}

/** Ticket of rows for which the file names none. */
const NO_TICKET = 'UNTRACKED'

/**
 * The smallest set of ComponentFixes with the same effective image for every platform and version as the file: one for
 * each distinct image, since one fix is one build. A row with a tag keeps its tag, so that nothing changes silently;
 * the file's findings name it and the API server refuses such a fix until it carries a digest.
 */
export function fixesFromOverrides(file: OverrideFile, options: ImportOptions = {}): ComponentFix[] {
  const byImage = [...Map.groupBy(file.rows, (row) => row.image)].map(([image, rows]) => ({
    image,
    rows: rows.toSorted((left, right) => compareVersions(parseVersion(left.version), parseVersion(right.version))),
  }))
  byImage.sort((left, right) => compareRows(left.rows[0]!, right.rows[0]!))
  const names = new Set<string>()
  return byImage.map(({ image, rows }) => {
    const name = uniqueName(rows[0]!, image, names)
    names.add(name)
    return {
      apiVersion: API_VERSION,
      kind: componentFixes.kind,
      metadata: { name },
      spec: {
        ticket: rows[0]!.ticket ?? NO_TICKET,
        summary: summaryOf(rows),
        component: DEFAULT_COMPONENT,
        targets: rowsToTargets(image, file.rows),
        strategy: options.strategy ?? 'default',
        deadline: options.deadline ?? '24h',
      },
    }
  })
}

function compareRows(left: OverrideRow, right: OverrideRow): number {
  return compareVersions(parseVersion(left.version), parseVersion(right.version)) || left.line - right.line
}

/** `ocpbugs-48519-4.15`: ticket and first release line; images that share both are told apart by a hash. */
function uniqueName(row: OverrideRow, image: string, taken: ReadonlySet<string>): string {
  const base = `${(row.ticket ?? NO_TICKET).toLowerCase()}-${releaseLine(parseVersion(row.version))}`
  let name = base
  for (let salt = 0; taken.has(name); salt++) {
    name = `${base}-${hash32(`${image} ${salt}`).toString(16).padStart(8, '0')}`
  }
  return name
}

function summaryOf(rows: readonly OverrideRow[]): string {
  const lines = [...new Set(rows.map((row) => row.line))]
  const tickets = [...new Set(rows.map((row) => row.ticket ?? NO_TICKET))]
  const others = tickets.length > 1 ? `, also for ${tickets.slice(1).join(', ')}` : ''
  const summary = `Imported from lines ${Math.min(...lines)} to ${Math.max(...lines)} of an override file${others}`
  // The API limits a summary to 256 characters.
  return summary.length <= 256 ? summary : `${summary.slice(0, 255)}…`
}
