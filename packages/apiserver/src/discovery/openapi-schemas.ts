import { apiVersionOf } from '@locktender/kube'
import type { StructuralSchema } from '@locktender/kube'
import { messageOfKind } from '../builtins/field-table.ts'
import {
  addComponents,
  addMetadataComponents,
  componentName,
  LIST_META,
  OBJECT_META,
  reference,
  TYPE_META,
} from '../builtins/openapi-components.ts'
import type { Component } from '../builtins/openapi-components.ts'
import type { ServedResource } from '../served-resource.ts'

/** Schemas of resources and of their lists, with all they refer to, by name. */
export function schemasOf(resources: readonly ServedResource[]): Record<string, Component> {
  const schemas: Record<string, Component> = {}
  addMetadataComponents(schemas)
  for (const served of resources) {
    const name = schemaName(served)
    if (served.custom) schemas[name] = customSchema(served)
    else schemas[addComponents(messageOf(served), schemas)] = builtInSchema(served, schemas[name]!)
    if (served.verbs.includes('list')) schemas[`${name}List`] = listSchema(served, name)
  }
  return schemas
}

export function schemaName(served: ServedResource): string {
  if (!served.custom) return componentName(messageOf(served).name)
  const { group, version, kind } = served.resource
  return `${group.split('.').toReversed().join('.')}.${version}.${kind}`
}

function messageOf({ resource }: ServedResource): NonNullable<ReturnType<typeof messageOfKind>> {
  return messageOfKind(apiVersionOf(resource), resource.kind)!
}

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** What `x-kubernetes-group-version-kind` says of a resource. */
export function kindOf({ resource: { group, version, kind } }: ServedResource): Kind {
  return { group, version, kind }
}

const METADATA = { description: 'Standard metadata of an object.', allOf: [reference(OBJECT_META)], default: {} }

function builtInSchema(served: ServedResource, schema: Component): Component {
  const properties = { ...(schema['properties'] as object), metadata: METADATA }
  return { ...schema, properties, 'x-kubernetes-group-version-kind': [kindOf(served)] }
}

function customSchema(served: ServedResource): Component {
  const { schema } = served
  return {
    type: 'object',
    ...(served.description === '' ? {} : { description: served.description }),
    ...(schema?.required === undefined ? {} : { required: schema.required }),
    properties: { ...TYPE_META, ...withoutMeta(schema?.properties), metadata: METADATA },
    // Without a schema every field is allowed.
    ...(schema?.['x-kubernetes-preserve-unknown-fields'] === true || schema?.properties === undefined
      ? { 'x-kubernetes-preserve-unknown-fields': true }
      : {}),
    'x-kubernetes-group-version-kind': [kindOf(served)],
  }
}

function withoutMeta(properties: StructuralSchema['properties']): Record<string, StructuralSchema> {
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = properties ?? {}
  return rest
}

function listSchema(served: ServedResource, itemName: string): Component {
  return {
    type: 'object',
    description: `A list of ${served.resource.kind}.`,
    required: ['items'],
    properties: {
      ...TYPE_META,
      items: { type: 'array', items: { allOf: [reference(itemName)], default: {} } },
      metadata: { allOf: [reference(LIST_META)], default: {} },
    },
    'x-kubernetes-group-version-kind': [{ ...kindOf(served), kind: served.listKind }],
  }
}
