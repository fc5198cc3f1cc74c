import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Client, type KubeObject, type Resource, seededRandom } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { eventName } from '../events.ts'
import { compareOutput, describeOutputDifference } from './compare-output.ts'
import { MENDED, STRICT } from './compat.ts'
import { Discovery } from './discovery.ts'
import { InputDirectory } from './input-directory.ts'
import { ManifestServer } from './manifest-server.ts'
import { readOutput, requestFiles, resultsText, writeOutput } from './output-directory.ts'
import { prune } from './prune.ts'
import { readYaml } from './read-yaml.ts'
import { transportRequestOf } from './replay.ts'
import { isEvent, type RecordedRequest, requestHash } from './recorded-request.ts'
import { inputProblems, inputResourcesFrom } from './resource-lists.ts'
import { jsonPathProblem } from './json-path.ts'
import { filesBelow, hasMom, inFolder, MOM } from './testing/fixtures.ts'

const LIBRARY_GO = join(MOM, 'library-go')
const MULTI_OPERATOR_MANAGER = join(MOM, 'multi-operator-manager')
const AUTHENTICATION = join(MOM, 'cluster-authentication-operator/apply-configuration/overall')

const resource = (group: string, plural: string, kind: string, namespaced: boolean): Resource => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced,
})
const featureGates = resource('config.openshift.io', 'featuregates', 'FeatureGate', false)
const apiServers = resource('config.openshift.io', 'apiservers', 'APIServer', false)
const configMaps = resource('', 'configmaps', 'ConfigMap', true)
const daemonSets = resource('apps', 'daemonsets', 'DaemonSet', true)
const deployments = resource('apps', 'deployments', 'Deployment', true)
const namespaces = resource('', 'namespaces', 'Namespace', false)
const secrets = resource('', 'secrets', 'Secret', true)
const definitions = resource('apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition', false)

interface Authentication extends KubeObject {
  status: { conditions: { type: string; status: string }[] }
}

function serverOf(folder: string, compat = STRICT) {
  const recorded: RecordedRequest[] = []
  const server = new ManifestServer({
    input: new InputDirectory(folder),
    known: Discovery.fromResources([featureGates, apiServers, secrets]),
    compat,
    now: () => Date.parse('2024-10-14T22:38:20Z'),
    random: seededRandom(1),
  })
  const clientOf = (controller: string) =>
    new Client({ transport: server.transport(controller, (request) => recorded.push(request)) })
  return { server, recorded, clientOf, client: clientOf('') }
}

