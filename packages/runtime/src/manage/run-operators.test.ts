import { join } from 'node:path'
import { ApiServer } from '@locktender/apiserver'
import {
  Client,
  coreEvents,
  configMaps,
  customResourceDefinitions,
  namespaces,
  seededRandom,
  sleep,
  VirtualClock,
  type Condition,
  type Json,
  type KubeObject,
  type Resource,
} from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { definitionOf } from '../explore/definition.ts'
import type { Logger } from '../logger.ts'
import type { ManagedCluster, ManagedOperator } from '../manage-operators.ts'
import type { ControllerResult } from '../once/output-directory.ts'
import { type OperatorProgram, operatorProgram, type ProgramRun } from '../once/program.ts'
import { readYaml } from '../once/read-yaml.ts'
import type { RecordedRequest } from '../once/recorded-request.ts'
import { inputResourcesFrom, outputResourcesFrom } from '../once/resource-lists.ts'
import { writeYaml } from '../once/write-yaml.ts'
import { runOperators } from './run-operators.ts'

const second = 1000
const minute = 60 * second
const SAMPLE = join(import.meta.dirname, '../../../operators/sample/src/main.ts')

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

interface Reporting extends KubeObject {
  status?: { conditions?: Condition[] }
}

const reports: Resource = { group: 'example.com', version: 'v1', plural: 'reports', kind: 'Report', namespaced: false }

/** Conditions as most kinds have them: many write them, each its own. */
const CONDITIONS = {
  type: 'object',
  properties: {
    status: {
      type: 'object',
      properties: {
        conditions: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
          items: {
            type: 'object',
            required: ['type'],
            properties: Object.fromEntries(
              ['type', 'status', 'reason', 'message', 'lastTransitionTime'].map((name) => [name, { type: 'string' }]),
            ),
          },
        },
      },
    },
  },
}

let clock: VirtualClock
let server: ApiServer
let guest: Client
let home: Client
let told: string[]
let stop: AbortController
let running: Promise<unknown>

beforeEach(async () => {
  clock = new VirtualClock()
  server = await ApiServer.open({ clock, random: seededRandom(1) })
  guest = await client('guest')
  home = await client('home')
  for (const name of ['app', 'clusters-a', 'clusters-b']) await makeNamespace(home, name)
  await makeNamespace(guest, 'app')
  told = []
  stop = new AbortController()
  running = Promise.resolve()
})

afterEach(async () => {
  stop.abort()
  await clock.advance(minute)
  await running
  await server.close()
})

async function client(cluster: string): Promise<Client> {
  await server.cluster(cluster)
  return new Client({ transport: server.transport({ cluster, user: { name: 'test', groups: ['system:masters'] } }) })
}

function makeNamespace(where: Client, name: string) {
  return where.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
}

const log: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, fields) => told.push(`${message} ${JSON.stringify(fields)}`),
  error: (message, fields) => told.push(`${message} ${JSON.stringify(fields)}`),
  with: () => log,
}

const all = (cluster: string) => ({ configuration: cluster, management: cluster, userWorkload: cluster })

/** Runs operators in this test's world, by default on one API server. */
function run(
  operators: readonly ManagedOperator[],
  programs: Readonly<Record<string, OperatorProgram>>,
  {
    clusters = { home: { client: home } },
    runsAtOnce = 4,
  }: { clusters?: Record<string, ManagedCluster>; runsAtOnce?: number } = {},
): void {
  const options = { clusters, operators, runsAtOnce, clock, random: seededRandom(2), log, signal: stop.signal }
  running = runOperators(options, ({ name, ...operator }) => programs[name] ?? held(operatorProgram(operator)))
}

/** A real program under a virtual clock, which stands still meanwhile. */
function held(program: OperatorProgram): OperatorProgram {
  const under = async <T>(work: () => Promise<T>): Promise<T> => {
    const release = clock.hold()
    try {
      return await work()
    } finally {
      release()
    }
  }
  return {
    inputResources: (signal) => under(() => program.inputResources(signal)),
    outputResources: (signal) => under(() => program.outputResources(signal)),
    apply: (files, options) => under(() => program.apply(files, options)),
  }
}

interface Fake extends OperatorProgram {
  /** When it ran, in milliseconds since the beginning. */
  readonly runs: number[]
}

