import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'
import { delimited, encodeMessage, envelope } from './protobuf.test-support.ts'
import { messageOfKind } from './field-table.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

afterEach(() => cluster.server.close())

const core = (plural: string): string => `/api/v1/namespaces/default/${plural}`
const apps = (plural: string): string => `/apis/apps/v1/namespaces/default/${plural}`
const batch = (plural: string): string => `/apis/batch/v1/namespaces/default/${plural}`

type Spec = Record<string, unknown>

function template(spec: Spec = {}, labels: Spec = { app: 'a' }): Spec {
  return { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec } }
}

function workload(spec: Spec = {}, name = 'a'): Spec {
  return { metadata: { name }, spec: { selector: { matchLabels: { app: 'a' } }, template: template(), ...spec } }
}

async function create(path: string, body: Spec): Promise<TestObject> {
  const answer = await cluster.send('POST', path, { body })
  if (answer.code !== 201) throw new Error(answer.text)
  return answer.json()
}

async function refusal(path: string, body: Spec, query = ''): Promise<[code: number, message: string]> {
  const answer = await cluster.send('POST', path + query, { body })
  return [answer.code, statusOf(answer).message ?? '']
}

describe('the form of built-in kinds', () => {
  test('empty values go, those that are always written come, values are spelled in one way', async () => {
    const made = await create(apps('deployments'), {
      ...workload({
        minReadySeconds: 0,
        paused: false,
        revisionHistoryLimit: 0,
        template: template({
          nodeSelector: {},
          tolerations: [],
          hostname: '',
          activeDeadlineSeconds: null,
          containers: [{ name: 'c', image: 'i:1', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }],
        }),
      }),
    })
    expect(made.spec).toMatchObject({ revisionHistoryLimit: 0 })
    expect(Object.keys(made.spec!)).not.toContain('minReadySeconds')
    expect(made.status).toEqual({})
    const { spec } = made.spec!['template'] as { spec: Spec }
    for (const gone of ['nodeSelector', 'tolerations', 'hostname', 'activeDeadlineSeconds'])
      expect(spec).not.toHaveProperty(gone)
    expect(spec['containers']).toEqual([
      {
        name: 'c',
        image: 'i:1',
        imagePullPolicy: 'IfNotPresent',
        resources: { limits: { cpu: '500m', memory: '1Gi' } },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ])
    const lease = await create('/apis/coordination.k8s.io/v1/namespaces/default/leases', {
      metadata: { name: 'l' },
      spec: { renewTime: '2026-01-05T09:00:00.500000+01:00' },
    })
    expect(lease.spec).toEqual({ renewTime: '2026-01-05T08:00:00.500000Z' })
  })

  test('unknown fields are refused, warned about or dropped, at any depth', async () => {
    const body = workload({ template: template({ containers: [{ name: 'c', image: 'i:1', imgae: 'x' }] }) })
    const path = 'unknown field "spec.template.spec.containers[0].imgae"'
    expect(await refusal(apps('deployments'), body, '?fieldValidation=Strict')).toEqual([
      400,
      `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${path}`,
    ])
    const warned = await cluster.send('POST', apps('deployments'), { body })
    expect([warned.code, warned.headers['warning']]).toEqual([201, `299 - "${path.replaceAll('"', '\\"')}"`])
    expect(warned.text).not.toContain('imgae')
  })

  test.each<[Spec, string]>([
    [{ replicas: 'two' }, 'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [{ replicas: 1.5 }, 'cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [{ paused: 'no' }, 'cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool'],
    [
      { selector: [] },
      'cannot unmarshal array into Go struct field DeploymentSpec.spec.selector of type v1.LabelSelector',
    ],
    [
      { template: { spec: { containers: {} } } },
      'cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      { template: { metadata: { labels: { a: 1 } } } },
      'cannot unmarshal number into Go struct field ObjectMeta.spec.template.metadata.labels of type string',
    ],
    [
      { template: template({ containers: [{ name: 'c', resources: { limits: { cpu: 'much' } } }] }) },
      'quantities must match the regular expression',
    ],
  ])('%j has a wrong type', async (spec, message) => {
    const [code, text] = await refusal(apps('deployments'), workload(spec))
    expect(code).toBe(400)
    expect(text).toContain('Deployment in version "v1" cannot be handled as a Deployment: ')
    expect(text).toContain(message)
  })

  test('times and bytes must be such', async () => {
    const lease = { metadata: { name: 'l' }, spec: { renewTime: 'yesterday' } }
    expect((await refusal('/apis/coordination.k8s.io/v1/namespaces/default/leases', lease))[1]).toContain(
      'parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00"',
    )
    const secret = { metadata: { name: 's' }, data: { a: '***' } }
    expect((await refusal(core('secrets'), secret))[1]).toContain('illegal base64 data at input byte 0')
  })

  test('a body in protobuf makes what the same body in JSON makes', async () => {
    for (const [apiVersion, kind, path, object] of [
      ['v1', 'ConfigMap', core('configmaps'), { data: { a: '1' } }],
      ['apps/v1', 'Deployment', apps('deployments'), { spec: workload()['spec'] }],
      [
        'coordination.k8s.io/v1',
        'Lease',
        '/apis/coordination.k8s.io/v1/namespaces/default/leases',
        { spec: { holderIdentity: 'x' } },
      ],
    ] as const) {
      const message = messageOfKind(apiVersion, kind)!
      const raw = encodeMessage(message, { metadata: { name: 'binary' }, ...object })
      const answer = await cluster.send('POST', path, {
        bytes: envelope(apiVersion, kind, raw),
        type: 'application/vnd.kubernetes.protobuf',
        accept: 'application/vnd.kubernetes.protobuf,application/json',
      })
      expect(answer.code).toBe(201)
      const text = await create(path, { metadata: { name: 'text' }, ...object })
      const bare = ({ metadata: _metadata, ...rest }: TestObject): unknown => rest
      expect(bare(answer.json())).toEqual(bare(text))
      const fields = ({ metadata }: TestObject): unknown => metadata.managedFields?.map(({ fieldsV1 }) => fieldsV1)
      expect(fields(answer.json())).toEqual(fields(text))
    }
  })

  test('deletions take options in protobuf, custom resources nothing else in it', async () => {
    await create(core('configmaps'), { metadata: { name: 'a', finalizers: ['x/y'] } })
    const options = envelope('v1', 'DeleteOptions', delimited(4, 'Foreground'))
    const type = 'application/vnd.kubernetes.protobuf'
    const answer = await cluster.send('DELETE', `${core('configmaps')}/a`, { bytes: options, type })
    expect(answer.json<TestObject>().metadata.finalizers).toEqual(['x/y', 'foregroundDeletion'])
    const widget = await cluster.send('POST', '/apis/example.com/v1/namespaces/default/widgets', {
      bytes: options,
      type,
    })
    expect([widget.code, statusOf(widget).message]).toEqual([
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
    ])
    const text = await cluster.send('POST', core('configmaps'), { body: 'x', type: 'text/plain' })
    expect([text.code, statusOf(text).message]).toEqual([
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ])
  })
})

describe('defaults', () => {
  test.each<[path: string, body: Spec, expected: Spec]>([
    [
      apps('deployments'),
      workload(),
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      },
    ],
    [
      apps('statefulsets'),
      workload({ volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }] }),
      {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'v' },
            spec: { resources: {}, volumeMode: 'Filesystem' },
            status: { phase: 'Pending' },
          },
        ],
      },
    ],
    [
      apps('daemonsets'),
      workload(),
      {
        revisionHistoryLimit: 10,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      },
    ],
    [
      batch('jobs'),
      { metadata: { name: 'j' }, spec: { template: template({ restartPolicy: 'Never' }) } },
      {
        parallelism: 1,
        completions: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    ],
    [
      batch('cronjobs'),
      {
        metadata: { name: 'j' },
        spec: { schedule: '@daily', jobTemplate: { spec: { template: template({ restartPolicy: 'Never' }) } } },
      },
      { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
    ],
    [
      core('pods'),
      {
        metadata: { name: 'p' },
        spec: {
          serviceAccountName: 'bot',
          volumes: [{ name: 'v' }, { name: 's', secret: { secretName: 's' } }],
          containers: [
            {
              name: 'c',
              image: 'host:5000/i',
              readinessProbe: { httpGet: { port: 80 } },
              resources: { limits: { cpu: '1' } },
            },
          ],
        },
      },
      {
        restartPolicy: 'Always',
        enableServiceLinks: true,
        serviceAccount: 'bot',
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 's', secret: { secretName: 's', defaultMode: 420 } },
        ],
        containers: [
          {
            imagePullPolicy: 'Always',
            readinessProbe: {
              httpGet: { path: '/', port: 80, scheme: 'HTTP' },
              timeoutSeconds: 1,
              failureThreshold: 3,
            },
            resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
          },
        ],
      },
    ],
  ])('of %s', async (path, body, expected) => {
    expect((await create(path, body)).spec).toMatchObject(expected)
  })

  test('are written once: the same object again changes nothing', async () => {
    const made = await create(apps('deployments'), workload())
    const again = await cluster.send('PUT', `${apps('deployments')}/a`, { body: workload() })
    expect(again.json<TestObject>().metadata.resourceVersion).toBe(made.metadata.resourceVersion)
  })
})

