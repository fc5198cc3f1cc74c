import {
  deepEqual,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
  fieldDuplicate,
} from '@locktender/kube'
import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { dnsLabelError, dnsSubdomainError } from '../objects/dns-names.ts'
import { findField } from '../schema/field-path.ts'
import { validateApproval } from './approval.ts'
import { isEstablished } from './definition.ts'
import type {
  CustomResourceDefinition,
  DefinitionSpec,
  DefinitionVersion,
  PrinterColumn,
  ScalePaths,
} from './definition.ts'
import { validateNames } from './names.ts'
import { validateConversion } from './validate-conversion.ts'
import { validateSchema } from './validate-schema.ts'

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const MAX_SELECTABLE_FIELDS = 8

/** What is wrong with a definition, in the words of an API server. */
export function validateDefinition(
  definition: CustomResourceDefinition,
  live: CustomResourceDefinition | undefined,
): FieldError[] {
  const errors: FieldError[] = []
  const { spec, metadata } = definition
  // The names of an object never change, so they were right when it was made.
  if (live === undefined) {
    if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
      errors.push(fieldInvalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
    }
  }
  // A stricter server must not lock up definitions it has accepted before.
  if (live === undefined || !deepEqual(spec, live.spec)) {
    errors.push(...validateSpec(spec, live?.spec), ...validateStoredVersions(definition))
  }
  if (live !== undefined) errors.push(...validateImmutable(spec, live))
  errors.push(...validateApproval(definition, live))
  if (spec.preserveUnknownFields === true && live?.spec.preserveUnknownFields !== true) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(fieldInvalid('spec.preserveUnknownFields', true, why))
  }
  return errors
}

function validateSpec(spec: DefinitionSpec, liveSpec: DefinitionSpec | undefined): FieldError[] {
  const { group, scope, names, versions } = spec
  const errors: FieldError[] = []
  const groupError = dnsSubdomainError(group)
  if (group === '') errors.push(fieldRequired('spec.group'))
  else if (groupError !== undefined) errors.push(fieldInvalid('spec.group', group, groupError))
  else if (!group.includes('.')) {
    errors.push(fieldInvalid('spec.group', group, 'should be a domain with at least one dot'))
  }
  if ((scope as string) === '') errors.push(fieldRequired('spec.scope'))
  else if (scope !== 'Namespaced' && scope !== 'Cluster') {
    errors.push(fieldNotSupported('spec.scope', scope, ['Cluster', 'Namespaced']))
  }
  errors.push(...validateVersions(versions, liveSpec))
  errors.push(...validateNames(names, 'spec.names'))
  errors.push(...validateConversion(spec.conversion))
  return errors
}

function validateVersions(versions: readonly DefinitionVersion[], liveSpec: DefinitionSpec | undefined): FieldError[] {
  const errors: FieldError[] = []
  const place = placesOf(versions)
  for (const [index, version] of versions.entries()) {
    const why = dnsLabelError(version.name)
    if (why !== undefined) errors.push(fieldInvalid(`spec.versions[${index}].name`, version.name, why))
    const { schema } = version
    const field = `${place('schema', index)}.openAPIV3Schema`
    if (schema?.openAPIV3Schema === undefined) {
      errors.push(fieldRequired(`spec.versions[${index}].schema.openAPIV3Schema`))
    }
    errors.push(...validateDeprecation(version, `spec.versions[${index}].deprecationWarning`))
    const known = liveSpec?.versions.find(({ name }) => name === version.name)?.schema?.openAPIV3Schema
    // What is the same for all versions is said once.
    if (schema?.openAPIV3Schema !== undefined && !(index > 0 && place.isShared('schema'))) {
      const status = version.subresources?.status !== undefined
      if (!deepEqual(schema.openAPIV3Schema, known))
        errors.push(...validateSchema(schema.openAPIV3Schema, field, status))
    }
    if (!(index > 0 && place.isShared('subresources')) && version.subresources?.scale !== undefined) {
      errors.push(...validateScale(version.subresources.scale, `${place('subresources', index)}.scale`))
    }
    if (!(index > 0 && place.isShared('additionalPrinterColumns'))) {
      version.additionalPrinterColumns?.forEach((column, at) => {
        errors.push(...validateColumn(column, `${place('additionalPrinterColumns', index)}[${at}]`))
      })
    }
    if (!(index > 0 && place.isShared('selectableFields'))) {
      errors.push(...validateSelectable(version, place('selectableFields', index), liveSpec))
    }
  }
  const names = versions.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    errors.push(fieldInvalid('spec.versions', shownVersions(versions, place), 'must contain unique version names'))
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    const why = 'must have exactly one version marked as storage version'
    errors.push(fieldInvalid('spec.versions', shownVersions(versions, place), why))
  }
  return errors
}