/** What a fake is to do next with the data of `in`; undefined when there is no `in`. */
type Work = (data: Record<string, string> | undefined, runs: number) => Promise<ProgramRun> | ProgramRun

const entry = (name: string) => ({ version: 'v1', resource: 'configmaps', namespace: 'app', name })

/** A program that makes the ConfigMap `out` of the ConfigMap `in`. */
function copier(work: Work = (data) => output(data === undefined ? [] : [applied('out', data)])): Fake {
  const runs: number[] = []
  const started = clock.now()
  return {
    runs,
    inputResources: () =>
      Promise.resolve(inputResourcesFrom({ applyConfigurationResources: { exactResources: [entry('in')] } })),
    outputResources: () =>
      Promise.resolve(outputResourcesFrom({ configurationResources: { exactResources: [entry('out'), entry('in')] } })),
    async apply(files, { now }) {
      expect(now).toBe(clock.now())
      runs.push(now - started)
      return await work(given(files).find(({ metadata }) => metadata.name === 'in')?.data, runs.length)
    },
  }
}

/** The ConfigMaps that a program is given. */
function given(files: ReadonlyMap<string, string>): ConfigMap[] {
  const list = readYaml(files.get('namespaces/app/core/configmaps.yaml') ?? '') as { items: ConfigMap[] } | null
  return list?.items ?? []
}

function output(
  requests: readonly RecordedRequest[],
  results: readonly ControllerResult[] = [],
  problem?: string,
): ProgramRun {
  return {
    output: { requests: new Map([['Configuration', requests]]), undeclared: [], results, stdout: '', stderr: '' },
    ...(problem !== undefined && { problem }),
  }
}

function applied(
  name: string,
  data: Record<string, string>,
  action: RecordedRequest['action'] = 'Apply',
): RecordedRequest {
  const metadata = { name, namespace: 'app' }
  return {
    action,
    group: '',
    version: 'v1',
    plural: 'configmaps',
    namespace: 'app',
    name,
    generateName: '',
    fieldManager: 'copier',
    controller: 'copier',
    body: writeYaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as unknown as Json),
    options: '',
  }
}

async function set(where: Client, namespace: string, name: string, data: Record<string, string>): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
  await where.apply<ConfigMap>(configMaps, object as KubeObject, { fieldManager: 'test', force: true })
}

async function data(where: Client, namespace: string, name: string): Promise<Record<string, string> | undefined> {
  const { items } = await where.list<ConfigMap>(configMaps, { namespace })
  return items.find(({ metadata }) => metadata.name === name)?.data
}

const operator = (name: string, more: Partial<ManagedOperator> = {}): ManagedOperator => ({
  name,
  command: [name],
  clusters: all('home'),
  ...more,
})

