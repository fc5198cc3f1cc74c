import { ApiServer } from '@locktender/apiserver'
import { Client, configMaps, seededRandom, secrets, VirtualClock, type KubeObject } from '@locktender/kube'
import { beforeEach, expect, test } from 'vitest'
import {
  applyOutput,
  type ApplyOutputOptions,
  isOutdated,
  plannedRequests,
  UndeclaredOutputError,
} from './apply-output.ts'
import type { Action, Destination, RecordedRequest } from './recorded-request.ts'
import { outputResourcesFrom } from './resource-lists.ts'
import { writeYaml } from './write-yaml.ts'

const namespace = 'default'

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

let clients: Record<Destination, Client>

beforeEach(async () => {
  const server = await ApiServer.open({ clock: new VirtualClock(), random: seededRandom(1) })
  const client = async (cluster: string) => {
    await server.cluster(cluster)
    return new Client({ transport: server.transport({ cluster, user: { name: 't', groups: ['system:masters'] } }) })
  }
  clients = { Configuration: await client('c'), Management: await client('m'), UserWorkload: await client('u') }
})

/** All that the requests of these tests may write. */
const outputs = outputResourcesFrom({
  managementResources: {
    exactResources: ['a', 'b', 'c'].flatMap((name) =>
      ['configmaps', 'secrets'].map((resource) => ({ version: 'v1', resource, namespace, name })),
    ),
    generatedNameResources: [{ version: 'v1', resource: 'configmaps', namespace, name: 'made-' }],
    eventingNamespaces: [namespace],
  },
})

function request(
  action: Action,
  name: string,
  body: object = {},
  more: Partial<RecordedRequest> = {},
): RecordedRequest {
  const isWhole = action === 'Create' || action.startsWith('Update') || action.startsWith('Apply')
  const { metadata, ...rest } = body as { metadata?: object }
  const whole = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...metadata }, ...rest }
  return {
    action,
    group: '',
    version: 'v1',
    plural: 'configmaps',
    namespace,
    name,
    generateName: '',
    controller: 'one',
    ...(action.startsWith('Patch') && { patchType: 'application/merge-patch+json' }),
    body: action === 'Delete' ? '' : writeYaml(isWhole ? whole : body),
    options: '',
    ...more,
  }
}

function inOrder(...requests: RecordedRequest[]) {
  const numbered = requests.map((one, index) => ({ ...one, sequence: index + 1 }))
  return { requests: new Map([['Management' as const, numbered]]), undeclared: [] }
}

function apply(
  output: ReturnType<typeof inOrder>,
  given: readonly KubeObject[] = [],
  more: Partial<ApplyOutputOptions> = {},
) {
  return applyOutput(output, {
    clusters: (destination) => clients[destination],
    outputs,
    seen: (_destination, { name }) => given.find(({ metadata }) => metadata.name === name),
    ...more,
  })
}

function stored(name: string): Promise<ConfigMap> {
  return clients.Management.get<ConfigMap>(configMaps, name, namespace)
}

function create(name: string, data: Record<string, string> = {}): Promise<ConfigMap> {
  return clients.Management.create<ConfigMap>(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data,
  })
}

test('requests go in the order in which they were made, events last', async () => {
  const event = request('Create', 'a.1', {}, { plural: 'events', controller: 'two' })
  const output = inOrder(
    event,
    request('Delete', 'a'),
    request('Create', 'a'),
    request('Patch', 'a', { data: { x: 'y' } }),
  )
  expect(plannedRequests(output, outputs).map(({ request: { action, plural } }) => `${action} ${plural}`)).toEqual([
    'Delete configmaps',
    'Create configmaps',
    'Patch configmaps',
    'Create events',
  ])
  await create('a', { old: 'yes' })
  const { failed } = await apply(output)
  expect(failed).toEqual([])
  expect((await stored('a')).data).toEqual({ x: 'y' })
})

test('where no order is known, what is new comes first and deletions last', () => {
  const requests = [request('Delete', 'b'), request('Patch', 'a', {}), request('Create', 'c'), request('Update', 'a')]
  const planned = plannedRequests({ requests: new Map([['Management', requests]]), undeclared: [] }, outputs)
  expect(planned.map(({ request: { action } }) => action)).toEqual(['Create', 'Patch', 'Update', 'Delete'])
})

test('one undeclared request, and nothing is applied', async () => {
  const output = inOrder(request('Create', 'a'), request('Create', 'elsewhere'))
  await expect(apply(output)).rejects.toThrow(UndeclaredOutputError)
  await expect(apply(output)).rejects.toThrow(
    /declare: Create configmaps\/elsewhere in namespace default of Management/,
  )
  const wrongServer = { requests: new Map([['UserWorkload' as const, [request('Create', 'a')]]]), undeclared: [] }
  await expect(apply(wrongServer as never)).rejects.toThrow(/declare: Create configmaps\/a .* of UserWorkload/)
  const marked = { requests: new Map(), undeclared: [request('Create', 'b')] }
  await expect(apply(marked as never)).rejects.toThrow(/of Unspecified/)
  await expect(stored('a')).rejects.toThrow(/not found/)
})

