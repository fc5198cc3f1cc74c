import type { KubeObject, StructuralSchema } from '@locktender/kube'
import type { Column, KindDefinition } from './kind.ts'
import { KINDS } from './kinds/all.ts'

/** apiextensions.k8s.io/v1, the part used here. */
export interface CustomResourceDefinition extends KubeObject {
  readonly spec: {
    readonly group: string
    readonly scope: 'Namespaced' | 'Cluster'
    readonly names: {
      readonly plural: string
      readonly singular: string
      readonly kind: string
      readonly listKind: string
      readonly shortNames: string[]
      readonly categories?: string[]
    }
    readonly versions: {
      readonly name: string
      readonly served: boolean
      readonly storage: boolean
      readonly schema: { readonly openAPIV3Schema: StructuralSchema }
      readonly subresources?: { readonly status: Record<string, never> }
      readonly additionalPrinterColumns: Column[]
    }[]
  }
}

/** The CustomResourceDefinitions of Locktender's own kinds, to be applied to the hub. */
export function crds(): CustomResourceDefinition[] {
  return KINDS.map((kind) => crd(kind, ['locktender']))
}

/** The CustomResourceDefinition of one kind, in the given categories of `kubectl get`. */
export function crd(definition: KindDefinition, categories: string[]): CustomResourceDefinition {
  const { resource, spec, status, columns } = definition
  const properties: Record<string, StructuralSchema> = {
    apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
    kind: { type: 'string', description: 'Kind of this object.' },
    // Kubernetes knows what is in it, and allows a definition to say no more.
    metadata: { type: 'object' },
    spec: spec.structural,
    ...(status === undefined ? {} : { status: status.structural }),
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource.plural}.${resource.group}` },
    spec: {
      group: resource.group,
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        plural: resource.plural,
        singular: resource.kind.toLowerCase(),
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        shortNames: [...definition.shortNames],
        ...(categories.length === 0 ? {} : { categories }),
      },
      versions: [
        {
          name: resource.version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: definition.description,
              ...(definition.specOptional === true ? {} : { required: ['spec'] }),
              properties,
            },
          },
          ...(status === undefined ? {} : { subresources: { status: {} } }),
          additionalPrinterColumns: columns.map((column) => ({ ...column })),
        },
      ],
    },
  }
}
