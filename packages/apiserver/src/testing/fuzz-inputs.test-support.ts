import type { HttpMethod, Random } from '@locktender/kube'
import { envelope } from '../builtins/protobuf.test-support.ts'
import { CM, W, widget } from './test-cluster.ts'
import type { TestObject } from './test-cluster.ts'

/** For tests: one request nobody in their right mind would send. */
export interface FuzzInput {
  readonly method: HttpMethod
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array | undefined
}

const METHODS: readonly HttpMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const ROLES = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Collections, each with an object that is right. */
export const SEEDS: readonly (readonly [string, object])[] = [
  [
    CM,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', labels: { x: 'y' } },
      data: { k: 'v' },
      binaryData: { b: 'AAEC' },
    },
  ],
  [
    W,
    widget('a', {
      size: 5,
      mode: 'A',
      tags: ['x'],
      items: [{ name: 'n', value: 'v' }],
      steps: ['s'],
      blob: { deep: { deeper: [1, 2.5, null, true] } },
    }),
  ],
  [
    '/apis/example.com/v1/gadgets',
    { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'a' }, any: [{ a: 1 }] },
  ],
  [
    DEPLOYMENTS,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a', annotations: { note: 'x' } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'a' } },
        template: {
          metadata: { labels: { app: 'a' } },
          spec: {
            containers: [
              {
                name: 'c',
                image: 'i',
                ports: [{ containerPort: 80 }],
                env: [{ name: 'A', value: '1' }],
                resources: { limits: { cpu: '100m', memory: '1Gi' } },
              },
            ],
            volumes: [{ name: 'v', configMap: { name: 'a' } }],
          },
        },
      },
    },
  ],
  [
    ROLES,
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'a' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
  ],
  [
    DEFINITIONS,
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'toys.fuzz.example.com' },
      spec: {
        group: 'fuzz.example.com',
        scope: 'Namespaced',
        names: { plural: 'toys', kind: 'Toy' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: { size: { type: 'integer', minimum: 0 }, name: { type: 'string', pattern: '^a+$' } },
                    'x-kubernetes-validations': [{ rule: 'self.size > 0', message: 'too small' }],
                  },
                },
              },
            },
          },
        ],
      },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: { selector: { app: 'a' }, ports: [{ port: 80, targetPort: 'http' }] },
    },
  ],
  [
    '/api/v1/namespaces/default/secrets',
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { p: 'YQ==' } },
  ],
  ['/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fuzzed' } }],
  [
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    },
  ],
  [
    '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'a' },
      spec: { holderIdentity: 'x', renewTime: '2020-01-01T00:00:00.000000Z' },
    },
  ],
  [
    '/api/v1/namespaces/default/events',
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'a' },
      involvedObject: { kind: 'Widget', name: 'a', namespace: 'default' },
      type: 'Normal',
      reason: 'R',
    },
  ],
]

/** Values that have broken servers before. */
const NASTY: readonly unknown[] = [
  null,
  true,
  '',
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  9_007_199_254_740_992,
  2 ** 63,
  '\u0000',
  '\ud800',
  '\udc00x',
  '\u{1f600}',
  'a'.repeat(300),
  'a/b',
  '../..',
  '%2e%2e',
  '__proto__',
  'constructor',
  {},
  [],
  [[]],
  [null],
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  { '': 1 },
  { 'a.b/c d': { 'f:': {} } },
  '2020-01-01T00:00:00Z',
  '99999-13-45T99:99:99Z',
  '1e999999999',
  '1Ei',
  'NaN',
  '(((((((',
  '\\',
  '$patch',
]

const KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'f:spec',
  '$patch',
  '$setElementOrder/containers',
  '$deleteFromPrimitiveList/finalizers',
  '$retainKeys',
  'name',
  'metadata',
  'managedFields',
  'finalizers',
  'ownerReferences',
  'deletionTimestamp',
  'generateName',
  'resourceVersion',
  'uid',
  'labels',
  'status',
  'spec',
  'apiVersion',
  'kind',
  'length',
  '\u0000',
  '\ud83d',
]