/** Versions as an API server shows them, with the field names of its own code and without what they share. */
function shownVersions(versions: readonly DefinitionVersion[], places: Places): Json {
  return versions.map((version) => {
    const own = (part: Shareable): Json => (places.isShared(part) ? null : ((version[part] ?? null) as Json))
    return {
      Name: version.name,
      Served: version.served,
      Storage: version.storage,
      Deprecated: version.deprecated ?? false,
      DeprecationWarning: version.deprecationWarning ?? null,
      Schema: own('schema'),
      Subresources: own('subresources'),
      AdditionalPrinterColumns: own('additionalPrinterColumns'),
      SelectableFields: own('selectableFields'),
    }
  })
}

type Shareable = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'

interface Places {
  (part: Shareable, index: number): string
  isShared(part: Shareable): boolean
}

/** Where an API server sees the parts of versions: parts all versions have in common belong to the definition itself. */
function placesOf(versions: readonly DefinitionVersion[]): Places {
  const isShared = (part: Shareable): boolean =>
    versions.every((version) => deepEqual(version[part], versions[0]![part]))
  const place = (part: Shareable, index: number): string => {
    if (!isShared(part)) return `spec.versions[${index}].${part}`
    return part === 'schema' ? 'spec.validation' : `spec.${part}`
  }
  return Object.assign(place, { isShared })
}

