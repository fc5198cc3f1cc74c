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

/** Where the number of replicas is found in objects: paths of fields, `.spec.replicas`. */
export interface ScalePaths {
  specReplicasPath: string
  statusReplicasPath: string
  labelSelectorPath?: string
}

export interface DefinitionVersion {
  name: string
  served: boolean
  storage: boolean
  deprecated?: boolean
  deprecationWarning?: string
  schema?: { openAPIV3Schema?: StructuralSchema }
  subresources?: { status?: object; scale?: ScalePaths }
  additionalPrinterColumns?: PrinterColumn[]
  selectableFields?: { jsonPath: string }[]
}

export interface DefinitionCondition extends Omit<Condition, 'observedGeneration'> {}

export interface DefinitionStatus {
  conditions?: DefinitionCondition[]
  acceptedNames?: DefinitionNames
  storedVersions?: string[]
}

/** How to reach a webhook: by its URL, or by a Service of the cluster. */
export interface WebhookClientConfig {
  url?: string
  service?: { namespace: string; name: string; path?: string; port?: number }
  /** PEM in base64. */
  caBundle?: string
}

export interface DefinitionConversion {
  strategy: string
  webhook?: { clientConfig?: WebhookClientConfig; conversionReviewVersions?: string[] }
}

export interface DefinitionSpec {
  group: string
  scope: 'Namespaced' | 'Cluster'
  names: DefinitionNames
  versions: DefinitionVersion[]
  conversion?: DefinitionConversion
  preserveUnknownFields?: boolean
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export interface CustomResourceDefinition extends KubeObject {
  spec: DefinitionSpec
  status?: DefinitionStatus
}

/** Holds a definition back until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

export function isEstablished(definition: CustomResourceDefinition): boolean {
  return isTrue(definition, 'Established')
}

/** Whether a definition has all the names it asks for. */
export function areNamesAccepted(definition: CustomResourceDefinition): boolean {
  return isTrue(definition, 'NamesAccepted')
}

function isTrue({ status }: CustomResourceDefinition, condition: string): boolean {
  return status?.conditions?.some((one) => one.type === condition && one.status === 'True') ?? false
}