const QUERIES: readonly string[] = [
  'watch', 'limit', 'continue', 'labelSelector', 'fieldSelector', 'resourceVersion', 'resourceVersionMatch', 'dryRun',
  'fieldManager', 'fieldValidation', 'force', 'propagationPolicy', 'gracePeriodSeconds', 'orphanDependents', 'pretty',
  'sendInitialEvents', 'allowWatchBookmarks', 'timeoutSeconds', 'includeObject',
] // prettier-ignore

const QUERY_VALUES: readonly string[] = [
  '', '0', '1', '-1', 'true', 'false', 'All', 'Strict', 'Warn', 'Ignore', 'Exact', 'NotOlderThan', 'Background',
  'Foreground', 'Orphan', 'None', 'Object', 'Metadata', 'a=b', 'a in (b', '!a', 'metadata.name=a', 'metadata.name', 'spec.mode=A',
  '99999999999999999999', '1e3', 'NaN', '%00', '%ff', '%', '%E0%A4%A', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ', '\\', 'x\\,y=z',
  'a'.repeat(2000), 'a,b,c,d=e', '(((', 'bad field manager with a name that is much longer than one hundred and twenty-eight characters, which is the longest one that is allowed here',
] // prettier-ignore

const SEGMENTS: readonly string[] = [
  'api', 'apis', 'v1', 'v2', 'namespaces', 'default', 'none', 'configmaps', 'widgets', 'example.com', 'apps', 'deployments',
  'a', '', '.', '..', '%2f', '%00', '%', '%ff', '__proto__', 'constructor', 'status', 'scale', 'token', 'eviction', 'binding', 'log',
  'exec', 'proxy', 'finalize', 'approval', 'openapi', 'v3', 'healthz', 'readyz', 'livez', 'version', 'metrics', 'watch', 'A B', 'é',
] // prettier-ignore

const TYPES: readonly string[] = [
  'application/json', 'application/json; charset=utf-8', 'application/yaml', 'application/vnd.kubernetes.protobuf',
  'application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json',
  'application/apply-patch+yaml', 'application/apply-patch+cbor', 'application/cbor', 'text/plain', '', ';', 'application/', 'a/b/c',
] // prettier-ignore

const ACCEPTS: readonly string[] = [
  'application/json', '*/*', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/yaml', 'application/vnd.kubernetes.protobuf',
  'application/json;stream=watch', ';;;', '', 'text/html', 'application/json;as=Table;v=v9;g=x', 'application/json;q=nonsense',
] // prettier-ignore

const HEADERS: readonly (readonly [string, string])[] = [
  ['impersonate-user', 'jane'],
  ['impersonate-group', 'x'],
  ['impersonate-user', ''],
  ['impersonate-uid', 'x'],
  ['impersonate-extra-%', 'x'],
  ['if-none-match', '"x"'],
  ['content-encoding', 'gzip'],
  ['accept-encoding', 'gzip'],
  ['user-agent', ''],
  ['user-agent', '/'.repeat(500)],
  ['x-nothing', '\u00ff'],
]

