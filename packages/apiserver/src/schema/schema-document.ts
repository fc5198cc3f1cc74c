import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError, Json, SchemaRule, StructuralSchema } from '@locktender/kube'
import { fieldPathError } from './field-path.ts'
import { isSet } from './structural.ts'
import { isSchema } from './walk.ts'

/** A node with rules in the Common Expression Language, all of whose schema is in order. */
export interface RuleNode {
  readonly schema: StructuralSchema
  readonly path: string
  /** Whether the node is a whole Kubernetes object. */
  readonly isResource: boolean
  /** How often the node can occur in one object; undefined when a list or map above has no limit. */
  readonly cardinality: number | undefined
  /** The outermost node around it whose parts cannot be told apart between two versions of an object. */
  readonly uncorrelatable: string | undefined
}

export interface DocumentFindings {
  readonly errors: FieldError[]
  /** In the order in which a reader meets them. */
  readonly ruleNodes: RuleNode[]
}

/** What a node inherits from the nodes around it. */
interface Scope {
  readonly isRoot: boolean
  /** Inside apiVersion, kind or metadata of an object. */
  readonly insideMeta: boolean
  /** Why there must be no defaults; undefined where they are allowed. */
  readonly noDefaults: string | undefined
  readonly uncorrelatable: string | undefined
  readonly cardinality: number | undefined
  /** Rules of alternatives are not looked at; they are refused elsewhere. */
  readonly collectRules: boolean
}

/** An OpenAPI schema as anybody may send it, with the keywords that are not supported. */
type Document = StructuralSchema & Readonly<Record<string, unknown>>

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion'])

/**
 * Everything an API server asks of the schema of a CustomResourceDefinition beyond being structural: known keywords
 * only, lists and maps that can be merged, defaults where they can be applied, rules that say what they must.
 */
export function validateSchemaDocument(schema: StructuralSchema, path: string): DocumentFindings {
  const findings: DocumentFindings = { errors: [], ruleNodes: [] }
  checkNode(schema as Document, path, findings, {
    isRoot: true,
    insideMeta: false,
    noDefaults: undefined,
    uncorrelatable: undefined,
    cardinality: 1,
    collectRules: true,
  })
  return findings
}

function checkNode(schema: Document, path: string, findings: DocumentFindings, scope: Scope): void {
  const { errors, ruleNodes } = findings
  const before = errors.length
  checkKeywords(schema, path, scope, errors)
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(fieldForbidden(`${path}.uniqueItems`, why))
  }
  checkAdditionalProperties(schema, path, findings, scope)
  checkProperties(schema, path, findings, scope)
  checkAlternatives(schema, path, findings, scope)
  checkItems(schema, path, findings, scope)
  checkExtensions(schema, path, errors)
  checkListType(schema, path, errors)
  const rules = schema['x-kubernetes-validations'] ?? []
  rules.forEach((rule, index) => {
    checkRule(schema, rule, `${path}.x-kubernetes-validations[${index}]`, errors)
  })
  // Types of a schema with mistakes would only confuse whoever reads what is said about the rules.
  if (rules.length === 0 || !scope.collectRules || errors.length > before) return
  const isResource = scope.isRoot || schema['x-kubernetes-embedded-resource'] === true
  const { cardinality, uncorrelatable } = scope
  ruleNodes.push({ schema, path, isResource, cardinality, uncorrelatable })
}

