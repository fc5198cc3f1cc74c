import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

afterEach(() => cluster.server.close())

const core = (plural: string): string => `/api/v1/namespaces/default/${plural}`
const apps = (plural: string): string => `/apis/apps/v1/namespaces/default/${plural}`

/** What an answer warns of, in its order. */
async function warnings(path: string, metadata: object, spec: object): Promise<string[]> {
  const answer = await cluster.send('POST', path, { body: { metadata, spec } })
  expect(answer.code).toBe(201)
  const header = answer.headers['warning'] ?? ''
  return [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!.replaceAll(/\\(.)/g, '$1'))
}

test('a pod that says things twice, or in old words', async () => {
  const annotations = { 'scheduler.alpha.kubernetes.io/critical-pod': '' }
  const env = [
    { name: 'A', value: 'b' },
    { name: 'A', value: 'c' },
    { name: 'A', value: '$(A)d' },
  ]
  const ports = [
    { containerPort: 80, name: 'x' },
    { containerPort: 80, name: 'y' },
    { containerPort: 80, hostPort: 8 },
  ]
  const told = await warnings(
    core('pods'),
    { name: 'a.b', annotations },
    {
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      imagePullSecrets: [{ name: 's' }, { name: 's' }],
      terminationGracePeriodSeconds: -3,
      containers: [
        { name: 'c', image: 'i', env, ports, resources: { limits: { memory: '1500m' } } },
        { name: 'd', image: 'i', ports: [{ containerPort: 81, name: 'x' }] },
      ],
    },
  )
  const where = 'spec.containers[0]'
  expect(told).toEqual([
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
    'spec.imagePullSecrets[1].name: duplicate name "s"',
    `${where}.resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer`,
    `${where}.resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer`,
    `${where}.env[1]: hides previous definition of "A", which may be dropped when using apply`,
    `${where}.ports[1]: duplicate port definition with ${where}.ports[0]`,
    `${where}.ports[2]: overlapping port definition with ${where}.ports[0]`,
    `${where}.ports[2]: overlapping port definition with ${where}.ports[1]`,
    `spec.containers[1].ports[0]: duplicate port name "x" with ${where}.ports[0], services and probes that select ports by name will use ${where}.ports[0]`,
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
  ])
})

test('a template of pods warns as they do, and again when it changes', async () => {
  const ports = [{ containerPort: 1 }, { containerPort: 1 }]
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', ports }] } }
  const spec = { selector: { matchLabels: { a: 'b' } }, template }
  const where = 'spec.template.spec.containers[0].ports'
  const twice = `${where}[1]: duplicate port definition with ${where}[0]`
  expect(await warnings(apps('deployments'), { name: 'd' }, spec)).toEqual([twice])
  const change = async (body: object): Promise<unknown> =>
    (await cluster.send('PATCH', `${apps('deployments')}/d`, { body, type: 'application/merge-patch+json' })).headers[
      'warning'
    ]
  expect(await change({ metadata: { labels: { x: 'y' } } })).toBeUndefined()
  expect(await change({ spec: { paused: true } })).toContain(twice)
  expect(await warnings(apps('statefulsets'), { name: 's' }, { ...spec, revisionHistoryLimit: -3 })).toEqual([
    twice,
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
  ])
})

test('services, ingresses and claims with fields that mean nothing or have other names', async () => {
  const headless = {
    clusterIP: 'None',
    loadBalancerIP: '1.2.3.4',
    externalIPs: ['1.2.3.4'],
    sessionAffinity: 'ClientIP',
  }
  expect(await warnings(core('services'), { name: 's' }, { ...headless, ports: [{ port: 1 }] })).toEqual([
    'spec.loadBalancerIP is ignored for headless services',
    'spec.externalIPs is ignored for headless services',
    'spec.SessionAffinity is ignored for headless services',
  ])
  const annotated = { name: 'i', annotations: { 'kubernetes.io/ingress.class': 'x' } }
  const backend = { defaultBackend: { service: { name: 's', port: { number: 1 } } } }
  expect(await warnings('/apis/networking.k8s.io/v1/namespaces/default/ingresses', annotated, backend)).toEqual([
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ])
  const old = { name: 'c', annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } }
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '128m' } } }
  expect(await warnings(core('persistentvolumeclaims'), old, claim)).toEqual([
    'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
    'spec.resources.requests[storage]: fractional byte value "128m" is invalid, must be an integer',
  ])
})

test('an address belongs to one service', async () => {
  const send = (name: string, spec: object): ReturnType<typeof cluster.send> =>
    cluster.send('POST', core('services'), { body: { metadata: { name }, spec: { ports: [{ port: 1 }], ...spec } } })
  const { spec } = (await send('a', {})).json<TestObject>()
  const clusterIP = String(spec?.['clusterIP'])
  expect(statusOf(await send('b', { clusterIP })).message).toBe(
    `Service "b" is invalid: spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: provided IP is already allocated`,
  )
  expect((await send('c', { clusterIP: 'None' })).code).toBe(201)
  expect((await send('d', { clusterIP: 'None' })).code).toBe(201)
})

test('the group of what a claim begins with is there even when it is none', async () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const source = { kind: 'PersistentVolumeClaim', name: 'x' }
  const body = { metadata: { name: 'c' }, spec: { ...spec, dataSource: source } }
  const made = (await cluster.send('POST', core('persistentvolumeclaims'), { body })).json<TestObject>()
  expect(made.spec).toMatchObject({
    dataSource: { apiGroup: null, ...source },
    dataSourceRef: { apiGroup: null, ...source },
  })
})

test('a pod that is deleted at once is answered as one that had its time', async () => {
  const spec = { containers: [{ name: 'c', image: 'i' }] }
  await cluster.send('POST', core('pods'), { body: { metadata: { name: 'p' }, spec } })
  const { metadata } = (await cluster.send('DELETE', `${core('pods')}/p`)).json<TestObject>()
  expect(metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 })
  expect(metadata.deletionTimestamp).toBeDefined()
  expect((await cluster.send('GET', `${core('pods')}/p`)).code).toBe(404)
})
