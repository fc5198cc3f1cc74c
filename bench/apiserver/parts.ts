import type { KubeObject, Resource, StructuralSchema } from '@locktender/kube'
import type { UserInfo } from '@locktender/apiserver'

/** Parts of the API server's benchmarks. */

export const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }

export const reports: Resource = {
  group: 'bench.locktender.dev',
  version: 'v1',
  plural: 'reports',
  kind: 'Report',
  namespaced: true,
}

/** Path of the reports of the namespace `default`. */
export const reportsPath = '/apis/bench.locktender.dev/v1/namespaces/default/reports'

const schema: StructuralSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['owner', 'entries'],
      properties: {
        owner: { type: 'string', pattern: '^[a-z][a-z0-9-]*$', maxLength: 63 },
        revision: { type: 'integer', minimum: 0 },
        paused: { type: 'boolean', default: false },
        entries: {
          type: 'array',
          maxItems: 64,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string', minLength: 1, maxLength: 63 },
              image: { type: 'string', maxLength: 200 },
              mode: { type: 'string', enum: ['Canary', 'Steady'] },
              weight: { type: 'integer', minimum: 0, maximum: 100, default: 1 },
            },
          },
        },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' }, observed: { type: 'integer' } } },
  },
}

/** Defines {@link reports}. */
export const reportDefinition: KubeObject & { spec: object } = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'reports.bench.locktender.dev' },
  spec: {
    group: 'bench.locktender.dev',
    scope: 'Namespaced',
    names: { plural: 'reports', kind: 'Report' },
    versions: [
      { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
    ],
  },
}

/** A report that takes about 2 KB as it is stored. */
export function report(name: string, revision: number): KubeObject & { spec: object } {
  return {
    apiVersion: 'bench.locktender.dev/v1',
    kind: 'Report',
    metadata: { name, namespace: 'default', labels: { tier: revision % 2 === 0 ? 'even' : 'odd' } },
    spec: {
      owner: 'team-of-the-bench',
      revision,
      entries: Array.from({ length: 6 }, (_, index) => ({
        name: `component-${index}`,
        image: `registry.example.com/team/component-${index}@sha256:${'0123456789abcdef'.repeat(4)}`,
        mode: index === 0 ? 'Canary' : 'Steady',
        weight: 10,
      })),
    },
  }
}

/** User and system CPU seconds of this process since `start`. */
export function cpuSeconds(start?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1e6
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
