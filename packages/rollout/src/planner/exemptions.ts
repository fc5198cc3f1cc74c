/** A control plane that is not to be changed for now. */
export interface Exemption {
  readonly id: string
  /** Who asked for it, and answers for it. */
  readonly owner: string
  readonly reason: string
  /** It ends then; milliseconds since the epoch. */
  readonly until: number
}

export interface Exempted {
  /** In force at the start, one for each target (the longest), by id. */
  readonly active: ReadonlyMap<string, Exemption>
  /** Hours that they stay without the change, until their exemption ends. */
  readonly unfixedHours: number
}

/** Which exemptions hold at `startAt`. Those of targets that are not in the rollout count for nothing. */
export function exemptedAt(
  exemptions: readonly Exemption[],
  isTarget: (id: string) => boolean,
  startAt: number,
): Exempted {
  const active = new Map<string, Exemption>()
  for (const exemption of exemptions) {
    if (exemption.until <= startAt || !isTarget(exemption.id)) continue
    const known = active.get(exemption.id)
    if (!known || known.until < exemption.until) active.set(exemption.id, exemption)
  }
  let milliseconds = 0
  for (const { until } of active.values()) milliseconds += until - startAt
  return { active, unfixedHours: milliseconds / 3_600_000 }
}