describe('when an operator runs', () => {
  test('at the start, after changes of its inputs, and not when nothing changes', async () => {
    const program = copier()
    run([operator('copier')], { copier: program })
    await clock.advance(30 * second)
    expect(program.runs).toEqual([0])
    await set(home, 'app', 'in', { a: '1' })
    await set(home, 'app', 'unrelated', { a: '1' })
    await clock.advance(30 * second)
    expect(program.runs).toEqual([0, 31 * second])
    expect(await data(home, 'app', 'out')).toEqual({ a: '1' })
    await clock.advance(9 * minute)
    expect(program.runs).toHaveLength(2)
    await clock.advance(5 * minute)
    expect(program.runs.map((at) => Math.round(at / second))).toEqual([0, 31, 631])
  })

  test('only when its inputs are quiet, but not never', async () => {
    const program = copier()
    run([operator('copier', { debounceMs: 2 * second, coolDownMs: 0 })], { copier: program })
    await clock.advance(10 * second)
    for (let change = 0; change < 5; change++) {
      await set(home, 'app', 'in', { change: String(change) })
      await clock.advance(second)
    }
    await clock.advance(5 * second)
    expect(program.runs).toEqual([0, 16 * second])
    for (let change = 0; change < 40; change++) {
      await set(home, 'app', 'in', { more: String(change) })
      await clock.advance(second)
    }
    expect(program.runs).toEqual([0, 16 * second, 40 * second, 60 * second])
  })

  test('not before it has cooled down', async () => {
    const program = copier()
    run([operator('copier', { debounceMs: 0, coolDownMs: 20 * second })], { copier: program })
    for (let change = 0; change < 60; change++) {
      await set(home, 'app', 'in', { change: String(change) })
      await clock.advance(second)
    }
    expect(program.runs).toEqual([0, 20 * second, 40 * second, 60 * second])
    await clock.advance(minute)
    expect(program.runs).toHaveLength(4)
    expect(await data(home, 'app', 'out')).toEqual({ change: '59' })
  })

  test('never twice at once, and no more than so many programs side by side', async () => {
    const active = new Map<string, number>()
    let most = 0
    const slow = (name: string) =>
      copier(async () => {
        active.set(name, (active.get(name) ?? 0) + 1)
        expect(active.get(name)).toBe(1)
        most = Math.max(
          most,
          [...active.values()].reduce((sum, count) => sum + count, 0),
        )
        await new Promise<void>((resolve) => clock.after(5 * second, resolve))
        active.set(name, 0)
        return output([])
      })
    const names = ['one', 'two', 'three', 'four', 'five']
    const programs = Object.fromEntries(names.map((name) => [name, slow(name)]))
    run(
      names.map((name) => operator(name, { debounceMs: 0, coolDownMs: 0 })),
      programs,
      { runsAtOnce: 2 },
    )
    for (let change = 0; change < 20; change++) {
      await clock.advance(second)
      await set(home, 'app', 'in', { change: String(change) })
    }
    await clock.advance(minute)
    expect(most).toBe(2)
    for (const name of names) expect(programs[name]!.runs.length).toBeGreaterThanOrEqual(2)
  })

  test('one that keeps itself busy is run more and more rarely', async () => {
    const program = copier((given) => output([applied('in', { count: String(Number(given?.['count'] ?? 0) + 1) })]))
    run([operator('copier', { coolDownMs: 5 * second })], { copier: program })
    await clock.advance(60 * minute)
    expect(program.runs.length).toBeGreaterThan(8)
    expect(program.runs.length).toBeLessThan(25)
    expect(told).toContainEqual(expect.stringMatching(/^An operator keeps itself busy/))
    const before = program.runs.length
    await clock.advance(10 * second)
    await set(home, 'app', 'in', { count: '0' })
    await clock.advance(20 * second)
    expect(program.runs.length).toBeGreaterThan(before)
  })

  test('writes at the rate it is allowed', async () => {
    const program = copier((given) =>
      output(
        given === undefined ? [] : Array.from({ length: 10 }, (_, index) => applied('out', { index: String(index) })),
      ),
    )
    run([operator('copier', { debounceMs: 0, coolDownMs: 0, requestsPerSecond: 1 })], { copier: program })
    await clock.advance(second)
    await set(home, 'app', 'in', { a: '1' })
    await clock.advance(5.5 * second)
    expect(await data(home, 'app', 'out')).toEqual({ index: '6' })
    await clock.advance(5 * second)
    expect(await data(home, 'app', 'out')).toEqual({ index: '9' })
  })
})

describe('a cache that is behind', () => {
  /** Watches of a whole namespace are three seconds late; those of one object are not. */
  function late(where: Client): Client {
    return where.through((transport) => ({
      async request(request) {
        const answer = await transport.request(request)
        if (!request.path.includes('watch=true') || request.path.includes('fieldSelector=')) return answer
        const { body } = answer
        return {
          ...answer,
          body: (async function* () {
            for await (const chunk of body) {
              await sleep(clock, 3 * second)
              yield chunk
            }
          })(),
        }
      },
      close: () => transport.close(),
    }))
  }

  test('does not make an operator do again what it has done', async () => {
    const made = entry('made-')
    const runs: number[] = []
    const program: OperatorProgram = {
      inputResources: () =>
        Promise.resolve(
          inputResourcesFrom({
            applyConfigurationResources: { exactResources: [entry('in')], generatedNameResources: [made] },
          }),
        ),
      outputResources: () =>
        Promise.resolve(outputResourcesFrom({ configurationResources: { generatedNameResources: [made] } })),
      apply(files) {
        runs.push(clock.now())
        const names = given(files).map(({ metadata }) => metadata.name)
        const create = { ...applied('', {}, 'Create'), generateName: 'made-' }
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-', namespace: 'app' } }
        return Promise.resolve(
          output(names.some((name) => name.startsWith('made-')) ? [] : [{ ...create, body: writeYaml(body) }]),
        )
      },
    }
    const clusters = { home: { client: late(home) } }
    run([operator('maker', { debounceMs: 0, coolDownMs: 0 })], { maker: program }, { clusters })
    for (let change = 0; change < 20; change++) {
      await set(home, 'app', 'in', { change: String(change) })
      await clock.advance(second)
    }
    await clock.advance(10 * second)
    expect(runs.length).toBeGreaterThan(3)
    const { items } = await home.list(configMaps, { namespace: 'app' })
    expect(items.filter(({ metadata }) => metadata.name.startsWith('made-'))).toHaveLength(1)
  })
})

