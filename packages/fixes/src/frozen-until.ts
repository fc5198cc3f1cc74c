import type { ControlPlane, FreezeWindow, TargetStatus } from '@locktender/fleet'
import { concerns } from './freeze-windows.ts'

/** Nothing may be started on a control plane now. */
export interface Frozen {
  /** End of the last of the freezes that follow each other without a gap, milliseconds since the epoch. */
  readonly until: number
  readonly reason: 'Freeze'
  /** For people: the freeze that ends last, and who to ask. */
  readonly message: string
}

/** What keeps a control plane from being treated at `now`, in milliseconds since the epoch; undefined when no freeze does. */
export function frozenUntil(
  controlPlane: ControlPlane,
  freezes: Iterable<FreezeWindow>,
  now: number,
): Frozen | undefined {
  const own = [...freezes]
    .filter(({ spec }) => Date.parse(spec.to) > now)
    .filter((freeze) => concerns(freeze, controlPlane))
    .sort((left, right) => Date.parse(left.spec.from) - Date.parse(right.spec.from))
  let until = now
  let last: FreezeWindow | undefined
  for (const freeze of own) {
    const to = Date.parse(freeze.spec.to)
    if (Date.parse(freeze.spec.from) > until) break
    if (to <= until) continue
    until = to
    last = freeze
  }
  if (last === undefined) return undefined
  const { reason, owner, to } = last.spec
  return { until, reason: 'Freeze', message: `${reason} (freeze ${last.metadata.name} of ${owner}, until ${to})` }
}

/** The state of a control plane that could be treated, with what keeps it from that; other states as they are. */
export function withFreeze(status: TargetStatus, frozen: Frozen | undefined): TargetStatus {
  if (status.state !== 'Pending' || frozen === undefined) return status
  return { ...status, reason: frozen.reason, message: frozen.message }
}

/** When the next freeze begins or ends after `now`; undefined when none does. */
export function nextFreezeChange(freezes: Iterable<FreezeWindow>, now: number): number | undefined {
  const times = [...freezes].flatMap(({ spec }) => [Date.parse(spec.from), Date.parse(spec.to)])
  const next = Math.min(...times.filter((time) => time > now))
  return next === Infinity ? undefined : next
}
