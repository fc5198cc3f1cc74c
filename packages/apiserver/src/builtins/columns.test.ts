import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

// What kubectl 1.35 shows of the same objects of a real server, with -o wide.

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})
afterEach(() => cluster.server.close())

interface Table {
  readonly columnDefinitions: readonly { readonly name: string }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[]
}

async function rowOf(path: string, body: object, status?: object): Promise<Record<string, unknown>> {
  const made = await cluster.send('POST', path, { body: { metadata: { name: 'x' }, ...body } })
  expect([made.code, made.text]).toEqual([201, made.text])
  if (status !== undefined) {
    await cluster.send('PATCH', `${path}/x/status`, { body: { status }, type: 'application/merge-patch+json' })
  }
  const answer = await cluster.send('GET', `${path}/x`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const { columnDefinitions, rows } = answer.json<Table>()
  return Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]!.cells[index]]))
}

test('events', async () => {
  const core = await rowOf('/api/v1/namespaces/default/events', {
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default', fieldPath: 'spec.containers{c}' },
    source: { component: 'x', host: 'h' },
    count: 3,
    message: ' hello ',
  })
  expect(core).toMatchObject({
    Object: 'pod/p',
    Subobject: 'spec.containers{c}',
    Source: 'x, h',
    Count: 3,
    Message: 'hello',
  })
})

test('bindings', async () => {
  const row = await rowOf('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    roleRef: { kind: 'ClusterRole', name: 'view', apiGroup: 'rbac.authorization.k8s.io' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'User', name: 'v' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
    ],
  })
  expect(row).toMatchObject({ Role: 'ClusterRole/view', Users: 'u, v', Groups: '', ServiceAccounts: 'n/s' })
})

const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }
const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } }
const external = { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '5' } } }

test.each([
  [[cpu, memory, external], undefined, 'cpu: <unknown>/50%, memory: <unknown>/1Gi + 1 more...'],
  [[external], undefined, '<unknown>/5'],
  [[cpu], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }], 'cpu: 7%/50%'],
])('autoscalers with %j', async (metrics, currentMetrics, targets) => {
  const scaleTargetRef = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
  const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
  const status = currentMetrics === undefined ? undefined : { currentMetrics }
  const row = await rowOf(path, { spec: { maxReplicas: 3, scaleTargetRef, metrics } }, status)
  expect(row).toMatchObject({ Targets: targets, MinPods: '1', MaxPods: 3 })
})

test('the default class of storage, and a quota that nobody has counted', async () => {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  const path = '/apis/storage.k8s.io/v1/storageclasses'
  expect(await rowOf(path, { metadata: { name: 'x', annotations }, provisioner: 'a.b/c' })).toMatchObject({
    Name: 'x (default)',
  })
  const quotas = '/api/v1/namespaces/default/resourcequotas'
  const counted = { hard: { pods: '5', 'limits.cpu': '2' }, used: { pods: '1' } }
  expect(await rowOf(quotas, { spec: { hard: counted.hard } }, counted)).toMatchObject({
    Request: 'pods: 1/5',
    Limit: 'limits.cpu: 0/2',
  })
})