describe('what goes wrong', () => {
  beforeEach(async () => {
    await home.create(customResourceDefinitions, definitionOf(reports))
    await clock.advance(second)
    const metadata = { name: 'copier' }
    await home.create(reports, { apiVersion: 'example.com/v1', kind: 'Report', metadata })
  })

  const report = {
    role: 'configuration',
    group: 'example.com',
    version: 'v1',
    resource: 'reports',
    name: 'copier',
  } as const

  async function conditions(): Promise<string[]> {
    const { status } = await home.get<Reporting>(reports, 'copier')
    return (status?.conditions ?? []).map(
      ({ type, status: state, reason, message }) => `${type}=${state} ${reason} ${message}`,
    )
  }

  test('a run that fails is tried again, later each time, and at once when its inputs change', async () => {
    const program = copier((given) =>
      given?.['a'] === 'good' ? output([applied('out', given)]) : { problem: 'failed with exit code 2: panic' },
    )
    run([operator('copier', { report, debounceMs: 0 })], { copier: program })
    await clock.advance(3 * minute)
    expect(program.runs.map((at) => Math.round(at / second))).toEqual([0, 20, 60, 140])
    expect(await conditions()).toEqual([
      'OperatorRunDegraded=True RunFailed apply-configuration failed with exit code 2: panic',
    ])
    const events = await home.list<KubeObject & { reason: string; message: string }>(coreEvents, {
      namespace: 'default',
    })
    expect(events.items.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'OperatorRunFailed: copier: apply-configuration failed with exit code 2: panic',
    ])
    expect(told).toContainEqual(expect.stringMatching(/^Reconcile failed .*exit code 2: panic/))
    await set(home, 'app', 'in', { a: 'good' })
    await clock.advance(second)
    expect(program.runs).toHaveLength(5)
    expect(await conditions()).toEqual(['OperatorRunDegraded=False AsExpected '])
    expect(await data(home, 'app', 'out')).toEqual({ a: 'good' })
  })

  test('controllers that fail are told of one by one, and what the others did counts', async () => {
    const results: ControllerResult[] = [
      { controllerName: 'good', status: 'Succeeded' },
      { controllerName: 'bad', status: 'Failed', errors: [{ message: 'no such thing' }] },
      { controllerName: 'worse', status: 'Panicked', errors: [{ message: 'nil' }] },
      { controllerName: 'off', status: 'Skipped' },
    ]
    const program = copier(() => output([applied('out', { a: '1' })], results, 'failed with exit code 1'))
    run([operator('copier', { report })], { copier: program })
    await clock.advance(second)
    expect(await conditions()).toEqual([
      'OperatorRunDegraded=True RunFailed apply-configuration failed with exit code 1',
      'goodDegraded=False AsExpected ',
      'badDegraded=True SyncError no such thing',
      'worseDegraded=True Panicked nil',
    ])
    expect(await data(home, 'app', 'out')).toEqual({ a: '1' })
  })

  test('a panic is a failure though the program does not say so', async () => {
    const program = copier(() => output([], [{ controllerName: 'worse', status: 'Panicked' }]))
    run([operator('copier', { report })], { copier: program })
    await clock.advance(second)
    expect((await conditions())[0]).toBe('OperatorRunDegraded=True RunFailed apply-configuration panicked in worse')
  })

  test('nothing of a run with an undeclared write is applied', async () => {
    const program = copier(() => output([applied('out', { a: '1' }), applied('elsewhere', { a: '1' })]))
    run([operator('copier', { report })], { copier: program })
    await clock.advance(second)
    expect((await conditions())[0]).toMatch(
      /^OperatorRunDegraded=True Undeclared .*Apply configmaps\/elsewhere in namespace app/,
    )
    expect(await data(home, 'app', 'out')).toBeUndefined()
  })

  test('what the API server refuses is told with its words', async () => {
    const program = copier(() =>
      output([
        { ...applied('out', {}), body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: app}\n' },
      ]),
    )
    run([operator('copier', { report })], { copier: program })
    await clock.advance(second)
    expect((await conditions())[0]).toMatch(
      /^OperatorRunDegraded=True WritesRefused what it wanted to write was refused: Apply configmaps\/out .*the name of the object \(other\)/,
    )
  })

  test('a run that was overtaken by others is repeated with what is there now', async () => {
    const program = copier(async (given, runs) => {
      // Somebody writes while the first runs.
      if (runs === 1) await set(home, 'app', 'in', { by: 'other' })
      return output([{ ...applied('in', { ...given, run: String(runs) }, 'Update') }])
    })
    await set(home, 'app', 'in', { by: 'test' })
    run([operator('copier', { report, coolDownMs: 5 * second })], { copier: program })
    await clock.advance(4 * second)
    expect(await data(home, 'app', 'in')).toEqual({ by: 'other' })
    expect(await conditions()).toEqual([])
    await clock.advance(4 * second)
    expect(await data(home, 'app', 'in')).toEqual({ by: 'other', run: '2' })
  })

  test('one that is overtaken again and again says so', async () => {
    // It creates what it is not given: it cannot see that this exists.
    await set(home, 'app', 'out', {})
    const program = copier(() => output([applied('out', {}, 'Create')]))
    run([operator('copier', { report, coolDownMs: second })], { copier: program })
    await clock.advance(5 * minute)
    expect((await conditions())[0]).toMatch(/WritesRefused .*configmaps "out" already exists/)
  })

  test('a program that does not say what it needs, and a kind that is not served yet, keep no other back', async () => {
    let isMended = false
    const good = copier()
    const broken = copier()
    const programs = {
      good,
      broken: {
        ...broken,
        inputResources: () =>
          isMended ? broken.inputResources() : Promise.reject(new Error('input-resources printed rubbish')),
      },
    }
    run([operator('broken'), operator('good')], programs)
    await clock.advance(2 * minute)
    expect([good.runs.length, broken.runs.length]).toEqual([1, 0])
    expect(told.filter((line) => line.includes('broken: input-resources printed rubbish'))).toHaveLength(1)
    isMended = true
    await clock.advance(2 * minute)
    expect(broken.runs.length).toBe(1)
  })
})

