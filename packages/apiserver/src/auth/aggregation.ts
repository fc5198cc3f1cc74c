import { deepEqual, labelSelectorFrom } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { PolicyRule } from './policy-rules.ts'

/** Whether `role` gathers the rules of `other`. */
export function gathers(role: AnyObject, other: AnyObject): boolean {
  return role.metadata.name !== other.metadata.name && selectorsOf(role).some((matches) => matches(other))
}

/**
 * The rules a role with an aggregation rule has: those of all roles that one of its selectors matches, by name, each
 * once. Undefined for a role without one, which says itself what it allows.
 */
export function aggregatedRules(role: AnyObject, roles: Iterable<AnyObject>): PolicyRule[] | undefined {
  if (!isRecord(role['aggregationRule'])) return undefined
  const sources = [...roles].toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
  const rules: PolicyRule[] = []
  for (const matches of selectorsOf(role)) {
    for (const source of sources) {
      if (source.metadata.name === role.metadata.name || !matches(source)) continue
      for (const rule of (source['rules'] as PolicyRule[] | null | undefined) ?? []) {
        if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule)
      }
    }
  }
  return rules
}

function selectorsOf(role: AnyObject): ((other: AnyObject) => boolean)[] {
  const aggregation = role['aggregationRule']
  const selectors = isRecord(aggregation) ? aggregation['clusterRoleSelectors'] : undefined
  if (!Array.isArray(selectors)) return []
  return selectors.map((selector: Parameters<typeof labelSelectorFrom>[0]) => {
    const parsed = labelSelectorFrom(selector)
    return ({ metadata }) => parsed.matches(metadata.labels ?? {})
  })
}
