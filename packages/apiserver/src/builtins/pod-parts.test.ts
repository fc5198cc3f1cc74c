import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

let cluster: TestCluster

const PODS = '/api/v1/namespaces/default/pods'

beforeEach(async () => {
  cluster = await openTestCluster()
  const containers = [
    { name: 'c', image: 'i:1', resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '1' } } },
    { name: 'd', image: 'i:1' },
  ]
  const initContainers = [
    { name: 'i', image: 'i' },
    { name: 's', image: 'i', restartPolicy: 'Always' },
  ]
  await cluster.send('POST', PODS, { body: { metadata: { name: 'p' }, spec: { containers, initContainers } } })
})

afterEach(() => cluster.server.close())

async function patch(
  subresource: string,
  spec: object,
  type = 'application/strategic-merge-patch+json',
): Promise<string> {
  const body = Array.isArray(spec) ? spec : { metadata: { labels: { x: 'y' } }, spec }
  const answer = await cluster.send('PATCH', `${PODS}/p/${subresource}`, { body, type })
  return answer.code === 200 ? 'done' : (statusOf(answer).message ?? '')
}

async function pod(name = 'p'): Promise<TestObject> {
  return (await cluster.send('GET', `${PODS}/${name}`)).json()
}

test('containers are added to a pod for a look at it, and nothing else is changed', async () => {
  const add = (...ephemeralContainers: object[]): Promise<string> =>
    patch('ephemeralcontainers', { ephemeralContainers, activeDeadlineSeconds: 5 })
  expect(await add({ name: 'e', image: 'b', targetContainerName: 'c' })).toBe('done')
  const made = await pod()
  expect(made.metadata).toMatchObject({ generation: 2 })
  expect(made.metadata.labels).toBeUndefined()
  expect(made.spec).not.toHaveProperty('activeDeadlineSeconds')
  expect(made.spec?.['ephemeralContainers']).toMatchObject([{ name: 'e', image: 'b', imagePullPolicy: 'Always' }])
  expect(await add({ name: 'e', image: 'other' })).toContain(
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed',
  )
  const remove = [{ op: 'remove', path: '/spec/ephemeralContainers' }]
  expect(await patch('ephemeralcontainers', remove, 'application/json-patch+json')).toContain(
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed',
  )
  expect(await add({ name: 'c', image: 'b' })).toContain('spec.ephemeralContainers[0].name: Duplicate value: "c"')
  const unfit = await add({ name: 'f', image: 'b', targetContainerName: 'z', ports: [{ containerPort: 3 }] })
  expect(unfit).toContain('spec.ephemeralContainers[0].targetContainerName: Not found: "z"')
  expect(unfit).toContain('spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container')
})

test('a pod gets more or less of what it may use, and nothing else', async () => {
  const change = (container: object, list = 'containers'): Promise<string> => patch('resize', { [list]: [container] })
  expect(await change({ name: 'c', image: 'z', resources: { requests: { cpu: '200m' } } })).toBe('done')
  const { metadata, spec } = await pod()
  expect(metadata).toMatchObject({ generation: 2 })
  expect(spec?.['containers']).toMatchObject([{ image: 'i:1', resources: { requests: { cpu: '200m' } } }, {}])
  expect(await change({ name: 's', resources: { requests: { cpu: '1' } } }, 'initContainers')).toBe('done')
  for (const [container, list, why] of [
    [
      { name: 'c', resources: { requests: { memory: null } } },
      'containers',
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    ],
    [
      { name: 'c', resources: { requests: { 'ephemeral-storage': '1' } } },
      'containers',
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      { name: 'z', image: 'i' },
      'containers',
      'spec.containers: Forbidden: containers may not be added or removed on resize',
    ],
    [
      { name: 'i', resources: { requests: { cpu: '1' } } },
      'initContainers',
      'spec: Forbidden: resources for non-sidecar init containers are immutable',
    ],
    [
      { name: 's', resources: { limits: { 'ephemeral-storage': '1' } } },
      'initContainers',
      'spec: Forbidden: only cpu and memory resources for sidecar containers are mutable',
    ],
  ] as const) {
    expect(await change(container, list)).toContain(why)
  }
  const rename = [{ op: 'replace', path: '/spec/containers/1/name', value: 'z' }]
  expect(await patch('resize', rename, 'application/json-patch+json')).toContain(
    'spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize',
  )
  const image = 'i:1'
  const resources = { requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } }
  const body = { metadata: { name: 'q' }, spec: { containers: [{ name: 'c', image, resources }] } }
  await cluster.send('POST', PODS, { body })
  const worse = await cluster.send('PUT', `${PODS}/q/resize`, {
    body: {
      ...(await pod('q')),
      spec: { containers: [{ name: 'c', image, resources: { ...resources, requests: { cpu: '500m', memory: '1' } } }] },
    },
  })
  expect(statusOf(worse).message).toContain(
    'spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
  )
})

test('a pod is given to a node by a Binding of its own or in the collection', async () => {
  const bind = (
    name: string,
    target: object,
    path = '/api/v1/namespaces/default/bindings',
  ): ReturnType<typeof cluster.send> =>
    cluster.send('POST', path, { body: { metadata: { name, annotations: { a: 'b' } }, target } })
  const node = { kind: 'Node', name: 'n' }
  expect(statusOf(await bind('p', { kind: 'Pod', name: 'n' }))).toMatchObject({
    code: 500,
    message: 'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
  })
  expect((await bind('nope', node)).code).toBe(404)
  expect(statusOf(await bind('q', node, `${PODS}/p/binding`)).message).toBe(
    'name in URL does not match name in Binding object',
  )
  expect(statusOf(await bind('p', node))).toMatchObject({ code: 201, status: 'Success' })
  expect(await pod()).toMatchObject({ metadata: { annotations: { a: 'b' } }, spec: { nodeName: 'n' } })
  expect(statusOf(await bind('p', node)).message).toContain('pod p is already assigned to node "n"')
})
