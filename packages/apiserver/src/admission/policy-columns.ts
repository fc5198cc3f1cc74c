import { column } from '../builtins/cells.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { TableColumn } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { records } from './expressions.ts'
import { policyNameOf } from './policy.ts'

const UNSET = '<unset>'

function specOf({ spec }: AnyObject): Record<string, unknown> {
  return isRecord(spec) ? spec : {}
}

/** How kubectl shows policies. */
export const policyColumns: readonly TableColumn[] = [
  nameColumn,
  column('Validations', (object) => records(specOf(object)['validations']).length, 'integer'),
  column('ParamKind', (object) => {
    const kind = specOf(object)['paramKind']
    return isRecord(kind) ? `${String(kind['apiVersion'])}/${String(kind['kind'])}` : UNSET
  }),
  ageColumn,
]

/** How kubectl shows bindings of policies. */
export const policyBindingColumns: readonly TableColumn[] = [
  nameColumn,
  column('PolicyName', policyNameOf),
  column('ParamRef', (object) => {
    const reference = specOf(object)['paramRef']
    if (!isRecord(reference)) return UNSET
    const { name, namespace } = reference
    if (typeof name !== 'string' || name === '') return '*'
    return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name
  }),
  ageColumn,
]