describe('services', () => {
  const port = (number: number): Spec => ({ port: number, name: `p${number}` })
  const service = (name: string, spec: Spec): Promise<TestObject> =>
    create(core('services'), { metadata: { name }, spec })

  test('get the lowest free address, and keep it', async () => {
    const first = await service('a', { ports: [{ port: 80 }] })
    expect(first.spec).toEqual({
      type: 'ClusterIP',
      clusterIP: '10.96.1.0',
      clusterIPs: ['10.96.1.0'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    })
    expect(first.status).toEqual({ loadBalancer: {} })
    // What the server allocates belongs to nobody.
    expect(JSON.stringify(first.metadata.managedFields)).not.toContain('clusterIP')
    expect((await service('b', { ports: [port(1)] })).spec).toMatchObject({ clusterIP: '10.96.1.1' })
    const deleted = (await cluster.send('DELETE', `${core('services')}/a`)).json<TestObject>()
    expect([deleted.kind, deleted.metadata.name]).toEqual(['Service', 'a'])
    expect((await service('c', { ports: [port(1)] })).spec).toMatchObject({ clusterIP: '10.96.1.0' })
    const put = await cluster.send('PUT', `${core('services')}/c`, {
      body: { metadata: { name: 'c' }, spec: { ports: [port(2)] } },
    })
    expect(put.json<TestObject>().spec).toMatchObject({ clusterIP: '10.96.1.0', ports: [{ port: 2 }] })
    const moved = { metadata: { name: 'c' }, spec: { ports: [port(2)], clusterIP: '10.96.1.9' } }
    const refused = await cluster.send('PUT', `${core('services')}/c`, { body: moved })
    expect([refused.code, statusOf(refused).message]).toEqual([422, expect.stringContaining('may not change once set')])
  })

  test('have none when they are headless or names, and ports on nodes when asked', async () => {
    expect((await service('h', { clusterIP: 'None' })).spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] })
    const name = await service('n', { type: 'ExternalName', externalName: 'x.example.com' })
    expect(name.spec).toEqual({ type: 'ExternalName', externalName: 'x.example.com', sessionAffinity: 'None' })
    const nodes = await service('p', { type: 'NodePort', ports: [port(1), { ...port(2), nodePort: 30_001 }] })
    expect(nodes.spec).toMatchObject({
      externalTrafficPolicy: 'Cluster',
      ports: [{ nodePort: 30_000 }, { nodePort: 30_001 }],
    })
  })

  test.each<[Spec, string]>([
    [{ ports: [] }, 'spec.ports: Required value'],
    [{ type: 'ExternalName' }, 'spec.externalName: Required value'],
    [{ ports: [{ port: 0 }] }, 'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    [{ ports: [{ port: 1 }, port(2)] }, 'spec.ports[0].name: Required value'],
    [{ ports: [port(1), port(1)] }, 'spec.ports[1].name: Duplicate value: "p1"'],
    [{ type: 'Fancy', ports: [port(1)] }, 'spec.type: Unsupported value: "Fancy": supported values: "ClusterIP"'],
  ])('%j is refused', async (spec, message) => {
    expect(await refusal(core('services'), { metadata: { name: 's' }, spec })).toEqual([
      422,
      expect.stringContaining(message),
    ])
  })
})