describe('hosted', () => {
  const hosted = (namespace: string): ManagedCluster => ({ client: home, namespaces: { app: namespace } })

  test('operators of several control planes think of one namespace and work in their own', async () => {
    const [one, two] = [copier(), copier()]
    await set(home, 'clusters-a', 'in', { of: 'a' })
    await set(home, 'clusters-b', 'in', { of: 'b' })
    await set(home, 'app', 'in', { of: 'nobody' })
    const clusters = { a: hosted('clusters-a'), b: hosted('clusters-b') }
    run([operator('one', { clusters: all('a') }), operator('two', { clusters: all('b') })], { one, two }, { clusters })
    await clock.advance(10 * second)
    expect(await data(home, 'clusters-a', 'out')).toEqual({ of: 'a' })
    expect(await data(home, 'clusters-b', 'out')).toEqual({ of: 'b' })
    expect(await data(home, 'app', 'out')).toBeUndefined()
  })

  test.each([
    [
      { ...entry('out'), namespace: 'kube-system' },
      'configmaps in namespace kube-system of Configuration, where only app are mapped',
    ],
    [{ version: 'v1', resource: 'nodes', name: 'n' }, 'nodes of Configuration, where it is kept to its namespaces'],
  ])('one that declares more than its namespaces is not run: %j', async (declared, why) => {
    const program = copier()
    const outputs = outputResourcesFrom({ configurationResources: { exactResources: [declared] } })
    run(
      [operator('one', { clusters: all('a') })],
      { one: { ...program, outputResources: () => Promise.resolve(outputs) } },
      { clusters: { a: hosted('clusters-a') } },
    )
    await clock.advance(minute)
    expect(program.runs).toEqual([])
    expect(told.join()).toContain(`one: the operator wants to write ${why}`)
  })
})

