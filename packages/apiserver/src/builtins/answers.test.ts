import { beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

// What a kube-apiserver 1.35 answers to the same requests.

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})

const CORE = '/api/v1/namespaces/default'
const APPS = '/apis/apps/v1/namespaces/default'
const JOBS = '/apis/batch/v1/namespaces/default/jobs'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = { replicas: 0, selector: { matchLabels: { a: 'b' } }, template }

async function create(path: string, body: object) {
  const answer = await cluster.send('POST', `${path}?fieldManager=m`, { body: { metadata: { name: 'x' }, ...body } })
  if (answer.code !== 201) throw new Error(answer.text)
  return answer.json()
}

async function causes(path: string, body: object) {
  const answer = await cluster.send('POST', path, { body: { metadata: { name: 'x' }, ...body } })
  expect(answer.code).toBe(422)
  return statusOf(answer).details?.causes?.map(({ field, message }) => `${field}: ${message}`)
}

describe('defaults', () => {
  test('of a secret belong to who creates it', async () => {
    const made = await create(`${CORE}/secrets`, { stringData: { a: 'b' } })
    expect(made).toMatchObject({ data: { a: 'Yg==' }, type: 'Opaque' })
    expect(made.metadata.managedFields?.[0]?.fieldsV1).toEqual({ 'f:data': { '.': {}, 'f:a': {} }, 'f:type': {} })
  })

  test('of the limits of containers', async () => {
    const limits = [
      { type: 'Pod', max: { cpu: '2' } },
      { type: 'Container', max: { cpu: '2' }, min: { memory: '1Gi' }, default: { 'ephemeral-storage': '1Gi' } },
    ]
    const { spec } = await create(`${CORE}/limitranges`, { spec: { limits } })
    expect(spec?.['limits']).toEqual([
      limits[0],
      {
        ...limits[1],
        default: { cpu: '2', 'ephemeral-storage': '1Gi' },
        defaultRequest: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '1Gi' },
      },
    ])
  })

  test('of a stateful set', async () => {
    const { spec } = await create(`${APPS}/statefulsets`, { spec: { ...workload, serviceName: 'x' } })
    expect(spec?.['updateStrategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { partition: 0, maxUnavailable: 1 },
    })
  })

  test('of a job, which is labelled like its pods', async () => {
    const spec = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } }
    const { metadata, spec: made } = await create(JOBS, { spec })
    expect(made).toMatchObject({ manualSelector: false, template: { metadata: { labels: metadata.labels } } })
    expect(metadata.labels).toEqual({
      'batch.kubernetes.io/controller-uid': metadata.uid,
      'batch.kubernetes.io/job-name': 'x',
      'controller-uid': metadata.uid,
      'job-name': 'x',
    })
  })
})

describe('refusals', () => {
  const unselected = 'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`'
  const containers = 'spec.template.spec.containers: Required value'

  test.each([
    ['deployments', ['spec.selector: Required value', unselected, containers]],
    ['replicasets', ['spec.selector: Required value', unselected, containers]],
    ['daemonsets', [unselected, containers]],
  ])('of %s with nothing in them', async (plural, expected) => {
    expect(await causes(`${APPS}/${plural}`, {})).toEqual(expected)
  })

  test('of a service by its name', async () => {
    const body = { metadata: { name: '1x' }, spec: { ports: [{ port: 80 }] } }
    expect((await causes(`${CORE}/services`, body))?.[0]).toMatch(
      /^metadata\.name: Invalid value: "1x": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with/,
    )
  })

  test('of finalizers without a domain, where the kind is old', async () => {
    const metadata = { name: 'x', finalizers: ['nodomain'] }
    expect(await causes(`${CORE}/secrets`, { metadata })).toEqual([
      'metadata.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified',
    ])
    await create('/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata, spec: {} })
  })

  test('of a lease for no time, and of values of other types', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
    expect(await causes(leases, { spec: { leaseDurationSeconds: 0 } })).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ])
    const body = { metadata: { name: 'x' }, data: { a: 1 } }
    expect(statusOf(await cluster.send('POST', `${CORE}/configmaps`, { body })).message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    )
  })

  test('of a field nobody selects by', async () => {
    const said = async (path: string) => statusOf(await cluster.send('GET', `${path}?fieldSelector=no=1`)).message
    expect(await said(`${CORE}/configmaps`)).toBe(
      '"no" is not a known field selector: only "metadata.name", "metadata.namespace"',
    )
    expect(await said(`${CORE}/pods`)).toBe('field label not supported: no')
  })
})

test('lists that are always written are null without items', async () => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
  expect(await create(roles, {})).toHaveProperty('rules', null)
  expect(await create(roles, { metadata: { name: 'y' }, rules: [] })).toHaveProperty('rules', null)
  const patch = { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }
  const type = 'application/merge-patch+json'
  expect((await cluster.send('PATCH', `${roles}/x`, { body: patch, type })).json()).toMatchObject(patch)
  expect((await cluster.send('PATCH', `${roles}/x`, { body: { rules: [] }, type })).json()).toHaveProperty(
    'rules',
    null,
  )
  expect(await create(`${CORE}/limitranges`, { spec: { limits: [] } })).toHaveProperty('spec', { limits: null })
  // The terms of a pod's volumes are far down.
  const volumes = [{ name: 'v', projected: { sources: [] } }]
  const pod = await create(`${CORE}/pods`, { spec: { ...template.spec, volumes } })
  expect(pod.spec?.['volumes']).toEqual([{ name: 'v', projected: { sources: null, defaultMode: 420 } }])
})

test('annotations of a deployment count as a change of what is wanted', async () => {
  await create(`${APPS}/deployments`, { spec: workload })
  const patch = async (metadata: object) => {
    const type = 'application/merge-patch+json'
    const answer = await cluster.send('PATCH', `${APPS}/deployments/x`, { body: { metadata }, type })
    return answer.json().metadata.generation
  }
  expect(await patch({ labels: { l: '1' } })).toBe(1)
  expect(await patch({ annotations: { a: 'b' } })).toBe(2)
  expect(await patch({ annotations: { a: 'b' } })).toBe(2)
})

test('the pods of a deleted job stay unless somebody says otherwise', async () => {
  const spec = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } }
  await create(JOBS, { spec })
  const answer = await cluster.send('DELETE', `${JOBS}/x?dryRun=All`)
  expect(answer.json().metadata.finalizers).toEqual(['orphan'])
  expect(answer.headers['warning']).toContain('child pods are preserved by default when jobs are deleted')
  const background = await cluster.send('DELETE', `${JOBS}/x?dryRun=All&propagationPolicy=Background`)
  expect(background.headers['warning']).toBeUndefined()
})

test('the table of one object has its version, and ages are texts', async () => {
  const { metadata } = await create(`${CORE}/configmaps`, {})
  const table = (await cluster.send('GET', `${CORE}/configmaps/x`, { accept: TABLE })).json() as unknown as {
    metadata: object
    columnDefinitions: { name: string; type: string }[]
  }
  expect(table.metadata).toEqual({ resourceVersion: metadata.resourceVersion })
  expect(table.columnDefinitions.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'Name string',
    'Data string',
    'Age string',
  ])
})

test('a namespace is given no time to go', async () => {
  await cluster.send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const { metadata } = (await cluster.send('DELETE', '/api/v1/namespaces/n?dryRun=All')).json()
  expect(metadata).toHaveProperty('deletionTimestamp')
  expect(metadata).not.toHaveProperty('deletionGracePeriodSeconds')
})