describe('workloads', () => {
  test.each<[string, Spec, string]>([
    ['deployments', { selector: undefined }, 'spec.selector: Required value'],
    ['deployments', { selector: {} }, 'empty selector is invalid for deployment'],
    ['deployments', { template: template({}, { app: 'b' }) }, '`selector` does not match template `labels`'],
    ['deployments', { template: template({ containers: [] }) }, 'spec.template.spec.containers: Required value'],
    [
      'deployments',
      { template: template({ containers: [{ image: 'i' }] }) },
      'spec.template.spec.containers[0].name: Required value',
    ],
    ['deployments', { template: template({ containers: [{ name: 'C', image: 'i' }] }) }, 'a lowercase RFC 1123 label'],
    ['deployments', { template: template({ containers: [{ name: 'c' }] }) }, 'containers[0].image: Required value'],
    [
      'deployments',
      { template: template({ restartPolicy: 'Never' }) },
      'Unsupported value: "Never": supported values: "Always"',
    ],
    ['deployments', { replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      'daemonsets',
      {
        template: template({ containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }),
      },
      'volumeMounts[0].name: Not found: "v"',
    ],
    ['replicasets', { template: template({ dnsPolicy: 'Mine' }) }, 'dnsPolicy: Unsupported value: "Mine"'],
  ])('%s with %j are refused', async (plural, spec, message) => {
    expect(await refusal(apps(plural), workload(spec))).toEqual([422, expect.stringContaining(message)])
  })

  test('keep their selector; stateful sets keep more', async () => {
    await create(apps('statefulsets'), workload({ serviceName: 's' }))
    const patch = (spec: Spec): Promise<RawAnswer> =>
      cluster.send('PATCH', `${apps('statefulsets')}/a`, { body: { spec }, type: 'application/merge-patch+json' })
    const selector = await patch({ selector: { matchLabels: { app: 'a', b: 'c' } } })
    expect(statusOf(selector).message).toContain('updates to statefulset spec for fields other than')
    expect(statusOf(await patch({ serviceName: 'other' })).message).toContain(
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template'",
    )
    expect((await patch({ replicas: 3 })).code).toBe(200)
  })

  test('count generations, scale, and keep the number through it', async () => {
    await create(apps('deployments'), workload())
    const path = `${apps('deployments')}/a`
    const type = 'application/merge-patch+json'
    const scaled = await cluster.send('PATCH', `${path}/scale`, { body: { spec: { replicas: 3 } }, type })
    expect(scaled.json()).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { selector: 'app=a' } })
    const now = (await cluster.send('GET', path)).json<TestObject>()
    expect([now.spec!['replicas'], now.metadata.generation]).toEqual([3, 2])
    const status = await cluster.send('PATCH', `${path}/status`, {
      body: { status: { replicas: 1, readyReplicas: 1 } },
      type,
    })
    expect(status.json()).toMatchObject({ metadata: { generation: 2 }, status: { readyReplicas: 1 } })
  })

  test('jobs find their pods by labels of their own, and stay what they are', async () => {
    const job = { metadata: { name: 'j' }, spec: { template: template({ restartPolicy: 'Never' }, {}) } }
    const made = await create(batch('jobs'), job)
    const { uid } = made.metadata
    expect(made.spec).toMatchObject({
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { metadata: { labels: { 'job-name': 'j', 'controller-uid': uid } } },
    })
    expect((await refusal(batch('jobs'), { metadata: { name: 'k' }, spec: { template: template() } }))[1]).toContain(
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    )
    const changed = await cluster.send('PATCH', `${batch('jobs')}/j`, {
      body: { spec: { completions: 5 } },
      type: 'application/merge-patch+json',
    })
    expect(statusOf(changed).message).toContain('spec.completions: Invalid value: 5: field is immutable')
    const cron = { metadata: { name: 'c' }, spec: { schedule: '* *', jobTemplate: { spec: job.spec } } }
    expect((await refusal(batch('cronjobs'), cron))[1]).toContain('expected exactly 5 fields, found 2: [* *]')
  })
})