function validateDeprecation({ deprecated, deprecationWarning }: DefinitionVersion, field: string): FieldError[] {
  if (deprecationWarning === undefined) return []
  const wrong: string[] = []
  if (deprecated !== true) wrong.push('can only be set for deprecated versions')
  else {
    if (Buffer.byteLength(deprecationWarning) > 256) wrong.push('must be <= 256 characters long')
    if (deprecationWarning === '') wrong.push('must not be an empty string')
    const at = deprecationWarning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u)
    if (at !== -1) {
      const index = Buffer.byteLength(deprecationWarning.slice(0, at))
      wrong.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`)
    }
  }
  return wrong.map((why) => fieldInvalid(field, deprecationWarning, why))
}

function validateScale(scale: ScalePaths, field: string): FieldError[] {
  const errors: FieldError[] = []
  const check = (name: keyof ScalePaths, roots: readonly string[], where: string): void => {
    const path = scale[name] ?? ''
    const at = `${field}.${name}`
    const wrong = simplePathError(path, at)
    if (path === '') errors.push(fieldRequired(at))
    else if (wrong !== undefined) errors.push(wrong)
    else if (!roots.some((root) => path.startsWith(root))) {
      errors.push(fieldInvalid(at, path, `should be a json path under ${where}`))
    }
  }
  check('specReplicasPath', ['.spec.'], '.spec')
  check('statusReplicasPath', ['.status.'], '.status')
  if ((scale.labelSelectorPath ?? '') !== '') {
    check('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status')
  }
  return errors
}

function simplePathError(path: string, field: string): FieldError | undefined {
  if (path === '') return fieldInvalid(field, path, 'must not be empty')
  return path.startsWith('.') ? undefined : fieldInvalid(field, path, 'must be a simple json path starting with .')
}

function validateColumn({ name, type, format, jsonPath }: PrinterColumn, field: string): FieldError[] {
  const errors: FieldError[] = []
  const types = `must be one of ${COLUMN_TYPES.join(',')}`
  if ((name ?? '') === '') errors.push(fieldRequired(`${field}.name`))
  if ((type ?? '') === '') errors.push(fieldRequired(`${field}.type`, types))
  else if (!COLUMN_TYPES.includes(type)) errors.push(fieldInvalid(`${field}.type`, type, types))
  if (format !== undefined && format !== '' && !COLUMN_FORMATS.includes(format)) {
    errors.push(fieldInvalid(`${field}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`))
  }
  // The name it had before v1, as an API server calls it.
  const at = `${field}.JSONPath`
  const wrong = (jsonPath ?? '') === '' ? fieldRequired(at) : simplePathError(jsonPath, at)
  if (wrong !== undefined) errors.push(wrong)
  return errors
}

function validateSelectable(
  { name, schema, selectableFields = [] }: DefinitionVersion,
  field: string,
  liveSpec: DefinitionSpec | undefined,
): FieldError[] {
  if (selectableFields.length === 0 || schema?.openAPIV3Schema === undefined) return []
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [index, { jsonPath = '' }] of selectableFields.entries()) {
    const at = `${field}[${index}].jsonPath`
    if (jsonPath === '') errors.push(fieldRequired(at))
    else errors.push(...validateSelectablePath(jsonPath, at, schema.openAPIV3Schema, seen))
  }
  const live = liveSpec?.versions.find((version) => version.name === name)
  if (seen.size > MAX_SELECTABLE_FIELDS && !deepEqual(live?.selectableFields, selectableFields)) {
    errors.push(fieldTooMany(field, seen.size, MAX_SELECTABLE_FIELDS))
  }
  return errors
}

function validateSelectablePath(
  jsonPath: string,
  field: string,
  schema: StructuralSchema,
  seen: Set<string>,
): FieldError[] {
  let found
  try {
    found = findField(jsonPath, schema, { brackets: false })
  } catch (error) {
    return [fieldInvalid(field, jsonPath, `is an invalid path: ${(error as Error).message}`)]
  }
  const errors: FieldError[] = []
  if (/^metadata\b/.test(found.path)) {
    errors.push(fieldInvalid(field, jsonPath, 'must not point to fields in metadata'))
  }
  if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? '')) {
    const why =
      'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
    errors.push(fieldInvalid(field, jsonPath, why))
  }
  if (seen.has(found.path)) errors.push(fieldDuplicate(field, jsonPath))
  seen.add(found.path)
  return errors
}

function validateImmutable({ group, scope, names }: DefinitionSpec, live: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = []
  const check = (field: string, now: string | undefined, before: string | undefined): void => {
    if (now !== before) errors.push(fieldInvalid(field, now, 'field is immutable'))
  }
  // Objects may be stored under these as soon as the definition is established.
  if (isEstablished(live)) {
    check('spec.scope', scope, live.spec.scope)
    check('spec.names.kind', names.kind, live.spec.names.kind)
  }
  check('spec.group', group, live.spec.group)
  check('spec.names.plural', names.plural, live.spec.names.plural)
  return errors
}

function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const field = 'status.storedVersions'
  const stored = status?.storedVersions ?? []
  if (stored.length === 0) return [fieldInvalid(field, undefined, 'must have at least one stored version')]
  const errors: FieldError[] = []
  const names = spec.versions.map(({ name }) => name)
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name)) {
      errors.push(fieldInvalid(field, [...stored], `must have the storage version ${name}`))
    }
  }
  for (const [index, version] of stored.entries()) {
    if (names.includes(version)) continue
    const why =
      `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a ` +
      `storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`
    errors.push(fieldInvalid(`${field}[${index}]`, version, why))
  }
  return errors
}
