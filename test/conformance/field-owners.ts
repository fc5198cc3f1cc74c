import type { Answer, ManagedFields, Obj } from './answer.ts'
import type { T } from './case.ts'
import { absent, exactly, including, timestamp } from './match.ts'

export const V1 = 'example.com/v1'

/** One entry of managedFields to expect, whole. */
interface Owner {
  readonly manager: string
  readonly operation: string
  readonly apiVersion?: string
  readonly subresource?: string
  readonly fields: object
  /** The entry has no time: this manager came when its values were there already. */
  readonly timeless?: boolean
}

export function applier(manager: string, fields: object, more: Partial<Owner> = {}): Owner {
  return { manager, operation: 'Apply', fields, ...more }
}

export function updater(manager: string, fields: object, more: Partial<Owner> = {}): Owner {
  return { manager, operation: 'Update', fields, ...more }
}

/** Exactly these own fields of the object, in any order: entries of the same second are sorted by name. */
export function owned(t: T, object: Obj, owners: readonly Owner[]): void {
  const key = (entry: ManagedFields | Owner): string =>
    [entry.operation, entry.manager, entry.apiVersion ?? V1, entry.subresource ?? ''].join(' ')
  const inOrder = <E extends ManagedFields | Owner>(entries: readonly E[]): E[] =>
    entries.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
  const expected = inOrder(owners).map(({ manager, operation, apiVersion = V1, subresource, fields, timeless }) => ({
    manager,
    operation,
    apiVersion,
    time: timeless === true ? absent : timestamp,
    fieldsType: 'FieldsV1',
    fieldsV1: exactly(fields),
    subresource: subresource ?? absent,
  }))
  t.match(inOrder(object.metadata.managedFields ?? []), expected, 'managedFields')
}

/** Refused because others own fields: pairs of what is said of the owner, and the field. */
export function conflicts(answer: Answer, ...pairs: readonly (readonly [who: string, field: string])[]): void {
  const causes = pairs.map(([who, field]) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field,
  }))
  answer.refuses(409, 'Conflict', { details: { causes: including(...causes) } })
  const { causes: found } = answer.json<{ details: { causes: unknown[] } }>().details
  if (found.length !== causes.length) answer.fail(`there must be ${causes.length} causes`)
  if (pairs.length === 1) {
    answer.has({ message: `Apply failed with 1 conflict: conflict with ${pairs[0]![0]}: ${pairs[0]![1]}` })
  }
}

/** Applies no field. */
export const nothing = { apiVersion: V1, kind: 'Widget', metadata: { name: 'w' } }
export const timeless = { timeless: true }
export const spec = (fields: object): object => ({ 'f:spec': fields })
export const item = (...fields: readonly string[]): object =>
  Object.fromEntries([['.', {}], ...fields.map((field) => [`f:${field}`, {}])])
