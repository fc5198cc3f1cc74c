import type { StructuralSchema } from '../schema-types.ts'
import type { Json, KubeObject, ManagedFieldsEntry, ObjectMeta } from '../types.ts'
import { applyConfiguration } from './apply-configuration.ts'
import type { ApplyConfigurationOptions } from './apply-configuration.ts'
import { trackUpdate } from './track-update.ts'
import type { TrackUpdateOptions } from './track-update.ts'

/** A made-up kind with every way of merging; shared by the tests of this folder. */
export interface Widget extends KubeObject {
  spec?: { [field: string]: Json }
  status?: { [field: string]: Json }
}

const string: StructuralSchema = { type: 'string' }
const integer: StructuralSchema = { type: 'integer' }

export const widgetSchema: StructuralSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: integer,
        name: string,
        quota: { 'x-kubernetes-int-or-string': true },
        steps: { type: 'array', items: string },
        selector: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: string },
        labels: { type: 'object', additionalProperties: string },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: string },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            properties: { name: string, value: string, tags: { type: 'array', items: string } },
          },
        },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: {
            type: 'object',
            properties: { port: integer, protocol: { type: 'string', default: 'TCP' }, name: string },
          },
        },
        nested: {
          type: 'object',
          properties: { left: integer, right: { type: 'object', properties: { deep: string } } },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { phase: string, replicas: integer } },
  },
}

export const NOW = '2026-02-01T00:00:00Z'

export function widget(spec?: { [field: string]: Json }, metadata: Partial<ObjectMeta> = {}): Widget {
  const object: Widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w1', ...metadata } }
  return spec === undefined ? object : { ...object, spec }
}

/** A stored widget that several managers write one after the other. */
export class Scenario {
  live: Widget | undefined
  changed = false

  apply(manager: string, configuration: Widget, options: Partial<ApplyConfigurationOptions> = {}): this {
    const result = applyConfiguration({
      live: this.live,
      configuration,
      schema: widgetSchema,
      manager,
      force: false,
      now: NOW,
      ...options,
    })
    this.live = result.object
    this.changed = result.changed
    return this
  }

  update(manager: string, updated: Widget, options: Partial<TrackUpdateOptions<Widget>> = {}): this {
    this.live = trackUpdate({
      live: this.live,
      updated,
      schema: widgetSchema,
      manager,
      operation: 'Update',
      now: NOW,
      ...options,
    })
    return this
  }

  get spec(): { [field: string]: Json } | undefined {
    return this.live?.spec
  }

  get entries(): readonly ManagedFieldsEntry[] {
    return this.live?.metadata.managedFields ?? []
  }

  /** What a manager owns, whatever the operation. */
  owned(manager: string): { [element: string]: Json } | undefined {
    return this.entries.find((entry) => entry.manager === manager)?.fieldsV1
  }
}