describe('the sample operator, as a program of its own', () => {
  const kind = (group: string, plural: string, name: string): Resource => ({
    group,
    version: 'v1',
    plural,
    kind: name,
    namespaced: false,
  })
  const ingresses = kind('config.openshift.io', 'ingresses', 'Ingress')
  const authentications = kind('operator.openshift.io', 'authentications', 'Authentication')
  const SAMPLE_OPERATOR: ManagedOperator = {
    name: 'sample',
    command: [process.execPath, SAMPLE],
    clusters: { configuration: 'guest', management: 'home', userWorkload: 'guest' },
    // It counts its runs, which never comes to rest.
    controllers: ['*', '-sample-operator-Demo'],
    inputs: [
      { resource: 'configmaps', namespace: 'openshift-authentication', role: 'userWorkload' },
      { resource: 'configmaps', role: 'management' },
      { resource: 'secrets', namespace: 'openshift-authentication', role: 'management' },
    ],
    report: {
      role: 'management',
      group: 'operator.openshift.io',
      version: 'v1',
      resource: 'authentications',
      name: 'cluster',
    },
  }

  test('runs over API servers with its namespaces mapped, and comes to rest', { timeout: 60_000 }, async () => {
    for (const [where, resource] of [
      [guest, ingresses],
      [guest, kind('config.openshift.io', 'proxies', 'Proxy')],
      [guest, kind('config.openshift.io', 'consoles', 'Console')],
      [guest, kind('config.openshift.io', 'oauths', 'OAuth')],
    ] as const) {
      await where.create(customResourceDefinitions, definitionOf(resource))
    }
    await home.create(customResourceDefinitions, definitionOf(authentications, CONDITIONS))
    await clock.advance(second)
    await home.create<Reporting>(authentications, {
      apiVersion: 'operator.openshift.io/v1',
      kind: 'Authentication',
      metadata: { name: 'cluster' },
    })
    await makeNamespace(guest, 'openshift-authentication')
    await makeNamespace(guest, 'openshift-config')
    const mapping = {
      'openshift-authentication': 'clusters-a',
      'openshift-oauth-apiserver': 'clusters-a-oauth',
      'openshift-example-operator': 'clusters-b',
    }
    const clusters = {
      guest: { client: guest },
      home: { client: home, namespaces: mapping, clusterScoped: true },
    }
    run([SAMPLE_OPERATOR], {}, { clusters })
    await clock.advance(30 * second)
    // Its Authentication of config.openshift.io is not defined yet, which is as if it did not exist.
    expect(told).toEqual([
      'Something is missing for an operator {"why":"sample: authentications.config.openshift.io of Configuration is not served"}',
    ])
    expect(await guest.get(ingresses, 'cluster')).toMatchObject({ spec: { domain: '' } })
    const types = async () => {
      const { status } = await home.get<Reporting>(authentications, 'cluster')
      return (status?.conditions ?? []).map(({ type, status: state }) => `${type}=${state}`).sort()
    }
    const well = [
      'OperatorRunDegraded=False',
      'ResourceSyncControllerDegraded=False',
      'sample-operator-FailureGeneratorDegraded=False',
      'sample-operator-IngressCreatorDegraded=False',
      'sample-operator-RemoveStaleConditionsDegraded=False',
      'sample-operator-example-ResourceSyncDegraded=False',
    ]
    expect(await types()).toEqual(well)
    const events = await home.list<KubeObject & { reason: string }>(coreEvents, { namespace: 'clusters-b' })
    expect(events.items.map(({ reason }) => reason)).toEqual(['must'])
    const { metadata } = await home.get(authentications, 'cluster')

    await guest.create(
      customResourceDefinitions,
      definitionOf(kind('config.openshift.io', 'authentications', 'Authentication')),
    )
    await clock.advance(3 * minute)
    expect((await home.get(authentications, 'cluster')).metadata.resourceVersion).toBe(metadata.resourceVersion)

    await set(guest, 'openshift-authentication', 'fail-check', {})
    await clock.advance(12 * second)
    expect(await types()).toEqual(
      well.map((type) => type.replace(/(Run|FailureGenerator)Degraded=False/, '$1Degraded=True')),
    )
    await guest.delete(configMaps, { name: 'fail-check', namespace: 'openshift-authentication' })
    await clock.advance(12 * second)
    expect(await types()).toEqual(well)
    expect(told.filter((line) => line.startsWith('An operator keeps itself busy'))).toEqual([])
  })
})
