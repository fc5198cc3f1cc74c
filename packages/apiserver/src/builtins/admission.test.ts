import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

// What a kube-apiserver 1.35 with its usual admission plugins makes of the same requests.

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})
afterEach(() => cluster.server.close())

const PODS = '/api/v1/namespaces/default/pods'
const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims'
const PRIORITIES = '/apis/scheduling.k8s.io/v1/priorityclasses'
const SETS = '/apis/apps/v1/namespaces/default/daemonsets'
const MERGE = 'application/merge-patch+json'

async function create(path: string, body: object): Promise<TestObject> {
  const answer = await cluster.send('POST', `${path}?fieldManager=m`, { body })
  if (answer.code !== 201) throw new Error(answer.text)
  return answer.json()
}

const pod = (name: string, spec: object = {}): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})
const claim = (spec: object = {}): object => ({
  metadata: { name: 'a' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})

describe('pods', () => {
  test('bear lost nodes for five minutes, which nobody owns', async () => {
    const { spec, metadata } = await create(PODS, pod('p'))
    const lost = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
    expect(spec?.['tolerations']).toEqual([
      { key: 'node.kubernetes.io/not-ready', ...lost },
      { key: 'node.kubernetes.io/unreachable', ...lost },
    ])
    expect(JSON.stringify(metadata.managedFields)).not.toContain('tolerations')
    const own = await create(PODS, pod('own', { tolerations: [{ operator: 'Exists' }] }))
    expect(own.spec?.['tolerations']).toEqual([{ operator: 'Exists' }])
  })

  test('have the priority of their class', async () => {
    expect((await create(PODS, pod('none'))).spec).toMatchObject({
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    })
    await create(PRIORITIES, { metadata: { name: 'high' }, value: 7, preemptionPolicy: 'Never' })
    const named = await create(PODS, pod('named', { priorityClassName: 'high' }))
    expect(named.spec).toMatchObject({ priority: 7, preemptionPolicy: 'Never' })
    await create(PRIORITIES, { metadata: { name: 'usual' }, value: 3, globalDefault: true })
    expect((await create(PODS, pod('usual'))).spec).toMatchObject({ priorityClassName: 'usual', priority: 3 })
    const system = await create(PODS, pod('system', { priorityClassName: 'system-node-critical' }))
    expect(system.spec).toMatchObject({ priority: 2_000_001_000 })
    const lost = await cluster.send('POST', PODS, { body: pod('lost', { priorityClassName: 'no-such' }) })
    expect([lost.code, statusOf(lost).message]).toEqual([
      403,
      'pods "lost" is forbidden: no PriorityClass with name no-such was found',
    ])
    const chosen = await cluster.send('POST', PODS, { body: pod('chosen', { priority: 5 }) })
    expect(statusOf(chosen).message).toContain('the integer value of priority (5) must not be provided in pod spec')
  })

  test('keep what was decided when they are put back as they were written', async () => {
    const { metadata } = await create(PODS, pod('p'))
    const body = { ...pod('p'), metadata: { name: 'p', resourceVersion: metadata.resourceVersion } }
    const put = await cluster.send('PUT', `${PODS}/p`, { body })
    expect([put.code, put.json<TestObject>().spec?.['priority']]).toEqual([200, 0])
  })
})

test('storage is protected, and claims get the default class', async () => {
  const classes = '/apis/storage.k8s.io/v1/storageclasses'
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await create(classes, { metadata: { name: 'usual', annotations }, provisioner: 'a.b/c' })
  const made = await create(CLAIMS, claim())
  expect(made.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
  expect(made.spec).toMatchObject({ storageClassName: 'usual', volumeMode: 'Filesystem' })
  const volume = await create('/api/v1/persistentvolumes', {
    metadata: { name: 'v' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
  })
  expect(volume.metadata.finalizers).toEqual(['kubernetes.io/pv-protection'])
})

test('daemon sets count how often their template changed', async () => {
  const labels = { a: 'b' }
  const template = (image: string): object => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } })
  const spec = { selector: { matchLabels: labels }, template: template('i') }
  const key = 'deprecated.daemonset.template.generation'
  const made = await create(SETS, { metadata: { name: 'd' }, spec })
  expect(made.metadata.annotations).toEqual({ [key]: '1' })
  const patch = async (body: object): Promise<TestObject> =>
    (await cluster.send('PATCH', `${SETS}/d`, { body, type: MERGE })).json()
  expect((await patch({ spec: { minReadySeconds: 1 } })).metadata.annotations).toEqual({ [key]: '1' })
  expect((await patch({ spec: { template: template('j') } })).metadata.annotations).toEqual({ [key]: '2' })
  expect((await patch({ metadata: { annotations: { [key]: '9' } } })).metadata.annotations).toEqual({ [key]: '2' })
})

test('nodes come with their status, and what is not said to be less is there to be used', async () => {
  const status = { capacity: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] }
  const node = await create('/api/v1/nodes', { metadata: { name: 'n' }, spec: { podCIDR: '10.0.0.0/24' }, status })
  expect(node['status']).toMatchObject({ capacity: { cpu: '4' }, allocatable: { cpu: '4' } })
  expect(node.spec).toEqual({ podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] })
})
