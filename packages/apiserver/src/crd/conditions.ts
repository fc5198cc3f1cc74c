import type { DefinitionCondition, DefinitionStatus } from './definition.ts'

/** `status` with `condition` in it; the transition time stays when the condition has the same status already. */
export function withCondition(status: DefinitionStatus, condition: DefinitionCondition): DefinitionStatus {
  const conditions = status.conditions ?? []
  const old = conditions.find(({ type }) => type === condition.type)
  const next =
    old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition
  return {
    ...status,
    conditions:
      old === undefined ? [...conditions, next] : conditions.map((candidate) => (candidate === old ? next : candidate)),
  }
}
