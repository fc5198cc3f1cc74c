import { MEMBER, withMember } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import type { FieldType, MapType } from './field-type.ts'
import { withoutMetadataItself } from './owned-fields.ts'

/**
 * Adds the own path of every declared field that has members below it. Sets hold such fields through their contents
 * only, so without this an emptied struct would stay behind when everything in it is removed.
 */
export function withNamedFields(set: FieldSet | undefined, type: MapType): FieldSet | undefined {
  return set === undefined ? undefined : withoutMetadataItself(extend(set, { map: type }))
}

function extend(node: FieldSet, type: FieldType | undefined): FieldSet {
  const result: Record<string, FieldSet> = {}
  for (const element in node) {
    const child = node[element] ?? MEMBER
    if (element === '.') {
      result[element] = child
      continue
    }
    const field = element.startsWith('f:') ? type?.map?.fields.get(element.slice(2)) : undefined
    const childType = element.startsWith('f:') ? (field?.type ?? type?.map?.element) : type?.list?.element
    const extended = extend(child, childType)
    result[element] = field === undefined ? extended : withMember(extended)
  }
  return result
}
