import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

afterEach(() => cluster.server.close())

const path = (version: string, name = ''): string =>
  `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers${name}`
const FIRST = path('v1')
const SECOND = path('v2')
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT = 'autoscaling.alpha.kubernetes.io/current-metrics'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'

const scaleTargetRef = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
const load = (percent: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
})
const queue = {
  type: 'External',
  external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } },
}
const hits = {
  type: 'Object',
  object: {
    describedObject: { kind: 'A', name: 'b' },
    target: { type: 'Value', value: '5' },
    metric: { name: 'h', selector: { matchLabels: { a: 'b' } } },
  },
}

async function send(method: 'POST' | 'PUT', url: string, body: object): Promise<TestObject> {
  const answer = await cluster.send(method, url, { body })
  if (answer.code >= 300) throw new Error(answer.text)
  return answer.json()
}

async function get(url: string): Promise<TestObject> {
  return (await cluster.send('GET', url)).json()
}

test('an autoscaler of the second version has in the first what that has no fields for in annotations', async () => {
  const behavior = { scaleUp: { stabilizationWindowSeconds: 3 } }
  const spec = { maxReplicas: 3, scaleTargetRef, metrics: [load(50), hits, queue], behavior }
  await send('POST', SECOND, { metadata: { name: 'a', annotations: { mine: '1', [METRICS]: 'dropped' } }, spec })
  const status = {
    currentReplicas: 2,
    desiredReplicas: 3,
    currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }],
    conditions: [{ message: 'x<y', type: 'AbleToScale', status: 'True', reason: 'r' }],
  }
  const second = await get(`${SECOND}/a`)
  expect(second.metadata.annotations).toEqual({ mine: '1' })
  await send('PUT', `${SECOND}/a/status`, { ...second, status })
  const first = await get(`${FIRST}/a`)
  expect(first.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 })
  expect(first.status).toEqual({ currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 7 })
  const {
    [METRICS]: metrics,
    [CURRENT]: current,
    [BEHAVIOR]: how,
    [CONDITIONS]: conditions,
    ...others
  } = first.metadata.annotations ?? {}
  expect(others).toEqual({ mine: '1' })
  expect(metrics).toBe(
    '[{"type":"Object","object":{"target":{"kind":"A","name":"b"},"metricName":"h","targetValue":"5",' +
      '"selector":{"matchLabels":{"a":"b"}}}},' +
      '{"type":"External","external":{"metricName":"q","targetAverageValue":"5"}}]',
  )
  expect(current).toBe(
    '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":7,"currentAverageValue":"0"}}]',
  )
  expect(how).toContain('{"ScaleUp":{"StabilizationWindowSeconds":3,"SelectPolicy":"Max","Policies":[{"Type":"Pods"')
  expect(conditions).toBe(
    '[{"type":"AbleToScale","status":"True","lastTransitionTime":null,"reason":"r","message":"x\\u003cy"}]',
  )
})

test('a write of the first version keeps what only the second one has', async () => {
  const spec = { maxReplicas: 3, scaleTargetRef, metrics: [queue, hits, load(50)], behavior: { scaleDown: {} } }
  const before = await send('POST', SECOND, { metadata: { name: 'a' }, spec })
  const first = await get(`${FIRST}/a`)
  const changed = { ...first, spec: { ...first.spec, maxReplicas: 9 } }
  await send('PUT', `${FIRST}/a`, changed)
  expect((await get(`${SECOND}/a`)).spec).toEqual({ ...before.spec, maxReplicas: 9 })
})

test('without metrics the first version is for the usual load, and says so', async () => {
  const made = await send('POST', FIRST, {
    metadata: { name: 'a', annotations: { [CONDITIONS]: '[{"type":"X","status":"True"}]', [METRICS]: 'junk' } },
    spec: { maxReplicas: 3, scaleTargetRef },
  })
  expect(made.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 80 })
  expect(made.metadata.annotations).toBeUndefined()
  const second = await get(`${SECOND}/a`)
  expect(second.spec?.['metrics']).toEqual([load(80)])
  expect(second.status).toEqual({ desiredReplicas: 0, currentMetrics: null })
})

test('the status and the rest are written apart, also where they share the annotations', async () => {
  const made = await send('POST', FIRST, { metadata: { name: 'a' }, spec: { maxReplicas: 3, scaleTargetRef } })
  const said = {
    [METRICS]: '[{"type":"External","external":{"metricName":"q","targetAverageValue":"5"}}]',
    [CURRENT]: '[{"type":"External","external":{"metricName":"q","currentValue":"7"}}]',
  }
  const claimed = { ...made, metadata: { ...made.metadata, annotations: said, resourceVersion: undefined } }
  await send('PUT', `${FIRST}/a/status`, claimed)
  const withStatus = await get(`${SECOND}/a`)
  expect(withStatus.spec?.['metrics']).toEqual([load(80)])
  const measured = [{ type: 'External', external: { metric: { name: 'q' }, current: { value: '7' } } }]
  expect(withStatus.status?.['currentMetrics']).toEqual(measured)
  await send('PUT', `${FIRST}/a`, {
    ...claimed,
    metadata: { ...claimed.metadata, annotations: { [METRICS]: said[METRICS] } },
  })
  const written = await get(`${SECOND}/a`)
  expect(written.spec?.['metrics']).toEqual([queue, load(80)])
  expect(written.status?.['currentMetrics']).toEqual(measured)
})

test('both versions are refused for the same, show the same table, and the second is preferred', async () => {
  const refused = await cluster.send('POST', FIRST, {
    body: { metadata: { name: 'a' }, spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 0, scaleTargetRef } },
  })
  expect(statusOf(refused).message).toBe(
    'HorizontalPodAutoscaler.autoscaling "a" is invalid: ' +
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
  )
  await send('POST', SECOND, {
    metadata: { name: 'a' },
    spec: { maxReplicas: 3, scaleTargetRef, metrics: [queue, load(50)] },
  })
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const [one, two] = await Promise.all(
    [FIRST, SECOND].map(async (url) =>
      (await cluster.send('GET', url, { accept }))
        .json<{ rows: { cells: unknown[] }[] }>()
        .rows.map(({ cells }) => cells),
    ),
  )
  expect(one).toEqual([['a', 'Deployment/d', '<unknown>/5 (avg), cpu: <unknown>/50%', '1', 3, 0, '0s']])
  expect(two).toEqual(one)
  expect(await get('/apis/autoscaling')).toMatchObject({ preferredVersion: { version: 'v2' } })
})
