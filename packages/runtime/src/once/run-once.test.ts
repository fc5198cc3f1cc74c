import { configMaps, isAlreadyExists, isConflict, isNotFound, secrets, sleep, systemClock } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import type { Controller, World } from '../controller.ts'
import { silentLogger } from '../logger.ts'
import { CONFIGURATION, MANAGEMENT, USER_WORKLOAD } from '../operator.ts'
import { type Compat, MENDED, STRICT } from './compat.ts'
import { InputDirectory } from './input-directory.ts'
import { answeredFetch } from './once-world.ts'
import { readOutput, writeOutput } from './output-directory.ts'
import { readYaml } from './read-yaml.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { inputResources, outputResources } from './resource-lists.ts'
import { runOnce, type RunOnceOptions } from './run-once.ts'
import { filesBelow, inFolder, writeFiles } from './testing/fixtures.ts'

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}
interface Thing extends KubeObject {
  spec?: Record<string, unknown>
  status?: { conditions?: { type: string; status: string }[]; [key: string]: unknown }
}

const things: Resource = { group: 'example.com', version: 'v1', plural: 'things', kind: 'Thing', namespaced: false }
const NOW = Date.parse('2026-01-05T08:00:00Z')

const configMap = (name: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: a, uid: u-${name}, resourceVersion: "5"${more}}\ndata: {k: v}\n`
const FILES = {
  'namespaces/a/core/configmaps/one.yaml': configMap('one'),
  'namespaces/a/core/configmaps.yaml':
    'apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: two, namespace: a, labels: {l: x}}\n  data: {k: v}\n',
  'cluster-scoped-resources/example.com/things/t.yaml':
    'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t, generation: 1, resourceVersion: "9"}\n' +
    'spec: {size: 1}\nstatus: {conditions: [{type: A, status: "True"}]}\n',
}

/** A controller that reconciles one key by `act`, and may read and write everything that is asked for here. */
function acting(act: (world: World) => Promise<void>, more: Partial<Controller> = {}): Controller {
  const all = [configMaps, secrets, things]
  return {
    name: 'acting',
    atStart: ['key'],
    reads: [{ cluster: MANAGEMENT, resource: configMaps, keys: () => [] }],
    writes: all.flatMap((resource) => [
      { cluster: MANAGEMENT, resource, name: 'new', ...(resource.namespaced && { namespace: 'a' }) },
      ...['one', 't', 'two'].map((name) => ({ cluster: MANAGEMENT, resource, name })),
      { cluster: MANAGEMENT, resource, name: 't', subresource: 'status' },
      { cluster: MANAGEMENT, resource, namespace: 'a', generateName: 'made-' },
    ]),
    reconcile: (_key, world) => act(world),
    ...more,
  }
}

async function run(
  controllers: readonly Controller[],
  more: Partial<RunOnceOptions> = {},
  files: Record<string, string> = FILES,
) {
  return inFolder((folder) => {
    writeFiles(folder, files)
    return runOnce({
      operator: { name: 'tested', controllers: () => controllers },
      input: new InputDirectory(folder),
      now: NOW,
      seed: 0,
      controllers: ['*'],
      fetch: answeredFetch([]),
      compat: MENDED,
      log: silentLogger,
      machineClock: systemClock(),
      ...more,
    })
  })
}

/** What `act` returns, and the requests it made. */
async function seen<T>(act: (world: World) => Promise<T>, compat: Compat = MENDED) {
  let value: T | undefined
  const { requests, problems } = await run(
    [
      acting(async (world) => {
        value = await act(world)
      }),
    ],
    { compat },
  )
  expect(problems).toEqual([])
  return { value: value!, requests: requests.get('Management')! }
}

const clientOf = (world: World) => world.cluster(MANAGEMENT).client
const named = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
  data: { k: 'new' },
})

describe('what was written is read', () => {
  test('after creations, by requests and in the cache', async () => {
    const { value, requests } = await seen(async (world) => {
      const { client } = world.cluster(MANAGEMENT)
      const made = await client.create(configMaps, named('new'))
      const cached = world.cluster(MANAGEMENT).cache<ConfigMap>(configMaps).get('a/new')
      const again = await client.create(configMaps, named('new')).catch((error: unknown) => error)
      return { made, cached, got: await client.get(configMaps, 'new', 'a'), again }
    })
    expect(value.made.metadata).toMatchObject({
      creationTimestamp: '2026-01-05T08:00:00Z',
      generation: 1,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect([value.cached, value.got]).toEqual([value.made, value.made])
    expect(isAlreadyExists(value.again)).toBe(true)
    expect(requests.map(({ action }) => action)).toEqual(['Create'])
  })

  test('names are generated, and recorded as they were asked for', async () => {
    const make = async (world: World) => {
      const metadata = { generateName: 'made-', namespace: 'a' } as KubeObject['metadata']
      const objects = [0, 1].map(() => clientOf(world).create(configMaps, { ...named(''), metadata }))
      return (await Promise.all(objects)).map(({ metadata: { name } }) => name)
    }
    const { value, requests } = await seen(make)
    expect(new Set(value).size).toBe(2)
    for (const name of value) expect(name).toMatch(/^made-[b-z2-9]{5}$/)
    expect(requests.map(({ name, generateName }) => [name, generateName])).toEqual([
      ['', 'made-'],
      ['', 'made-'],
    ])
    expect((await seen(make)).value).toEqual(value)
  })

  test('an update of what has changed since conflicts; another one counts up the generation', async () => {
    const { value } = await seen(async (world) => {
      const client = clientOf(world)
      const first = await client.get<Thing>(things, 't')
      const second = await client.update<Thing>(things, { ...first, spec: { size: 2 }, status: {} })
      const late = await client.update(things, { ...first, spec: { size: 3 } }).catch((error: unknown) => error)
      const same = await client.update<Thing>(things, second)
      return { second, late, same }
    })
    expect(isConflict(value.late)).toBe(true)
    expect(String(value.late)).toContain('things.example.com "t": the object has been modified')
    expect(value.second.metadata.generation).toBe(2)
    // Status is written by requests of its own.
    expect(value.second.status).toEqual({ conditions: [{ type: 'A', status: 'True' }] })
    expect(value.same.metadata.resourceVersion).toBe(value.second.metadata.resourceVersion)
  })

  test('patches of both kinds, of the object and its status', async () => {
    const { value, requests } = await seen(async (world) => {
      const client = clientOf(world)
      const merged = await client.patch<Thing>(
        things,
        { name: 't' },
        { spec: { colour: 'red' }, status: null },
        { type: 'merge' },
      )
      const operations = [
        { op: 'test', path: '/status/conditions/0/type', value: 'A' },
        { op: 'remove', path: '/status/conditions/0' },
      ]
      const options = { type: 'json', subresource: 'status' } as const
      const patched = await client.patch<Thing>(things, { name: 't' }, operations, options)
      const failed = await client.patch(things, { name: 't' }, operations, options).catch((error: unknown) => error)
      return { merged, patched, failed }
    })
    expect(value.merged).toMatchObject({ spec: { size: 1, colour: 'red' }, status: { conditions: [{ type: 'A' }] } })
    expect(value.patched).toMatchObject({ spec: { colour: 'red' }, status: { conditions: [] } })
    expect(value.patched.metadata.generation).toBe(2)
    expect(value.failed).toMatchObject({ code: 422 })
    expect(requests.map(({ action, patchType }) => `${action} ${patchType}`)).toEqual([
      'Patch application/merge-patch+json',
      'PatchStatus application/json-patch+json',
    ])
  })

  test('applied conditions merge by type, belong to who applied them, and go when they are no longer said', async () => {
    const { value } = await seen(async (world) => {
      const apply = (fieldManager: string, ...conditions: { type: string; status: string }[]) => {
        const object: Thing = {
          apiVersion: 'example.com/v1',
          kind: 'Thing',
          metadata: { name: 't' },
          status: { conditions },
        }
        return clientOf(world).apply<Thing>(things, object, { fieldManager, subresource: 'status' })
      }
      await apply('b', { type: 'B', status: 'True' })
      const both = await apply('c', { type: 'C', status: 'True' })
      const conflict = await apply('c', { type: 'B', status: 'False' }).catch((error: unknown) => error)
      const without = await apply('b')
      return { both, conflict, without }
    })
    const types = ({ status }: Thing) => status?.conditions?.map(({ type }) => type)
    expect(types(value.both)).toEqual(['A', 'B', 'C'])
    expect(String(value.conflict)).toContain('conflict with "b" with subresource "status"')
    expect(types(value.without)).toEqual(['A', 'C'])
  })

  test('what is deleted is gone, or waits for its finalizers', async () => {
    const files = { ...FILES, 'namespaces/a/core/configmaps/two.yaml': configMap('two', ', finalizers: [x/y]') }
    let found: unknown[] = []
    const { problems } = await run(
      [
        acting(async (world) => {
          const client = clientOf(world)
          const one = { name: 'one', namespace: 'a' }
          await expect(client.delete(configMaps, one, { preconditions: { uid: 'other' } })).rejects.toThrow(
            'UID in precondition',
          )
          await client.delete(configMaps, one)
          const gone = await client.get(configMaps, 'one', 'a').catch((error: unknown) => isNotFound(error))
          const cached = world.cluster(MANAGEMENT).cache(configMaps).has('a/one')
          await client.delete(configMaps, { name: 'two', namespace: 'a' })
          const waiting = await client.get(configMaps, 'two', 'a')
          const { finalizers: _, ...metadata } = waiting.metadata
          await client.update(configMaps, { ...waiting, metadata })
          const released = await client.get(configMaps, 'two', 'a').catch((error: unknown) => isNotFound(error))
          found = [gone, cached, waiting.metadata.deletionTimestamp, released]
        }),
      ],
      {},
      files,
    )
    expect(problems).toEqual([])
    expect(found).toEqual([true, false, '2026-01-05T08:00:00Z', true])
  })

  test('by the controllers after it, and not where upstream is reproduced', async () => {
    for (const [compat, expected] of [
      [MENDED, ['new', 'one', 'two']],
      [STRICT, ['two']],
    ] as const) {
      let names: string[] = []
      await run(
        [
          acting(async (world) => void (await clientOf(world).create(configMaps, named('new')))),
          acting(
            (world) => {
              const cache = world.cluster(MANAGEMENT).cache<ConfigMap>(configMaps)
              names = [...cache.values()].map(({ metadata: { name } }) => name).sort()
              return Promise.resolve()
            },
            { name: 'second' },
          ),
        ],
        { compat },
      )
      expect(names).toEqual(expected)
    }
  })
})

describe('a run', () => {
  const counting = (name: string, order: string[]): Controller =>
    acting(() => Promise.resolve(void order.push(name)), { name, reads: [], writes: [] })

  test('takes controllers by name, in the order of declaration or of a seed', async () => {
    const orderOf = async (controllers: readonly string[], seed = 0) => {
      const order: string[] = []
      await run(
        ['a', 'b', 'c', 'd'].map((name) => counting(name, order)),
        { controllers, seed },
      )
      return order.join('')
    }
    expect(await orderOf(['*'])).toBe('abcd')
    expect(await orderOf(['b', 'd'])).toBe('bd')
    expect(await orderOf(['-b', '*'])).toBe('acd')
    expect(await orderOf(['*', '-b'])).toBe('acd')
    expect(await orderOf([])).toBe('')
    expect(await orderOf(['*'], 3)).toBe(await orderOf(['*'], 3))
    expect(new Set(await Promise.all([1, 2, 3, 4].map((seed) => orderOf(['*'], seed)))).size).toBeGreaterThan(1)
    await expect(orderOf(['e'])).rejects.toThrow('there is no controller e; there are a, b, c, d')
    const twice = [counting('a', []), counting('a', [])]
    await expect(run(twice)).rejects.toThrow('there are two controllers called a')
  })

  test('reconciles each key once that the objects there lead to', async () => {
    const keys: string[] = []
    const reads: Controller['reads'] = [
      { cluster: MANAGEMENT, resource: configMaps, keys: ({ key }) => [key] },
      {
        cluster: MANAGEMENT,
        resource: configMaps,
        labelSelector: 'l=x',
        keys: (event) => [event.object().metadata.name],
      },
    ]
    const reconcile = (key: string) => Promise.resolve(void keys.push(key))
    await run([acting(() => Promise.resolve(), { atStart: ['start'], reads, reconcile })])
    expect(keys).toEqual(['start', 'a/two', 'a/one', 'two'])
  })

  test('caches hold the declared fields of the declared objects', async () => {
    const reads: Controller['reads'] = [
      { cluster: MANAGEMENT, resource: things, name: 't', fields: ['spec.size'], keys: () => [] },
    ]
    let found: KubeObject | undefined
    const look = (world: World) => Promise.resolve(void (found = world.cluster(MANAGEMENT).cache(things).get('t')))
    await run([acting(look, { reads })])
    expect(found).toMatchObject({ metadata: { name: 't' }, spec: { size: 1 } })
    expect(found).not.toHaveProperty('status')
  })

  test('time stands at the given moment, and goes on only where somebody waits', async () => {
    const { value } = await seen(async ({ clock }) => {
      const before = clock.now()
      await sleep(clock, 3_600_000)
      return [before, clock.now()]
    })
    expect(value).toEqual([NOW, NOW + 3_600_000])
  })

  test('errors and panics fail it, and are told apart', async () => {
    const failing = acting(() => Promise.reject(new AggregateError([new Error('a'), new Error('b')])), {
      name: 'failing',
    })
    const broken = acting(
      () => {
        const nothing = undefined as unknown as { name: string }
        return Promise.resolve(void nothing.name)
      },
      { name: 'broken' },
    )
    const { results, problems } = await run([failing, broken])
    expect(results).toMatchObject([
      { controllerName: 'failing', status: 'Failed', errors: [{ message: 'a\nb' }] },
      { controllerName: 'broken', status: 'Panicked', panicStack: expect.stringContaining('TypeError') },
    ])
    expect(problems).toEqual(['controller failing failed: a\nb', expect.stringContaining('controller broken failed: ')])
    expect((await run([broken], { compat: STRICT })).problems).toEqual([])
  })

  test('undeclared access fails it with the declaration to add, also when nobody minds; the write is kept apart', async () => {
    const controller = acting(async (world) => {
      await world
        .cluster(MANAGEMENT)
        .client.delete(secrets, { name: 'other', namespace: 'a' })
        .catch(() => {})
      await world.fetch({ url: 'https://id.example.com/x' }).catch(() => {})
      expect(() => world.cluster('hub')).toThrow('uses the API server hub')
    })
    const result = await run([controller])
    expect(result.problems).toEqual([
      "controller acting deletes /api/v1/namespaces/a/secrets/other of management, which it does not declare; add to its writes: { cluster: 'management', resource: 'secrets', namespace: 'a', name: 'other' }",
      "controller acting calls https://id.example.com/x, which it does not declare; add to its calls: 'https://id.example.com/'",
      'controller acting uses the API server hub, which it does not declare; add it to its reads or writes',
    ])
    expect(result.undeclared).toMatchObject([{ action: 'Delete', plural: 'secrets', name: 'other', sequence: 1 }])
    await inFolder((folder) => {
      writeOutput(folder, result, MENDED)
      expect(readOutput(folder, MENDED).undeclared).toHaveLength(1)
      expect(() => readOutput(folder, STRICT)).toThrow('Unspecified: a run leaves nothing of this name behind')
    })
  })

  test('the world outside answers as written down', async () => {
    const answer = { status: 200, headers: {}, body: 'yes' }
    const fetch = answeredFetch([{ url: 'https://id.example.com/a', answer }])
    const found: unknown[] = []
    const ask = async (world: World) => {
      found.push(await world.fetch({ url: 'https://id.example.com/a' }))
      await world.fetch({ url: 'https://id.example.com/b' })
    }
    const { problems } = await run([acting(ask, { calls: ['https://id.example.com/'] })], { fetch })
    expect(found).toEqual([answer])
    expect(problems).toEqual([
      'controller acting failed: no answer is given for GET https://id.example.com/b; write one into the file of --answers',
    ])
  })

  test('events are recorded under the name that their contents give them', async () => {
    const events: Resource = { ...configMaps, plural: 'events', kind: 'Event' }
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'a' } }
    const tell = (world: World) => {
      world.events.record(MANAGEMENT, subject, { type: 'Normal', reason: 'Done', message: 'all of it' })
      return Promise.resolve()
    }
    const { requests, problems } = await run([
      acting(tell, { writes: [{ cluster: MANAGEMENT, resource: events, namespace: 'a' }] }),
    ])
    expect(problems).toEqual([])
    const [event] = requests.get('Management')!
    expect(event).toMatchObject({ action: 'Create', plural: 'events', namespace: 'a', controller: 'acting' })
    // The hexadecimal number is that of the nanoseconds at NOW.
    expect(event!.name).toMatch(/^one\.1887c6d5b8fb0000\.[0-9a-f]{8}$/)
    expect(readYaml(event!.body)).toMatchObject({ involvedObject: { name: 'one' }, source: { component: 'acting' } })
  })
})

describe('output', () => {
  const request = (body: string, sequence: number): RecordedRequest => ({
    action: 'Create',
    group: '',
    version: 'v1',
    plural: 'configmaps',
    namespace: 'a',
    name: 'system:x',
    generateName: '',
    controller: 'c',
    sequence,
    body,
    options: '',
  })
  // Found by trying: the last two bytes of their hashes are equal.
  const [left, right] = ['n: 49\n', 'n: 401\n']

  test('colliding names, repeated requests and their order survive', async () => {
    const requests = [request(right, 1), request(left, 2), request(left, 3)]
    const output = { requests: new Map([['Management' as const, requests]]), undeclared: [], results: [] }
    await inFolder((folder) => {
      writeOutput(folder, output, MENDED)
      const files = [...filesBelow(folder).keys()]
      expect(files.every((file) => !file.includes(':'))).toBe(true)
      expect(files.filter((file) => file.includes('-body-system-COLON-x'))).toHaveLength(3)
      expect(readOutput(folder, MENDED).requests.get('Management')).toEqual(requests)
    })
  })
})

describe('declared lists', () => {
  const operator = (controller: Controller) => ({ name: 'tested', controllers: () => [controller] })
  const declaring = (more: Partial<Controller>) => {
    const controller = acting(() => Promise.resolve(), { reads: [], writes: [], ...more })
    return [operator(controller), [controller]] as const
  }

  test('come out of what controllers read and write', () => {
    const [one, controllers] = declaring({
      reads: [
        { cluster: CONFIGURATION, resource: things, name: 't', keys: () => [] },
        { cluster: MANAGEMENT, resource: configMaps, labelSelector: 'b=2,a=1', keys: () => [] },
      ],
      writes: [
        { cluster: CONFIGURATION, resource: things, name: 't', subresource: 'status' },
        { cluster: CONFIGURATION, resource: things, generateName: 'g-' },
        { cluster: USER_WORKLOAD, resource: secrets, namespace: 'n', name: 's' },
      ],
    })
    const thing = { group: 'example.com', version: 'v1', resource: 'things' }
    expect(inputResources(one, controllers).applyConfigurationResources).toEqual({
      exactResources: [{ ...thing, name: 't' }],
      generatedNameResources: [{ ...thing, name: 'g-' }],
      labelSelectedResources: [
        { group: '', version: 'v1', resource: 'configmaps', labelSelector: { matchLabels: { a: '1', b: '2' } } },
      ],
    })
    expect(outputResources(one, controllers)).toEqual({
      configurationResources: {
        exactResources: [{ ...thing, name: 't' }],
        generatedNameResources: [{ ...thing, name: 'g-' }],
      },
      managementResources: {},
      userWorkloadResources: {
        exactResources: [{ group: '', version: 'v1', resource: 'secrets', namespace: 'n', name: 's' }],
      },
    })
  })

  test.each<[Partial<Controller>, RegExp]>([
    [
      { reads: [{ cluster: MANAGEMENT, resource: configMaps, keys: () => [] }] },
      /reads all configmaps of management, which cannot be published: give that declaration a name or a labelSelector/,
    ],
    [
      { reads: [{ cluster: MANAGEMENT, resource: configMaps, labelSelector: 'a in (b,c)', keys: () => [] }] },
      /only labels with one value each can be published/,
    ],
    [
      { reads: [{ cluster: 'hub', resource: configMaps, name: 'a', keys: () => [] }] },
      /uses the API server hub; operators know/,
    ],
    [
      { writes: [{ cluster: MANAGEMENT, resource: things }] },
      /writes all things\.example\.com of management, .* give that declaration a name/,
    ],
  ])('%# has no words in the documents', (more, message) => {
    const [one, controllers] = declaring(more)
    expect(() => inputResources(one, controllers)).toThrow(message)
  })
})