function checkKeywords(schema: Document, path: string, scope: Scope, errors: FieldError[]): void {
  const { type = '' } = schema
  if (type !== ('' as string) && !types.includes(type)) errors.push(fieldNotSupported(`${path}.type`, type, types))
  if (schema.default !== undefined && schema.default !== null && scope.noDefaults !== undefined) {
    errors.push(fieldForbidden(`${path}.default`, `must not be set ${scope.noDefaults}`))
  }
  for (const keyword of [
    'id',
    'additionalItems',
    'patternProperties',
    'definitions',
    'dependencies',
    '$ref',
  ] as const) {
    if (isSet(schema[keyword])) errors.push(fieldForbidden(`${path}.${keyword}`, `${keyword} is not supported`))
  }
  if ((type as string) === 'null') {
    errors.push(fieldForbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'))
  }
  if (Array.isArray(schema.items)) {
    errors.push(fieldForbidden(`${path}.items`, 'items must be a schema object and not an array'))
  }
  if (scope.insideMeta && schema['x-kubernetes-embedded-resource'] === true) {
    errors.push(fieldForbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  }
}

/** How much often a part of the node can occur than the node itself; undefined without a limit. */
function factorOf(schema: StructuralSchema): number | undefined {
  const limit = (max: number | undefined): number | undefined => (max === undefined ? undefined : Math.max(0, max))
  if (schema.type === 'array') return limit(schema.maxItems)
  if (schema.type === 'object' && schema.additionalProperties !== undefined) return limit(schema.maxProperties)
  return 1
}

function below(schema: StructuralSchema, scope: Scope): Scope {
  const factor = factorOf(schema)
  const cardinality = factor === undefined || scope.cardinality === undefined ? undefined : scope.cardinality * factor
  return { ...scope, isRoot: false, cardinality }
}

function checkAdditionalProperties(schema: Document, path: string, findings: DocumentFindings, scope: Scope): void {
  const { additionalProperties, properties = {} } = schema
  if (additionalProperties === undefined) return
  const at = `${path}.additionalProperties`
  if (Object.keys(properties).length > 0 && additionalProperties !== true) {
    findings.errors.push(fieldForbidden(at, 'additionalProperties and properties are mutual exclusive'))
  }
  if (!isSchema(additionalProperties)) return
  checkNode(additionalProperties as Document, at, findings, {
    ...below(schema, scope),
    // Which parts of a default would be kept depends on the object it is applied to.
    noDefaults: scope.insideMeta ? 'inside additionalProperties applying to object metadata' : scope.noDefaults,
  })
}

function checkProperties(schema: Document, path: string, findings: DocumentFindings, scope: Scope): void {
  const isResource = scope.isRoot || schema['x-kubernetes-embedded-resource'] === true
  const inner = below(schema, scope)
  const mapType = schema['x-kubernetes-map-type']
  const correlates = mapType === undefined || mapType === 'granular' || mapType === 'atomic'
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = isResource && metaFields.has(name)
    checkNode(property as Document, `${path}.properties[${name}]`, findings, {
      ...inner,
      uncorrelatable: inner.uncorrelatable ?? (correlates ? undefined : path),
      insideMeta: inner.insideMeta || isMeta,
      noDefaults: isMeta && scope.isRoot ? `in top-level ${name}` : inner.noDefaults,
    })
  }
}

function checkAlternatives(schema: Document, path: string, findings: DocumentFindings, scope: Scope): void {
  const inner: Scope = { ...scope, isRoot: false, collectRules: false }
  if (schema.not !== undefined) checkNode(schema.not as Document, `${path}.not`, findings, inner)
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[junctor]?.forEach((part, index) => {
      checkNode(part as Document, `${path}.${junctor}[${index}]`, findings, inner)
    })
  }
}

function checkItems(schema: Document, path: string, findings: DocumentFindings, scope: Scope): void {
  if (schema.items === undefined || Array.isArray(schema.items)) return
  const inner = below(schema, scope)
  const correlates = schema['x-kubernetes-list-type'] === 'map'
  checkNode(schema.items as Document, `${path}.items`, findings, {
    ...inner,
    uncorrelatable: inner.uncorrelatable ?? (correlates ? undefined : path),
  })
}