describe.skipIf(!hasMom)('reading a must-gather as library-go does', () => {
  const mustGather = join(LIBRARY_GO, 'manifestclienttest/must-gather-01')

  test.each([
    ['as in Go', STRICT],
    ['mended', MENDED],
  ])('objects are got from their own file or from a list, %s', async (_, compat) => {
    const { client } = serverOf(mustGather, compat)
    const foo = await client.get(configMaps, 'foo', 'openshift-authentication-operator')
    expect(foo).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'foo', annotations: { foo: 'bar' } } })
    expect(await client.get(featureGates, 'cluster')).toMatchObject({ metadata: { resourceVersion: '1276' } })
    const server = await client.get(deployments, 'apiserver', 'openshift-apiserver')
    expect(server).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' })
    // One of this name is in a list, too: the file of its own counts.
    const pull = await client.get<{ data?: unknown } & Parameters<typeof client.create>[1]>(
      secrets,
      'pull-secret',
      'openshift-apiserver',
    )
    expect(pull.metadata.annotations).toEqual({ foo: 'bar' })
    expect(await client.get(namespaces, 'openshift-apiserver')).toMatchObject({ kind: 'Namespace' })
    await expect(client.get(secrets, 'absent', 'openshift-apiserver')).rejects.toThrow('secrets "absent" not found')
    await expect(client.get(secrets, 'absent', 'no-namespace')).rejects.toThrow('not found')
  })

  test('lists hold every namespace; list files hide what has a file of its own only where Go is reproduced', async () => {
    const [strict, mended] = [serverOf(mustGather, STRICT).client, serverOf(mustGather, MENDED).client]
    const names = async (client: Client, what: Resource, namespace?: string) => {
      const { items, kind } = await client.list(what, { namespace })
      expect(kind).toBe(`${what.kind}List`)
      return items.map(({ metadata }) => metadata.name)
    }
    expect(await names(strict, deployments)).toEqual(['apiserver', 'oauth-openshift', 'authentication-operator'])
    expect(await names(mended, deployments)).toEqual(['apiserver', 'oauth-openshift', 'authentication-operator'])
    expect(await names(strict, namespaces)).toEqual([
      'openshift-apiserver',
      'openshift-authentication',
      'openshift-authentication-operator',
    ])
    expect(await names(strict, definitions)).toHaveLength(2)
    expect(await names(strict, configMaps)).toEqual(['foo'])
    expect(await names(strict, secrets, 'no-namespace')).toEqual([])
    // Mended, the one of the list is the one of the file.
    const { items: inFile } = await mended.list(secrets, { namespace: 'openshift-apiserver' })
    expect(inFile.find(({ metadata }) => metadata.name === 'pull-secret')?.metadata.annotations).toEqual({ foo: 'bar' })
    const { items: inList } = await strict.list(secrets, { namespace: 'openshift-apiserver' })
    expect(inList.find(({ metadata }) => metadata.name === 'pull-secret')).toBeUndefined()
    expect(inFile.length).toBe(inList.length + 1)
  })

  test('label selectors count, field selectors only where they are mended', async () => {
    for (const [compat, count] of [
      [STRICT, 3],
      [MENDED, 1],
    ] as const) {
      const { client } = serverOf(mustGather, compat)
      const labelled = await client.list(deployments, { labelSelector: 'app=authentication-operator' })
      expect(labelled.items).toHaveLength(1)
      const one = await client.list(deployments, { fieldSelector: 'metadata.name=apiserver' })
      expect(one.items).toHaveLength(count)
    }
  })

  test('a directory without namespaces, and empty lists', async () => {
    const { client } = serverOf(join(LIBRARY_GO, 'manifestclienttest/no-namespaces'))
    expect((await client.list(configMaps)).items).toEqual([])
    expect((await client.list(apiServers)).items).toHaveLength(1)
    const second = serverOf(join(LIBRARY_GO, 'manifestclienttest/must-gather-02')).client
    expect(await second.list(daemonSets)).toMatchObject({ kind: 'DaemonSetList', items: [] })
    expect(await second.list(daemonSets, { namespace: 'present' })).toMatchObject({ items: [] })
  })

  test('another version than the stored one is refused', async () => {
    const { client } = serverOf(mustGather)
    const beta = { ...deployments, version: 'v1beta1' }
    await expect(client.get(beta, 'apiserver', 'openshift-apiserver')).rejects.toThrow(
      'deployments "apiserver" is stored as apps/v1 and was asked for as apps/v1beta1; versions are not converted',
    )
    await expect(client.list(beta)).rejects.toMatchObject({ code: 500 })
  })
})

describe.skipIf(!hasMom)('discovery', () => {
  const read = (folder: string) => new InputDirectory(folder).discovery()!

  test('the default documents tell the kinds of all resources', () => {
    const discovery = read(join(LIBRARY_GO, 'default-discovery'))
    expect(discovery.find('', 'v1', 'configmaps')).toMatchObject({ kind: 'ConfigMap', namespaced: true })
    expect(discovery.find('', 'v1', 'namespaces')).toMatchObject({ namespaced: false })
    expect(discovery.find('config.openshift.io', 'v1', 'dnses')).toMatchObject({ kind: 'DNS', namespaced: false })
    expect(discovery.find('apps', 'v1', 'deployments')?.subresources).toEqual(['scale', 'status'])
    expect(discovery.find('apps', 'v1beta1', 'deployments')).toBeUndefined()
    const resources = discovery.resources()
    expect(resources.length).toBeGreaterThan(150)
    expect(resources.every(({ kind, plural }) => kind !== '' && plural !== '')).toBe(true)
    // What is served from them says the same.
    const again = Discovery.fromDocuments([discovery.document(true), discovery.document(false)])
    expect(again.resources()).toEqual(resources)
  })

  test('documents in the directory are served, and say the kind of empty lists', async () => {
    const { client } = serverOf(join(LIBRARY_GO, 'manifestclienttest/must-gather-02'))
    const served = await client.requestJson<{ items: { metadata: { name: string } }[] }>('GET', '/apis')
    expect(served.items.map(({ metadata }) => metadata.name)).toContain('apiregistration.k8s.io')
    expect((await client.list(resource('apps', 'statefulsets', '', true))).kind).toBe('StatefulSetList')
  })
})

