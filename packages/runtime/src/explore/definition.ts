import type { KubeObject, Resource } from '@locktender/kube'

/** A JSON schema as a CustomResourceDefinition carries it. */
export type DefinitionSchema = Readonly<Record<string, unknown>>

/** Takes any fields. */
const ANYTHING: DefinitionSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/**
 * The CustomResourceDefinition of a resource with a status subresource. Without a schema every field is taken as it
 * comes; with one, `schema` is that of the whole object.
 */
export function definitionOf(resource: Resource, schema: DefinitionSchema = ANYTHING): KubeObject {
  const { group, version, plural, kind, namespaced } = resource
  const singular = kind.toLowerCase()
  const spec = {
    group,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    names: { plural, singular, kind, listKind: `${kind}List` },
    versions: [
      { name: version, served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
    ],
  }
  const metadata = { name: `${plural}.${group}` }
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata, spec }
  return definition
}
