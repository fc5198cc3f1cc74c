import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

afterEach(() => cluster.server.close())

const at = (plural: string): string => `/apis/storage.k8s.io/v1/${plural}`

async function create(plural: string, name: string, fields: object): Promise<TestObject> {
  const answer = await cluster.send('POST', at(plural), { body: { metadata: { name }, ...fields } })
  if (answer.code !== 201) throw new Error(answer.text)
  return answer.json()
}

/** What is wrong, one a line. */
async function problems(plural: string, fields: object): Promise<string[]> {
  const answer = await cluster.send('POST', at(plural), { body: { metadata: { name: 'a' }, ...fields } })
  return (statusOf(answer).details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
}

async function change(path: string, body: object): Promise<string> {
  const answer = await cluster.send('PATCH', at(path), { body, type: 'application/merge-patch+json' })
  return answer.code === 200 ? 'changed' : (statusOf(answer).message ?? '')
}

describe('drivers of volumes', () => {
  test('have defaults, and count their changes from the first one on', async () => {
    const made = await create('csidrivers', 'a.b', { spec: {} })
    expect(made.spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    })
    expect(made.metadata.generation).toBeUndefined()
    expect(await change('csidrivers/a.b', { spec: { podInfoOnMount: true } })).toBe('changed')
    const { metadata } = (await cluster.send('GET', at('csidrivers/a.b'))).json<TestObject>()
    expect(metadata.generation).toBe(1)
    expect(await change('csidrivers/a.b', { spec: { attachRequired: false } })).toContain(
      'spec.attachedRequired: Invalid value: false: field is immutable',
    )
    const { resourceVersion: _version, ...rest } = metadata
    const blind = await cluster.send('PUT', at('csidrivers/a.b'), { body: { ...made, metadata: rest } })
    expect(statusOf(blind).message).toContain('metadata.resourceVersion: Invalid value: 0')
  })

  test('are refused for what they cannot be, and warned of', async () => {
    const tokens = [{ audience: 'a', expirationSeconds: 36 }, { audience: 'a' }, { expirationSeconds: 4294967299 }]
    const spec = { fsGroupPolicy: 'x', volumeLifecycleModes: ['y'], nodeAllocatableUpdatePeriodSeconds: 3 }
    expect(await problems('csidrivers', { spec: { ...spec, tokenRequests: tokens } })).toEqual([
      'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 36: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967299: may not specify a duration larger than 2^32 seconds',
      'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
      'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 3: must be greater than or equal to 10 seconds',
    ])
    expect(await problems('csidrivers', { spec: { serviceAccountTokenInSecrets: true } })).toEqual([
      'spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    ])
    const warned = await cluster.send('POST', at('csidrivers'), {
      body: { metadata: { name: 'a' }, spec: { tokenRequests: [{ audience: 'a' }] } },
    })
    expect(warned.headers['warning']).toContain('299 - "spec.serviceAccountTokenInSecrets is unset;')
  })

  test('of a node have names, and stay as they are but for how much they take', async () => {
    const drivers = [{ name: 'x', nodeID: '', topologyKeys: ['a/b', 'a/b'], allocatable: { count: -3 } }, { name: 'x' }]
    expect(await problems('csinodes', { spec: { drivers } })).toEqual([
      'spec.drivers[0].nodeID: Required value',
      'spec.drivers[0].allocatable.count: Invalid value: -3: must be greater than or equal to 0',
      'spec.drivers[0]: Duplicate value: "a/b"',
      'spec.drivers[1].nodeID: Required value',
      'spec.drivers[1].name: Duplicate value: "x"',
    ])
    await create('csinodes', 'n', { spec: { drivers: [{ name: 'x', nodeID: 'i' }] } })
    const next = (more: object): object => ({ spec: { drivers: [{ name: 'x', nodeID: 'i', ...more }] } })
    expect(await change('csinodes/n', next({ allocatable: { count: 3 } }))).toBe('changed')
    expect(await change('csinodes/n', next({ nodeID: 'j' }))).toContain(
      'spec.drivers: Invalid value: {"Name":"x","NodeID":"j","TopologyKeys":null,"Allocatable":null}: field is immutable',
    )
  })
})

test('the room of a class is where it is', async () => {
  const plural = 'namespaces/default/csistoragecapacities'
  expect(
    await problems(plural, { storageClassName: '', capacity: '-1', nodeTopology: { matchLabels: { a: '-' } } }),
  ).toEqual([
    expect.stringContaining('nodeTopology.matchLabels: Invalid value: "-"'),
    expect.stringContaining('storageClassName: Invalid value: "": a lowercase RFC 1123 subdomain'),
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ])
  await create(plural, 'c', { storageClassName: 's', capacity: '1024Mi' })
  expect(await change(`${plural}/c`, { capacity: '2Gi' })).toBe('changed')
  expect(await change(`${plural}/c`, { storageClassName: 't' })).toContain(
    'storageClassName: Invalid value: "t": field is immutable',
  )
})

test('an attachment is of one volume to one node, and gets its status later', async () => {
  expect(await problems('volumeattachments', { spec: { attacher: 'a', nodeName: 'n', source: {} } })).toEqual([
    'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
  ])
  const inlineVolumeSpec = { capacity: { storage: 1 }, persistentVolumeReclaimPolicy: 'Delete' }
  expect(
    await problems('volumeattachments', { spec: { attacher: '', nodeName: 'n', source: { inlineVolumeSpec } } }),
  ).toEqual([
    'spec.attacher: Required value',
    'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
    'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes',
    'spec.source.inlineVolumeSpec.accessModes: Required value',
    'spec.source.inlineVolumeSpec.persistentVolumeReclaimPolicy: Forbidden: may only be Retain in the context of inline volumes',
    'spec.source.inlineVolumeSpec: Required value: must specify a volume type',
    'spec.attacher: Required value',
  ])
  const spec = { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'v' } }
  const made = await create('volumeattachments', 'x', { spec, status: { attached: true } })
  expect(made.status).toEqual({ attached: false })
  expect(await change('volumeattachments/x', { spec: { nodeName: 'm' } })).toContain(
    'spec: Invalid value: {"Attacher":"a","Source":{"PersistentVolumeName":"v","InlineVolumeSpec":null},"NodeName":"m"}: field is immutable',
  )
  expect(await change('volumeattachments/x/status', { status: { attachError: { errorCode: -1 } } })).toContain(
    'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
  )
  expect(await change('volumeattachments/x/status', { status: { attached: true } })).toBe('changed')
  const csi = { accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } }
  const inline = await create('volumeattachments', 'y', { spec: { ...spec, source: { inlineVolumeSpec: csi } } })
  expect(inline.spec?.['source']).toEqual({ inlineVolumeSpec: csi })
})

test('a class of attributes never changes', async () => {
  expect(await problems('volumeattributesclasses', { driverName: 'x x' })).toEqual([
    expect.stringContaining('driverName: Invalid value: "x x"'),
    'parameters: Required value: must contain at least one key/value pair',
  ])
  await create('volumeattributesclasses', 'a', { driverName: 'd', parameters: { a: 'b' } })
  const refused = await change('volumeattributesclasses/a', { driverName: 'e', parameters: { a: 'c' } })
  expect(refused).toContain('driverName: Forbidden: updates to driverName are forbidden.')
  expect(refused).toContain('parameters: Forbidden: updates to parameters are forbidden.')
})
