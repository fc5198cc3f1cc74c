import { afterEach, beforeEach, expect, test } from 'vitest'
import { definition, openTestCluster, statusOf, widgets } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'
import { configuration, patching, startWebhooks, webhook } from './webhook-server.test-support.ts'
import type { WebhookServer } from './webhook-server.test-support.ts'

const PATH = '/apis/admissionregistration.k8s.io/v1'
const MERGE = 'application/merge-patch+json'

let cluster: TestCluster
let server: WebhookServer

/** In v1beta1 a pump has an address, in v1 a host. */
function convert({ objects, desiredAPIVersion }: { objects: TestObject[]; desiredAPIVersion: string }): object {
  const convertedObjects = objects.map((object) => {
    const { address, host, ...spec } = object.spec ?? {}
    const renamed = desiredAPIVersion.endsWith('/v1') ? { host: address } : { address: host }
    return { ...object, apiVersion: desiredAPIVersion, spec: { ...spec, ...renamed } }
  })
  return { result: { status: 'Success' }, convertedObjects }
}

beforeEach(async () => {
  cluster = await openTestCluster()
  server = await startWebhooks((request, _response, path) =>
    path === '/convert'
      ? convert(request as unknown as { objects: TestObject[]; desiredAPIVersion: string })
      : patching({ op: 'replace', path: '/spec/host', value: `${String(request.object?.spec?.['host'])}.example` }),
  )
})

afterEach(async () => {
  await cluster.server.close()
  await server[Symbol.asyncDispose]()
})

function send(path: string, body: object): Promise<RawAnswer> {
  return cluster.send('POST', path, { body })
}

async function enforce(resourceRules: object[], expression: string): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name: 'p' }
  await send(`${PATH}/validatingadmissionpolicies`, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: { matchConstraints: { resourceRules }, validations: [{ expression }] },
  })
  const spec = { policyName: 'p', validationActions: ['Deny'] }
  await send(`${PATH}/validatingadmissionpolicybindings`, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec,
  })
}

test('admission sees the version it asks for, also where only a webhook can convert', async () => {
  const text = { type: 'string' }
  const schema = (field: string): object => ({
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { [field]: text } } } },
  })
  const crd = definition({ ...widgets, plural: 'pumps', kind: 'Pump' }, {})
  crd.spec!['versions'] = [
    { name: 'v1', served: true, storage: true, schema: schema('host') },
    { name: 'v1beta1', served: true, storage: false, schema: schema('address') },
  ]
  const clientConfig = { url: `${server.url}/convert`, caBundle: server.caBundle }
  crd.spec!['conversion'] = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } }
  expect((await send('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)).code).toBe(201)
  const rules = [{ operations: ['*'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['pumps'] }]
  await send(`${PATH}/mutatingwebhookconfigurations`, configuration('Mutating', 'm', webhook(server, '/m', { rules })))
  await enforce(rules, "object.spec.host.endsWith('.example') && object.spec.host != 'bad.example'")
  const pump = (name: string, address: string): object => ({
    apiVersion: 'example.com/v1beta1',
    kind: 'Pump',
    metadata: { name },
    spec: { address },
  })
  const pumps = '/apis/example.com/v1beta1/namespaces/default/pumps'
  const created = await send(pumps, pump('a', 'north'))
  expect(created.json().spec).toEqual({ address: 'north.example' })
  const asked = server.asked.filter(({ path }) => path.startsWith('/m'))
  expect(asked.map(({ request }) => [request.kind.version, request.object?.apiVersion, request.object?.spec])).toEqual([
    ['v1', 'example.com/v1', { host: 'north' }],
  ])
  const refused = await send(pumps, pump('b', 'bad'))
  expect(statusOf(refused).message).toContain("ValidatingAdmissionPolicy 'p' with binding 'p' denied request")
  expect((await cluster.send('GET', '/apis/example.com/v1/namespaces/default/pumps/a')).json().spec).toEqual({
    host: 'north.example',
  })
  const changed = await cluster.send('PATCH', `${pumps}/a`, { body: { spec: { address: 'south' } }, type: MERGE })
  expect(changed.json().spec).toEqual({ address: 'south.example' })
})

test('a number of replicas is shown, and changed, as a Scale', async () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  }
  const path = '/apis/apps/v1/namespaces/default/deployments'
  expect((await send(path, deployment)).code).toBe(201)
  const rules = [{ operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'] }]
  await enforce(
    rules,
    "object.kind == 'Scale' && request.kind.kind == 'Scale' && request.resource.resource == 'deployments' && object.spec.replicas <= oldObject.spec.replicas + 3",
  )
  const scale = (replicas: number): Promise<RawAnswer> =>
    cluster.send('PATCH', `${path}/d/scale`, { body: { spec: { replicas } }, type: MERGE })
  expect([(await scale(4)).code, (await scale(8)).code]).toEqual([200, 422])
  await using other = await startWebhooks(({ object }) =>
    patching({ op: 'replace', path: '/spec/replicas', value: Number(object?.spec?.['replicas']) + 1 }),
  )
  await send(`${PATH}/mutatingwebhookconfigurations`, configuration('Mutating', 'm', webhook(other, '/m', { rules })))
  expect((await scale(5)).json().spec).toEqual({ replicas: 6 })
  expect((await cluster.send('GET', `${path}/d`)).json().spec?.['replicas']).toBe(6)
})