describe('pods', () => {
  const pod = (name: string, labels: Spec = {}): Promise<TestObject> =>
    create(core('pods'), { metadata: { name, labels }, spec: template()['spec'] as Spec })

  test('are bound once, then evicted', async () => {
    expect((await pod('p')).status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
    const bind = (name: string): Promise<RawAnswer> =>
      cluster.send('POST', `${core('pods')}/p/binding`, { body: { target: { kind: 'Node', name } } })
    expect([(await bind('n1')).code, (await bind('n2')).code]).toEqual([201, 409])
    const bound = (await cluster.send('GET', `${core('pods')}?fieldSelector=spec.nodeName=n1`)).json<{
      items: TestObject[]
    }>()
    expect(bound.items[0]!.status).toMatchObject({ conditions: [{ type: 'PodScheduled', status: 'True' }] })
    const evicted = await cluster.send('POST', `${core('pods')}/p/eviction`, { body: { metadata: { name: 'p' } } })
    expect([evicted.code, statusOf(evicted).status]).toEqual([201, 'Success'])
    expect((await cluster.send('GET', `${core('pods')}/p`)).code).toBe(404)
  })

  test('stay as long as a disruption budget needs them', async () => {
    await pod('p', { app: 'a' })
    const type = 'application/merge-patch+json'
    await cluster.send('PATCH', `${core('pods')}/p/status`, { body: { status: { phase: 'Running' } }, type })
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
    await create(budgets, {
      metadata: { name: 'b' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } },
    })
    const evict = (): Promise<RawAnswer> => cluster.send('POST', `${core('pods')}/p/eviction`, { body: {} })
    expect([(await evict()).code, statusOf(await evict()).message]).toEqual([
      429,
      "Cannot evict pod as it would violate the pod's disruption budget.",
    ])
    await cluster.send('PATCH', `${budgets}/b/status`, { body: { status: { disruptionsAllowed: 1 } }, type })
    expect((await evict()).code).toBe(201)
  })

  test('change their image and little else; a deletion answers with the pod', async () => {
    await pod('p')
    const patch = (spec: Spec): Promise<RawAnswer> =>
      cluster.send('PATCH', `${core('pods')}/p`, { body: { spec }, type: 'application/strategic-merge-patch+json' })
    expect((await patch({ containers: [{ name: 'c', image: 'i:2' }] })).code).toBe(200)
    expect(statusOf(await patch({ hostNetwork: true })).message).toContain(
      'pod updates may not change fields other than',
    )
    const deleted = (
      await cluster.send('DELETE', `${core('pods')}/p`, { body: { gracePeriodSeconds: 30 } })
    ).json<TestObject>()
    expect([deleted.kind, deleted.metadata.name]).toEqual(['Pod', 'p'])
  })
})