/** Makes requests out of random numbers: the same ones for the same seed. */
export class FuzzInputs {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  next(): FuzzInput {
    const [collection, object] = this.#pick(SEEDS)
    const method = this.#pick(METHODS)
    const patching = method === 'PATCH'
    const type =
      patching && this.#chance(0.9)
        ? this.#pick(TYPES.slice(4, 8))
        : this.#chance(0.85)
          ? this.#pick(TYPES.slice(0, 4))
          : this.#pick(TYPES)
    const { name } = (object as TestObject).metadata ?? { name: 'a' }
    const path = `${this.#path(collection, name ?? 'a', method)}${this.#query()}`
    const headers: Record<string, string> = {
      accept: this.#chance(0.7) ? ACCEPTS[0]! : this.#pick(ACCEPTS),
      'user-agent': 'fuzz',
    }
    if (this.#chance(0.1)) {
      const [name, value] = this.#pick(HEADERS)
      headers[name] = value
    }
    if (method === 'GET' && this.#chance(0.95)) return { method, path, headers, bytes: undefined }
    if (type !== '' || this.#chance(0.5)) headers['content-type'] = type
    return { method, path, headers, bytes: this.#body(object as TestObject, type, method) }
  }

  #path(collection: string, name: string, method: HttpMethod): string {
    // The definitions of the kinds under test must stay.
    const whole = collection !== DEFINITIONS && this.#chance(0.2)
    let path =
      method === 'POST' || whole ? collection : `${collection}/${this.#chance(0.9) ? name : this.#pick(SEGMENTS)}`
    if (this.#chance(0.15)) path += `/${this.#chance(0.5) ? 'status' : this.#pick(SEGMENTS)}`
    if (!this.#chance(0.15)) return path
    const segments = path.split('/')
    const at = 1 + this.#below(segments.length - 1)
    if (this.#chance(0.7)) segments[at] = this.#pick(SEGMENTS)
    else if (this.#chance(0.5)) segments.splice(at, 1)
    else segments.splice(at, 0, this.#pick(SEGMENTS))
    return segments.join('/') || '/'
  }

  #query(): string {
    const pairs: string[] = []
    while (this.#chance(0.3)) {
      const name = this.#chance(0.95) ? this.#pick(QUERIES) : this.#pick(SEGMENTS)
      // A watch would go on for ever.
      if (name === 'watch') pairs.push('timeoutSeconds=1')
      pairs.push(`${name}=${this.#pick(QUERY_VALUES)}`)
    }
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`
  }

  #body(object: TestObject, type: string, method: HttpMethod): Uint8Array {
    const text = this.#text(object, type, method)
    if (type === 'application/vnd.kubernetes.protobuf' && this.#chance(0.9)) {
      const { apiVersion, kind } = object
      return this.#damaged(envelope(apiVersion, kind, this.#chance(0.5) ? Buffer.from(text) : this.#wire(6)))
    }
    return this.#damaged(Buffer.from(text, this.#chance(0.95) ? 'utf8' : 'utf16le'))
  }

  /** Bytes like those protobuf writes. */
  #wire(depth: number): Uint8Array {
    const parts: Buffer[] = []
    while (this.#chance(0.75)) {
      const type = this.#pick([0, 1, 2, 2, 2, 2, 5, 3, 4])
      parts.push(Buffer.from([(1 + this.#below(15)) * 8 + type]))
      if (type === 0) parts.push(Buffer.from([0x80 | this.#below(128), this.#below(128)]))
      else if (type === 1) parts.push(Buffer.alloc(8, this.#below(256)))
      else if (type === 5) parts.push(Buffer.alloc(4, this.#below(256)))
      else if (type === 2) {
        const inner =
          depth > 0 && this.#chance(0.6) ? this.#wire(depth - 1) : Buffer.from(JSON.stringify(this.#pick(NASTY)))
        parts.push(Buffer.from([Math.min(inner.length, 127)]), Buffer.from(inner.subarray(0, 127)))
      }
    }
    return Buffer.concat(parts)
  }

  #text(object: TestObject, type: string, method: HttpMethod): string {
    if (type === 'application/json-patch+json') return JSON.stringify(this.#jsonPatch(object))
    if (method === 'DELETE')
      return this.#json(
        this.#mutated({
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          propagationPolicy: 'Background',
          preconditions: { uid: 'x' },
        }),
      )
    const part = method === 'PATCH' && this.#chance(0.5) ? this.#part(object) : object
    const value = this.#chance(0.1) ? part : this.#mutated(part)
    if (type.endsWith('yaml') && this.#chance(0.5)) return this.#yaml(value)
    return this.#json(value)
  }

  #part(object: TestObject): object {
    const keys = Object.keys(object)
    const key = this.#pick(keys)
    return { [key]: object[key as keyof TestObject] }
  }

  #jsonPatch(object: object): unknown {
    const operations: unknown[] = []
    do {
      const operation: Record<string, unknown> = {
        op: this.#chance(0.95) ? this.#pick(['add', 'remove', 'replace', 'move', 'copy', 'test']) : this.#pick(NASTY),
        path: this.#pointer(object),
      }
      if (this.#chance(0.8)) operation['value'] = this.#pick(NASTY)
      if (this.#chance(0.5)) operation['from'] = this.#pointer(object)
      operations.push(operation)
    } while (this.#chance(0.6))
    return this.#chance(0.95) ? operations : this.#mutated({ operations })
  }

  #pointer(object: object): string {
    const parts: string[] = []
    let at: unknown = object
    while (typeof at === 'object' && at !== null && this.#chance(0.85)) {
      const keys = Object.keys(at)
      const key =
        keys.length > 0 && this.#chance(0.9)
          ? this.#pick(keys)
          : this.#pick([...KEYS, '-', '0', '-1', '99999999', '01', '~', '~0', '~2'])
      parts.push(key)
      at = (at as Record<string, unknown>)[key]
    }
    return parts.map((part) => `/${part}`).join('')
  }

  /** A copy with some parts changed, added, doubled or taken away. */
  #mutated(object: object): unknown {
    let copy: unknown = structuredClone(object)
    do copy = this.#changed(copy)
    while (this.#chance(0.5))
    return copy
  }

  #changed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#chance(0.05)) return this.#pick(NASTY)
    if (Array.isArray(value)) {
      const list = [...(value as unknown[])]
      const at = this.#below(list.length + 1)
      if (at === list.length || this.#chance(0.2)) return [...list, ...(this.#chance(0.5) ? list : [this.#pick(NASTY)])]
      list[at] = this.#changed(list[at])
      return list
    }
    const entries = Object.entries(value)
    const at = this.#below(entries.length + 1)
    const entry = entries[at]
    if (entry === undefined)
      entries.push([this.#pick(KEYS), this.#chance(0.7) ? this.#pick(NASTY) : this.#deep(this.#below(60))])
    else if (this.#chance(0.1)) entries.splice(at, 1)
    else if (this.#chance(0.05)) entry[0] = this.#pick(KEYS)
    else entry[1] = this.#changed(entry[1])
    // Unlike an assignment, this makes a field of the name __proto__.
    return Object.fromEntries(entries)
  }

  #deep(levels: number): unknown {
    let value: unknown = 1
    for (let level = 0; level < levels; level++) value = this.#chance(0.5) ? [value] : { a: value }
    return value
  }

  #json(value: unknown): string {
    const text = JSON.stringify(value) ?? 'null'
    if (this.#chance(0.05))
      return text.replace('{', `{${JSON.stringify(this.#pick(KEYS))}:${JSON.stringify(this.#pick(NASTY)) ?? '1'},`)
    if (this.#chance(0.03)) return text.replace(/"/, this.#pick(["'", '\\"', '"\\ud800', '"\\u0000', '']))
    if (this.#chance(0.002)) return `${'['.repeat(20_000)}${text}${']'.repeat(20_000)}`
    if (this.#chance(0.002)) return text.replace(/:\{/, ':{"a":'.repeat(12_000))
    return text
  }

  #yaml(value: unknown): string {
    const text = JSON.stringify(value) ?? 'null'
    return this.#pick([
      text,
      `a: &a [x]\nb: *a\n<<: ${text}`,
      `---\n${text}\n---\n${text}`,
      `? ${text}\n: x`,
      `!!binary ${text}`,
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: y, b: 0x10, c: 1_000, d: ~, e: 2020-01-01}\n`,
      `x: &x\n  y: *x\n`,
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\n`,
      `\t${text}`,
      `key: "\\ud800"\n${text}`,
    ])
  }

  #damaged(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0 || !this.#chance(0.15)) return bytes
    const copy = Buffer.from(bytes)
    if (this.#chance(0.3)) return copy.subarray(0, this.#below(copy.length))
    const changes = 1 + this.#below(4)
    for (let count = 0; count < changes; count++) copy[this.#below(copy.length)] = this.#below(256)
    return copy
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!
  }

  #below(limit: number): number {
    return Math.min(limit - 1, Math.floor(this.#random.next() * limit))
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability
  }
}