test('an object is replaced only if it is what the operator saw', async () => {
  const saw = await create('a', { step: '0' })
  await clients.Management.patch(configMaps, { name: 'a', namespace }, { data: { other: 'x' } }, { type: 'merge' })
  const before = await apply(inOrder(request('Update', 'a', { data: { step: '1' } })), [saw])
  expect(before.failed.map((refused) => [refused.error.message, isOutdated(refused)])).toEqual([
    [expect.stringMatching(/^Operation cannot be fulfilled on configmaps "a"/), true],
  ])
  const after = await apply(inOrder(request('Update', 'a', { data: { step: '1' } })), [await stored('a')])
  expect(after.failed).toEqual([])
  expect((await stored('a')).data).toEqual({ step: '1' })
})

test('several writes of one object build on each other, though the operator had to make up what the first would give', async () => {
  const made = { metadata: { resourceVersion: '1000000000001', uid: 'made-up' } }
  const { failed } = await apply(
    inOrder(
      request('Create', 'a', { data: { step: '0' } }),
      request('Update', 'a', { ...made, data: { step: '1' } }),
      request('Update', 'a', { ...made, data: { step: '2' } }),
    ),
  )
  expect(failed).toEqual([])
  expect((await stored('a')).data).toEqual({ step: '2' })
})

test('a patch that an update builds on is refused when the operator did not see what is there', async () => {
  const saw = await create('a', { step: '0' })
  await clients.Management.patch(configMaps, { name: 'a', namespace }, { data: { other: 'x' } }, { type: 'merge' })
  for (const patch of [
    request('Patch', 'a', { data: { p: '1' } }),
    request('Apply', 'a', { data: { p: '1' } }, { fieldManager: 'one' }),
    request('Patch', 'a', [{ op: 'add', path: '/data/p', value: '1' }], { patchType: 'application/json-patch+json' }),
  ]) {
    const { applied, failed } = await apply(inOrder(patch, request('Update', 'a', { data: { p: '1' } })), [saw])
    expect({ applied, failed: failed.length }).toEqual({ applied: [], failed: 1 })
  }
  expect((await stored('a')).data).toEqual({ step: '0', other: 'x' })
})

test('a failed request ends its controller and no other', async () => {
  await create('a')
  const { applied, failed } = await apply(
    inOrder(request('Create', 'a'), request('Create', 'b'), request('Create', 'c', {}, { controller: 'two' })),
  )
  expect(applied.map(({ request: { name } }) => name)).toEqual(['c'])
  expect(failed.map((refused) => [refused.request.name, isOutdated(refused)])).toEqual([['a', true]])
})

test('owners that the run itself created get the uid they really have', async () => {
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'made-up' }]
  await apply(inOrder(request('Create', 'a'), request('Create', 'b', { metadata: { ownerReferences } })))
  const { uid } = (await stored('a')).metadata
  expect((await stored('b')).metadata.ownerReferences).toEqual([{ ...ownerReferences[0], uid }])
})

test('a deletion is of the object that the operator saw; one that is gone already is done', async () => {
  const saw = await create('a')
  await clients.Management.delete(configMaps, { name: 'a', namespace })
  expect((await apply(inOrder(request('Delete', 'a')), [saw])).failed).toEqual([])
  await create('a')
  const { failed } = await apply(inOrder(request('Delete', 'a')), [saw])
  expect(failed.map(isOutdated)).toEqual([true])
  expect((await apply(inOrder(request('Delete', 'a')), [await stored('a')])).failed).toEqual([])
  await expect(stored('a')).rejects.toThrow(/not found/)
})

test('options of requests are sent: who owns what, and by force', async () => {
  const applyAs = (fieldManager: string, value: string, force?: boolean) =>
    inOrder(
      request(
        'Apply',
        'a',
        { data: { x: value } },
        {
          fieldManager,
          options: writeYaml({ fieldManager, ...(force !== undefined && { force }) }),
        },
      ),
    )
  await apply(applyAs('first', '1'))
  const refused = (await apply(applyAs('second', '2'))).failed
  expect(refused.map((one) => [one.error.message, isOutdated(one)])).toEqual([
    ['Apply failed with 1 conflict: conflict with "first": .data.x', false],
  ])
  expect((await apply(applyAs('second', '2', true))).failed).toEqual([])
  expect((await stored('a')).metadata.managedFields?.map(({ manager }) => manager)).toEqual(['second'])
})

test('events that cannot be written do no harm', async () => {
  const event = request('Create', 'wrong', {}, { plural: 'events', body: 'kind: Event\n  a: [' })
  const { applied, failed, lostEvents } = await apply(inOrder(request('Create', 'a'), event))
  expect([applied.length, failed.length, lostEvents.length]).toEqual([1, 0, 1])
  expect(lostEvents[0]!.error.message).toMatch(/^its body or its options cannot be read/)
})

test('each request waits for its turn', async () => {
  let turns = 0
  const pace = () => Promise.resolve(void turns++)
  await apply(inOrder(request('Create', 'a'), request('Create', 'b')), [], { pace })
  expect(turns).toBe(2)
  expect((await clients.Management.list(secrets, { namespace })).items).toEqual([])
})