describe('config maps and secrets', () => {
  test.each<[string, Spec, string]>([
    ['configmaps', { data: { 'a b': '1' } }, 'data[a b]: Invalid value: "a b": a valid config key must consist of'],
    ['configmaps', { data: { a: '1' }, binaryData: { a: 'AA==' } }, 'duplicate of key present in binaryData'],
    ['configmaps', { data: { '..': '1' } }, "must not be '..'"],
    ['secrets', { data: { 'a/b': '' } }, 'data[a/b]: Invalid value'],
    ['secrets', { type: 'kubernetes.io/tls' }, 'data[tls.crt]: Required value'],
    [
      'secrets',
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{' } },
      '<secret contents redacted>',
    ],
    [
      'secrets',
      { type: 'kubernetes.io/service-account-token' },
      'metadata.annotations[kubernetes.io/service-account.name]',
    ],
  ])('%s with %j are refused', async (plural, fields, message) => {
    expect(await refusal(core(plural), { metadata: { name: 'a' }, ...fields })).toEqual([
      422,
      expect.stringContaining(message),
    ])
  })

  test('stay sealed, but not their labels', async () => {
    const type = 'application/merge-patch+json'
    for (const plural of ['configmaps', 'secrets']) {
      await create(core(plural), { metadata: { name: 'a' }, data: { k: 'AA==' }, immutable: true })
      const patch = (body: Spec): Promise<RawAnswer> => cluster.send('PATCH', `${core(plural)}/a`, { body, type })
      expect(statusOf(await patch({ data: { k: 'AQ==' } })).message).toContain(
        'data: Forbidden: field is immutable when `immutable` is set',
      )
      expect(statusOf(await patch({ immutable: null })).message).toContain('immutable: Forbidden')
      expect((await patch({ metadata: { labels: { a: 'b' } } })).code).toBe(200)
    }
  })
})

describe('server-side apply of built-in kinds', () => {
  const type = 'application/apply-patch+yaml'
  const apply = (path: string, manager: string, body: Spec, query = ''): Promise<RawAnswer> =>
    cluster.send('PATCH', `${path}?fieldManager=${manager}${query}`, { body, type })

  test('keeps containers apart by name, and ports by number and protocol', async () => {
    const body = (image: string): Spec => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      ...workload({ template: template({ containers: [{ name: 'c', image, ports: [{ containerPort: 80 }] }] }) }),
    })
    const path = `${apps('deployments')}/a`
    const made = (await apply(path, 'one', body('i:1'))).json<TestObject>()
    const own = JSON.stringify(made.metadata.managedFields)
    expect(own).toContain(String.raw`k:{\"name\":\"c\"}`)
    expect(own).toContain(String.raw`k:{\"containerPort\":80,\"protocol\":\"TCP\"}`)
    expect(own).not.toContain('f:strategy')
    const side = { name: 'side', image: 's:1' }
    const other = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      spec: { template: { spec: { containers: [side] } } },
    }
    expect((await apply(path, 'two', other)).code).toBe(200)
    const both = (await apply(path, 'one', body('i:2'))).json<{
      spec: { template: { spec: { containers: Spec[] } } }
    }>()
    expect(both.spec.template.spec.containers.map(({ name, image }) => [name, image])).toEqual([
      ['c', 'i:2'],
      ['side', 's:1'],
    ])
    const conflict = await apply(path, 'two', {
      ...other,
      spec: { template: { spec: { containers: [{ name: 'c', image: 'i:9' }] } } },
    })
    expect(statusOf(conflict).message).toContain('.spec.template.spec.containers[name="c"].image')
  })

  test('does not know unknown fields', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, dtaa: {} }
    const answer = await apply(`${core('configmaps')}/a`, 'one', body)
    expect(statusOf(answer).message).toContain('.dtaa: field not declared in schema')
  })
})
