import type { T } from './case.ts'

/** Schema of both versions of widgets: one field for everything a schema can say. */
const widgetSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 100, default: 3 },
        replicas: { type: 'integer' },
        name: { type: 'string', pattern: '^[a-z]+$', maxLength: 64 },
        mode: { type: 'string', enum: ['A', 'B'] },
        tags: {
          type: 'array',
          maxItems: 16,
          items: { type: 'string', maxLength: 64 },
          'x-kubernetes-list-type': 'set',
        },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string' },
              value: { type: 'string' },
              port: { type: 'integer', default: 80 },
            },
          },
        },
        steps: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'atomic' },
        labelsAtomic: {
          type: 'object',
          additionalProperties: { type: 'string' },
          'x-kubernetes-map-type': 'atomic',
        },
        port: { 'x-kubernetes-int-or-string': true },
        blob: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          'x-kubernetes-preserve-unknown-fields': true,
        },
        nul: { type: 'string', nullable: true },
        when: { type: 'string', format: 'date-time' },
      },
      'x-kubernetes-validations': [
        { rule: "self.size <= 50 || self.mode == 'A'", message: 'large widgets must have mode A' },
        {
          rule: '!has(self.name) || !has(oldSelf.name) || self.name == oldSelf.name',
          message: 'name cannot be changed',
        },
      ],
    },
    status: {
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        selector: { type: 'string' },
        phase: { type: 'string' },
      },
    },
  },
}

const widgetVersion = {
  served: true,
  schema: { openAPIV3Schema: widgetSchema },
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  additionalPrinterColumns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Wide', type: 'string', jsonPath: '.spec.name', priority: 1 },
  ],
  selectableFields: [{ jsonPath: '.spec.mode' }],
}

export const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Path of gadgets, which have no namespace. */
export const GADGETS = '/apis/example.com/v1/gadgets'

/** A CustomResourceDefinition; `plural` and `group` make its name, the kind is the singular in capitals. */
export function definition(plural: string, group: string, version: object, more: object = {}): Definition {
  const singular = plural.replace(/s$/, '')
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular, kind: singular.charAt(0).toUpperCase() + singular.slice(1) },
      versions: [{ name: 'v1', served: true, storage: true, ...version }],
      ...more,
    },
  }
}

export interface Definition {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: Record<string, unknown>
}

/** Schema that keeps every field. */
export const anything = {
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
}

/** The kinds every case may use. */
const fixtures: readonly Definition[] = [
  definition(
    'widgets',
    'example.com',
    {},
    {
      versions: [
        { name: 'v1', storage: true, ...widgetVersion },
        { name: 'v1beta1', storage: false, ...widgetVersion },
      ],
    },
  ),
  definition('gadgets', 'example.com', anything, { scope: 'Cluster' }),
]

export function widget(name: string, spec: object = {}, metadata: object = {}): Body {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, ...metadata }, spec }
}

export function gadget(name: string, more: object = {}): Body {
  return { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name }, ...more }
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}, metadata: object = {}): Body {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

export function lease(name: string, spec: object = {}): Body {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec }
}

/** An object to send. */
export interface Body {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** Makes the kinds of {@link fixtures}, or brings those of an earlier run up to date, and waits until they are served. */
export async function install(t: T): Promise<void> {
  for (const wanted of fixtures) {
    const answer = await t.post(CRD, wanted)
    if (answer.status === 409) {
      const { metadata } = await t.read(`${CRD}/${wanted.metadata.name}`)
      const { resourceVersion } = metadata
      ;(
        await t.put(`${CRD}/${wanted.metadata.name}`, { ...wanted, metadata: { ...wanted.metadata, resourceVersion } })
      ).is(200)
    } else {
      answer.is(201)
    }
  }
  for (const plural of ['widgets', 'gadgets']) {
    await t.eventually(async () => (await t.get(`/apis/example.com/v1/${plural}`)).is(200))
  }
}
