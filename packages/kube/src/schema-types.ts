import type { Json } from './types.ts'

/** One CEL rule of a schema node; kept with the schema, evaluated elsewhere. */
export interface SchemaRule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

/**
 * The subset of OpenAPI v3 JSON schema that structural schemas of custom resources use, with the Kubernetes
 * extensions that steer pruning, defaulting and merging. Inside `allOf`, `anyOf`, `oneOf` and `not` only
 * value validations count.
 */
export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  format?: string
  title?: string
  description?: string
  default?: Json
  example?: Json
  nullable?: boolean
  enum?: Json[]

  properties?: Record<string, StructuralSchema>
  additionalProperties?: StructuralSchema | boolean
  required?: string[]
  minProperties?: number
  maxProperties?: number

  items?: StructuralSchema
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean

  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number

  minLength?: number
  maxLength?: number
  pattern?: string

  allOf?: StructuralSchema[]
  anyOf?: StructuralSchema[]
  oneOf?: StructuralSchema[]
  not?: StructuralSchema

  externalDocs?: { description?: string; url?: string }

  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  /** `set` and `map` merge item by item; absent means `atomic`. */
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: 'atomic' | 'granular'
  'x-kubernetes-validations'?: SchemaRule[]
  /** Older spelling of merging lists, found in the schemas of built-in kinds. */
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-patch-merge-key'?: string
}
