import { Client, customResourceDefinitions, isAlreadyExists, seededRandom, VirtualClock } from '@locktender/kube'
import type { HttpMethod, KubeObject, Resource, Status, StructuralSchema, Transport } from '@locktender/kube'
import type { ServiceResolver } from '../admission/webhook-client.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { ApiServer } from '../server.ts'
import type { Files } from '../store/files.ts'
import type { UserInfo } from '../user.ts'

/** For tests: an API server in memory with one logical cluster, and widgets and gadgets defined in it. */
export interface TestCluster {
  readonly clock: VirtualClock
  readonly server: ApiServer
  readonly client: Client
  transportOf(user: UserInfo): Transport
  clientOf(user: UserInfo): Client
  /** One raw request as the administrator, or as `user`. */
  send(method: HttpMethod, path: string, options?: SendOptions): Promise<RawAnswer>
}

export interface SendOptions {
  readonly body?: unknown
  /** Instead of a body of JSON. */
  readonly bytes?: Uint8Array
  readonly type?: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly user?: UserInfo
}

export interface RawAnswer {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  json<T = TestObject>(): T
}

/** Any object with the fields tests look at. */
export interface TestObject extends KubeObject {
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  data?: Record<string, string>
}

export const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }

export const widgets: Resource = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
}
const gadgets: Resource = { ...widgets, plural: 'gadgets', kind: 'Gadget', namespaced: false }

/** Path of the widgets of the namespace `default`. */
export const W = '/apis/example.com/v1/namespaces/default/widgets'
/** Path of the config maps of the namespace `default`. */
export const CM = '/api/v1/namespaces/default/configmaps'

const widgetSchema: StructuralSchema = {
  type: 'object',
  description: 'A widget.',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 100, default: 3 },
        name: { type: 'string', pattern: '^[a-z]+$' },
        mode: { type: 'string', enum: ['A', 'B'] },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, value: { type: 'string' } },
          },
        },
        steps: { type: 'array', items: { type: 'string' } },
        blob: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: {
      type: 'object',
      properties: { phase: { type: 'string' }, count: { type: 'integer' } },
    },
  },
}

export function definition(
  resource: Resource,
  version: Record<string, unknown>,
  names: Record<string, unknown> = {},
): TestObject {
  const { group, plural, kind, namespaced } = resource
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { plural, kind, ...names },
      versions: [{ name: resource.version, served: true, storage: true, ...version }],
    },
  }
}

const widgetDefinition = definition(
  widgets,
  {
    subresources: { status: {} },
    schema: { openAPIV3Schema: widgetSchema },
    additionalPrinterColumns: [
      { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
      { name: 'Wide', type: 'string', jsonPath: '.spec.name', priority: 1 },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
    selectableFields: [{ jsonPath: '.spec.mode' }],
  },
  { shortNames: ['wd'], categories: ['all'] },
)

const gadgetDefinition = definition(gadgets, {
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
})

export function widget(name: string, spec: Record<string, unknown> = {}, metadata: object = {}): TestObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, namespace: 'default', ...metadata }, spec }
}

export interface TestClusterOptions {
  readonly admission?: readonly AdmissionPlugin[]
  readonly serviceResolver?: ServiceResolver
  readonly historyEvents?: number
  readonly historyAgeMs?: number
  readonly dataDirectory?: string
  readonly files?: Files
  /** Absent: a new one. */
  readonly clock?: VirtualClock
  /** Of the server's random numbers; every life on one data directory needs its own. */
  readonly seed?: number
}

export async function openTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { clock = new VirtualClock(), seed = 1, ...rest } = options
  const server = await ApiServer.open({ clock, random: seededRandom(seed), ...rest })
  await server.cluster('hub')
  const transportOf = (user: UserInfo): Transport => server.transport({ cluster: 'hub', user })
  const clientOf = (user: UserInfo): Client => new Client({ transport: transportOf(user), fieldManager: 'test' })
  const client = clientOf(admin)
  for (const wanted of [widgetDefinition, gadgetDefinition]) {
    try {
      await client.create(customResourceDefinitions, wanted)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
  return {
    clock,
    server,
    client,
    transportOf,
    clientOf,
    async send(method, path, { body, bytes, type, accept, headers, user = admin } = {}) {
      const answer = await transportOf(user).request({
        method,
        path,
        headers: {
          accept: accept ?? 'application/json',
          'user-agent': 'tester/1.0',
          ...(body === undefined && bytes === undefined ? {} : { 'content-type': type ?? 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(bytes === undefined ? {} : { body: bytes }),
      })
      const chunks: Uint8Array[] = []
      for await (const chunk of answer.body) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString('utf8')
      return { code: answer.status, headers: answer.headers, text, json: <T>() => JSON.parse(text) as T }
    },
  }
}

/** The body of a refusal. */
export function statusOf(answer: RawAnswer): Status {
  return answer.json<Status>()
}