function checkExtensions(schema: Document, path: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(fieldInvalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return
  if (schema.type !== 'object') {
    errors.push(wrongType(path, schema.type, 'must be object if x-kubernetes-map-type is specified'))
  }
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(fieldNotSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
  }
}

function wrongType(path: string, type: string | undefined, why: string): FieldError {
  const at = `${path}.type`
  return type === undefined || type === '' ? fieldRequired(at, why) : fieldInvalid(at, type, why)
}

function checkListType(schema: Document, path: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-type`
  const items = isSchema(schema.items) && !Array.isArray(schema.items) ? schema.items : undefined
  if (listType !== undefined && schema.type !== 'array') {
    errors.push(wrongType(path, schema.type, 'must be array if x-kubernetes-list-type is specified'))
  } else if (listType === 'set' && items !== undefined) {
    checkSetItems(items, path, errors)
  }
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(fieldNotSupported(at, listType, ['atomic', 'set', 'map']))
  }
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? fieldRequired(at, why) : fieldInvalid(at, listType, why))
  }
  if (listType === 'map') checkMapKeys(items, keys, path, errors)
  if (items === undefined || (listType !== 'set' && listType !== 'map')) return
  if (items.nullable === true) {
    const why = `cannot be nullable when x-kubernetes-list-type is ${listType}`
    errors.push(fieldForbidden(`${path}.items.nullable`, why))
  }
  if (listType === 'map') checkKeysPresent(items, keys, path, errors)
}

function checkSetItems(items: StructuralSchema, path: string, errors: FieldError[]): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const { 'x-kubernetes-list-type': listType, 'x-kubernetes-map-type': mapType } = items
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    errors.push(fieldInvalid(`${path}.items.x-kubernetes-list-type`, listType, why))
  }
  if (items.type === 'object' && mapType !== 'atomic') {
    // It is the list type that is shown, here as well as there.
    errors.push(fieldInvalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, why))
  }
}

function checkMapKeys(
  items: StructuralSchema | undefined,
  keys: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  const at = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(fieldRequired(at, 'must not be empty if x-kubernetes-list-type is map'))
  if (items === undefined) {
    errors.push(fieldRequired(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
    return
  }
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map"
    errors.push(fieldInvalid(`${path}.items.type`, items.type ?? '', why))
    return
  }
  const seen = new Set<string>()
  for (const key of keys) {
    const property = items.properties?.[key]
    if (property === undefined) {
      errors.push(fieldInvalid(at, [...keys], 'entries must all be names of item properties'))
    } else if (property.type === 'array' || property.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(fieldInvalid(`${path}.items.properties[${key}].type`, items.type, why))
    }
    if (seen.has(key)) errors.push(fieldInvalid(at, [...keys], 'must not contain duplicate entries'))
    seen.add(key)
  }
}

/** Items of a list that is a map can only be told apart by keys that are always there. */
function checkKeysPresent(items: StructuralSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  for (const key of keys) {
    const property = items.properties?.[key]
    if (property === undefined) continue
    const at = `${path}.items.properties[${key}]`
    const what = 'this property is in x-kubernetes-list-map-keys, so it'
    if (property.default === undefined && !(items.required ?? []).includes(key)) {
      errors.push(fieldRequired(`${at}.default`, `${what} must have a default or be a required property`))
    }
    if (property.nullable === true) errors.push(fieldForbidden(`${at}.nullable`, `${what} cannot be nullable`))
  }
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const lineBreak = /[\n\r]/

function checkRule(schema: StructuralSchema, rule: SchemaRule, path: string, errors: FieldError[]): void {
  const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
  const message = text(rule.message)
  const words = message.trim()
  const expression = text(rule.rule).trim()
  if (expression === '') {
    errors.push(fieldRequired(`${path}.rule`, 'rule is not specified'))
  } else if (message !== '' && words === '') {
    errors.push(fieldInvalid(`${path}.message`, message, 'must be non-empty if specified'))
  } else if (lineBreak.test(words)) {
    errors.push(fieldInvalid(`${path}.message`, message, 'must not contain line breaks'))
  } else if (lineBreak.test(expression) && words === '') {
    errors.push(fieldRequired(`${path}.message`, 'message must be specified if rule contains line breaks'))
  }
  const messageExpression = text(rule.messageExpression)
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(fieldRequired(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'))
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    errors.push(fieldNotSupported(`${path}.reason`, rule.reason, reasons))
  }
  const fieldPath = text(rule.fieldPath)
  if (fieldPath === '') return
  const at = `${path}.fieldPath`
  if (fieldPath.trim() === '') errors.push(fieldInvalid(at, fieldPath, 'must be non-empty if specified'))
  if (lineBreak.test(fieldPath)) errors.push(fieldInvalid(at, fieldPath, 'must not contain line breaks'))
  if (fieldPathError(fieldPath, schema) !== undefined) {
    errors.push(fieldInvalid(at, fieldPath, 'must be a valid path'))
  }
}