describe.skipIf(!hasMom)('recording as library-go does', () => {
  const input = join(LIBRARY_GO, 'manifestclienttest/must-gather-01')
  const gate = {
    apiVersion: 'config.openshift.io/v1',
    kind: 'FeatureGate',
    metadata: { name: 'new-item' },
    spec: {},
    status: { featureGates: null },
  }
  const server = {
    apiVersion: 'config.openshift.io/v1',
    kind: 'APIServer',
    metadata: { name: 'new-item' },
    spec: { audit: {}, clientCA: { name: '' }, encryption: {}, servingCerts: {} },
    status: {},
  }
  const { spec: _spec, status: _status, ...bare } = gate
  const applied = { ...bare, status: { conditions: [{ status: 'True', type: 'condition-foo' }] } }
  const operations = [
    { op: 'test', path: '/foo/path', value: 'bar' },
    { op: 'remove', path: '/foo/path/2' },
  ]
  const manager = { fieldManager: 'the-client', force: true }
  const deletion = { apiVersion: 'config.openshift.io/v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' }

  test.each<[string, string, (client: Client) => Promise<unknown>]>([
    ['CREATE-crd-in-dataset', '', (client) => client.create(featureGates, gate)],
    ['CREATE-crd-not-in-dataset', '', (client) => client.create(apiServers, server)],
    ['UPDATE-crd-in-dataset', '', (client) => client.update(featureGates, gate)],
    ['UPDATE-crd-in-dataset-with-controller-name', 'fooController', (client) => client.update(featureGates, gate)],
    [
      'UPDATE-STATUS-crd-in-dataset-with-options',
      '',
      (client) => client.update(featureGates, gate, { subresource: 'status', fieldValidation: 'Strict' }),
    ],
    [
      'PATCH-crd-in-dataset',
      'fooController',
      async (client) => {
        await client.patch(featureGates, { name: 'instance-name' }, operations, { type: 'json' })
        await client.patch(featureGates, { name: 'instance-name' }, operations, { type: 'json', subresource: 'status' })
      },
    ],
    ['APPLY-crd-in-dataset', '', (client) => client.apply(featureGates, bare, manager)],
    [
      'APPLY-STATUS-crd-in-dataset-with-options',
      '',
      (client) => client.apply(featureGates, applied, { ...manager, subresource: 'status' }),
    ],
    [
      'DELETE-crd-in-dataset',
      '',
      (client) => client.requestJson('DELETE', '/apis/config.openshift.io/v1/featuregates/cluster', deletion),
    ],
  ])('%s leaves the same files', async (name, controller, act) => {
    const { recorded, clientOf } = serverOf(input)
    await act(clientOf(controller))
    const expected = filesBelow(join(LIBRARY_GO, 'manifestclienttest/mutation-tests', name))
    expect(expected.size).toBeGreaterThan(0)
    expect(requestFiles(recorded, STRICT)).toEqual(expected)
  })

  test('answers are stubs, and nothing of a write is seen', async () => {
    const { client } = serverOf(join(LIBRARY_GO, 'manifestclient-testing/input-dir'))
    const metadata = { name: 'new', namespace: 'openshift-authentication' }
    const answer = await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {} } as never)
    expect(answer).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata })
    const { items } = await client.list(configMaps)
    expect(items.map(({ metadata: { name } }) => name)).not.toContain('new')
    expect(items.length).toBeGreaterThan(1)
    const one = await client.get(configMaps, 'audit', 'openshift-authentication')
    expect(one.metadata.name).toBe('audit')
  })

  test('a namespaced deletion fails in the words of Go', async () => {
    const { client, recorded } = serverOf(input)
    await expect(
      client.delete(secrets, { name: 'etcd-client', namespace: 'openshift-oauth-apiserver' }),
    ).rejects.toThrow(
      'an error on the server ("request namespace \\"openshift-oauth-apiserver\\" does not equal body namespace \\"\\"") ' +
        'has prevented the request from succeeding (delete secrets etcd-client)',
    )
    expect(recorded).toEqual([])
  })

  test('what cannot be recorded is refused', async () => {
    const { client } = serverOf(input)
    const path = '/api/v1/namespaces/openshift-apiserver/secrets'
    await expect(client.requestJson('DELETE', path)).rejects.toMatchObject({ code: 405 })
    await expect(client.requestJson('PUT', `${path}/a/scale`, {})).rejects.toThrow('subresource scale are not recorded')
    await expect(client.requestJson('POST', path, gate, 'application/vnd.kubernetes.protobuf')).rejects.toMatchObject({
      code: 415,
    })
  })
})

