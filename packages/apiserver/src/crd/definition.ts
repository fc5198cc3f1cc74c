import type { Condition, KubeObject, StructuralSchema } from '@locktender/kube'

/** Names under which a custom resource is found. */
export interface DefinitionNames {
  plural: string
  singular?: string
  kind: string
  listKind?: string
  shortNames?: string[]
  categories?: string[]
}

export interface PrinterColumn {
  name: string
  type: string
  format?: string
  description?: string
  priority?: number
  jsonPath: string
}

export interface DefinitionVersion {
  name: string
  served: boolean
  storage: boolean
  deprecated?: boolean
  deprecationWarning?: string
  schema?: { openAPIV3Schema?: StructuralSchema }
  subresources?: { status?: object; scale?: object }
  additionalPrinterColumns?: PrinterColumn[]
  selectableFields?: { jsonPath: string }[]
}

export interface DefinitionCondition extends Omit<Condition, 'observedGeneration'> {}

export interface DefinitionStatus {
  conditions?: DefinitionCondition[]
  acceptedNames?: DefinitionNames
  storedVersions?: string[]
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string
    scope: 'Namespaced' | 'Cluster'
    names: DefinitionNames
    versions: DefinitionVersion[]
    conversion?: { strategy: string }
    preserveUnknownFields?: boolean
  }
  status?: DefinitionStatus
}

/** Holds a definition back until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

export function isEstablished(definition: CustomResourceDefinition): boolean {
  return definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
}
