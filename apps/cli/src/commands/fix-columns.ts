import type { ComponentFix } from '@locktender/fleet'
import { age, type Column } from '../output.ts'

/** Columns of `lkt fix list`, the same as `kubectl get componentfixes` has. */
export function fixColumns(now: number): Column<ComponentFix>[] {
  return [
    { title: 'NAME', cell: (fix) => fix.metadata.name },
    { title: 'TICKET', cell: (fix) => fix.spec.ticket },
    { title: 'COMPONENT', cell: (fix) => fix.spec.component },
    { title: 'PHASE', cell: (fix) => fix.status?.phase },
    { title: 'AFFECTED', cell: (fix) => fix.status?.affected },
    { title: 'APPLIED', cell: (fix) => fix.status?.counts.Applied ?? 0 },
    { title: 'FAILED', cell: (fix) => fix.status?.counts.Failed ?? 0 },
    { title: 'DEADLINE', cell: (fix) => fix.spec.deadline },
    { title: 'REQUESTED-BY', wide: true, cell: (fix) => fix.spec.requestedBy },
    { title: 'ROLLOUT', wide: true, cell: (fix) => fix.status?.rollout },
    { title: 'AGE', cell: (fix) => age(fix.metadata.creationTimestamp, now) },
  ]
}
