import type { Json } from '@locktender/kube'

export interface StructuralSchema {
  type?: string
  description?: string
  format?: string
  pattern?: string
  enum?: Json[]
  default?: Json
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
  items?: StructuralSchema
  properties?: Record<string, StructuralSchema>
  additionalProperties?: StructuralSchema | boolean
  required?: string[]
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-validations'?: { rule: string; message?: string }[]
}