describe.skipIf(!hasMom)('pruning a must-gather', () => {
  const tests = hasMom ? globSync('*', { cwd: join(MULTI_OPERATOR_MANAGER, 'input-resources') }).sort() : []

  test.each(tests)('%s', async (name) => {
    const folder = join(MULTI_OPERATOR_MANAGER, 'input-resources', name)
    const inputs = inputResourcesFrom(readYaml(readFileSync(join(folder, 'input-resources.yaml'), 'utf8')))
    expect(inputProblems(inputs, jsonPathProblem)).toEqual([])
    const pruned = await prune(new InputDirectory(join(folder, 'input-dir')), inputs)
    const expected = filesBelow(join(folder, 'expected-output'))
    const contents = (files: Map<string, string>) =>
      Object.fromEntries([...files].map(([file, text]) => [file, readYaml(text)]))
    expect(contents(pruned)).toEqual(contents(expected))
  })

  test('there are four', () => expect(tests).toHaveLength(4))
})

describe.skipIf(!hasMom)('comparison', () => {
  test('of two outputs that differ in two requests and one condition', () => {
    const folder = join(MULTI_OPERATOR_MANAGER, 'equivalence/need-useful-diff')
    const [lhs, rhs] = ['lhs', 'rhs'].map((side) => readOutput(join(folder, side), MENDED)) as [
      ReturnType<typeof readOutput>,
      ReturnType<typeof readOutput>,
    ]
    expect(compareOutput(lhs, lhs)).toEqual([])
    expect(compareOutput(lhs, rhs).map(describeOutputDifference)).toEqual([
      'missing: ApplyStatus authentications.operator.openshift.io/cluster of Management by ' +
        'sample-operator-example-ResourceSync with field manager openshift-authentication-Metadata',
      'different: ApplyStatus authentications.operator.openshift.io/cluster of Management by ' +
        'sample-operator-example-ResourceSync with field manager openshift-authentication-PayloadConfig\n' +
        '  status.conditions[type=OAuthConfigDegraded].message: expected "Unable to get cluster authentication config: ' +
        'authentications.operator.openshift.io \\"cluster\\" not found", got ""\n' +
        '  status.conditions[type=OAuthConfigDegraded].reason: expected "GetFailed", got ""\n' +
        '  status.conditions[type=OAuthConfigDegraded].status: expected "True", got "False"',
      'unexpected: ApplyStatus authentications.operator.openshift.io/cluster of Management by ' +
        'sample-operator-example-ResourceSync with field manager oauth-server-ResourceSync',
    ])
  })
})

