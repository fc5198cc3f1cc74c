import { fieldForbidden, fieldInvalid } from '@locktender/kube'
import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { checkRules } from '../cel/check-rules.ts'
import { checkDefaultByRules } from '../cel/check-default.ts'
import { validateDefaults } from '../schema/schema-defaults.ts'
import { validateSchemaDocument } from '../schema/schema-document.ts'
import { isSet, validateStructural } from '../schema/structural.ts'

/** Keywords that keep their meaning when status is validated on its own, in the order in which they are named. */
const besideStatus: ReadonlyMap<string, string> = new Map([
  ['description', 'Description'],
  ['type', 'Type'],
  ['format', 'Format'],
  ['title', 'Title'],
  ['maximum', 'Maximum'],
  ['exclusiveMaximum', 'ExclusiveMaximum'],
  ['minimum', 'Minimum'],
  ['exclusiveMinimum', 'ExclusiveMinimum'],
  ['maxLength', 'MaxLength'],
  ['minLength', 'MinLength'],
  ['pattern', 'Pattern'],
  ['maxItems', 'MaxItems'],
  ['minItems', 'MinItems'],
  ['uniqueItems', 'UniqueItems'],
  ['multipleOf', 'MultipleOf'],
  ['required', 'Required'],
  ['items', 'Items'],
  ['properties', 'Properties'],
  ['externalDocs', 'ExternalDocs'],
  ['example', 'Example'],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields'],
  ['x-kubernetes-validations', 'XValidations'],
])

/** Keywords that no version of an API server knows in definitions. */
const unsupported = ['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems', 'definitions']

/**
 * Everything an API server asks of the schema of a definition. `path` is that of the field `openAPIV3Schema`; `status`
 * tells whether status has its own endpoint.
 */
export function validateSchema(schema: StructuralSchema, path: string, status: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (status) errors.push(...validateRoot(schema, path))
  if (schema.nullable === true) errors.push(fieldForbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  const { errors: findings, ruleNodes } = validateSchemaDocument(schema, path)
  const keyword = unsupportedKeyword(schema)
  if (keyword !== undefined) {
    if (errors.length > 0 || findings.length > 0) return [...errors, ...findings]
    return [fieldInvalid(path, '', `OpenAPIV3Schema '${keyword.replace('$schema', 'schema')}' is not supported`)]
  }
  const structural = validateStructural(schema, path)
  // Defaults and rules are judged by the schema, which must make sense first.
  const defaults = structural.length > 0 ? [] : validateDefaults(schema, path, checkDefaultByRules)
  errors.push(...structural, ...defaults, ...findings)
  if (structural.length === 0 && defaults.length === 0) errors.push(...checkRules(ruleNodes, path))
  return errors
}

function validateRoot(schema: StructuralSchema, path: string): FieldError[] {
  for (const [keyword, value] of Object.entries(schema)) {
    if (!isSet(value)) continue
    if (keyword === 'type') {
      if (value === 'object') continue
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      return [fieldInvalid(`${path}.type`, value as Json, why)]
    }
    if (besideStatus.has(keyword)) continue
    const fields = [...besideStatus.values()].join(' ')
    const why = `only [${fields}] fields are allowed at the root of the schema if the status subresource is enabled`
    return [fieldInvalid(path, schema as Json, why)]
  }
  return []
}

/** A keyword of JSON schema that is not supported, anywhere in the schema. */
function unsupportedKeyword(schema: StructuralSchema): string | undefined {
  const own = unsupported.find((keyword) => isSet((schema as Readonly<Record<string, unknown>>)[keyword]))
  if (own !== undefined) return own
  for (const part of partsOf(schema)) {
    const found = unsupportedKeyword(part)
    if (found !== undefined) return found
  }
  return undefined
}

function partsOf(schema: StructuralSchema): StructuralSchema[] {
  const { properties = {}, items, additionalProperties, allOf = [], anyOf = [], oneOf = [], not } = schema
  return [...Object.values(properties), items, additionalProperties, ...allOf, ...anyOf, ...oneOf, not].filter(
    (part): part is StructuralSchema => typeof part === 'object' && part !== null && !Array.isArray(part),
  )
}