describe.skipIf(!hasMom)('output of the authentication operator', () => {
  const outputs = hasMom ? globSync('*/expected-output', { cwd: AUTHENTICATION }).sort() : []

  test.each(outputs)('%s is read, written byte for byte, and equivalent to itself', async (name) => {
    const folder = join(AUTHENTICATION, name)
    const output = readOutput(folder, STRICT)
    const expected = filesBelow(folder)
    await inFolder((copy) => {
      writeOutput(copy, output, STRICT)
      expect(filesBelow(copy)).toEqual(expected)
    })
    expect(compareOutput(output, output)).toEqual([])
    const requests = [...output.requests.values()].flat()
    expect(requests.length).toBeGreaterThan(1)
    const less = new Map([...output.requests].map(([destination, all]) => [destination, all.slice(0, -1)]))
    const dropped = [...output.requests.values()].map((all) => all.at(-1)!).filter((request) => !isEvent(request))
    expect(compareOutput(output, { ...output, requests: less })).toHaveLength(dropped.length)
    expect(resultsText(output.results!)).toBe(expected.get('controller-results.yaml'))
  })

  test.each(outputs)('%s can be sent again, and is then recorded as it was', async (name) => {
    const output = readOutput(join(AUTHENTICATION, name), STRICT)
    const { recorded, server } = serverOf(join(AUTHENTICATION, dirname(name), 'input-dir'))
    const requests = [...output.requests.values()].flat()
    for (const request of requests) {
      const transport = server.transport(request.controller, (again) => recorded.push(again))
      expect(await transport.request(transportRequestOf(request))).toMatchObject({ status: 200 })
    }
    expect(recorded).toEqual(requests)
  })

  test('sent to a server on which writes count, every controller keeps its conditions', async () => {
    const folder = join(AUTHENTICATION, 'minimal-cluster')
    const { server, client } = serverOf(join(folder, 'input-dir'), MENDED)
    const requests = [...readOutput(join(folder, 'expected-output'), STRICT).requests.values()].flat()
    const wanted = new Map<string, string>()
    for (const request of requests) {
      const { status } = await server.transport(request.controller, () => {}).request(transportRequestOf(request))
      expect([200, 201]).toContain(status)
      if (request.action !== 'ApplyStatus') continue
      const { conditions } = (readYaml(request.body) as Authentication).status
      for (const condition of conditions) wanted.set(condition.type, condition.status)
    }
    const authentications = resource('operator.openshift.io', 'authentications', 'Authentication', false)
    const { conditions } = (await client.get<Authentication>(authentications, 'cluster')).status
    expect(wanted.size).toBeGreaterThan(20)
    expect(new Map(conditions.map(({ type, status }) => [type, status]))).toEqual(wanted)
    expect(conditions).toHaveLength(wanted.size)
  })

  test('hashes in the names of files and names of events come out of what they are made of', () => {
    const folders = globSync('**/expected-output/{Configuration,Management,UserWorkload}', { cwd: MOM })
    const counts = { files: 0, events: 0 }
    for (const folder of folders) {
      const output = readOutput(dirname(join(MOM, folder)), STRICT)
      const requests = [...output.requests.values()].flat()
      for (const request of folder.endsWith('Management') ? requests : []) {
        if (!isEvent(request)) continue
        const event = readYaml(request.body) as Record<'type' | 'reason' | 'message' | 'firstTimestamp', string> & {
          involvedObject: { name: string }
        }
        const note = { type: event.type as 'Normal', reason: event.reason, message: event.message }
        expect(eventName(event.involvedObject.name, Date.parse(event.firstTimestamp), note)).toBe(request.name)
        counts.events++
      }
    }
    // Those of the pair for the comparison are numbered by hand.
    for (const file of globSync('**/{expected-output,mutation-tests}/**/*-body-*.yaml', { cwd: MOM })) {
      const text = readFileSync(join(MOM, file), 'utf8')
      expect(file.split('/').at(-1)!.slice(0, 4)).toBe(requestHash({ body: text, options: '' }))
      counts.files++
    }
    expect(counts).toEqual({ files: 141, events: 59 })
  })
})
