import { beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'
import { configuration } from './webhook-server.test-support.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

const PATH = '/apis/admissionregistration.k8s.io/v1'
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const good = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/x' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}

function send(webhooks: unknown, type: 'Mutating' | 'Validating' = 'Validating'): Promise<RawAnswer> {
  const body = { ...configuration(type, 'c'), webhooks }
  return cluster.send('POST', `${PATH}/${type.toLowerCase()}webhookconfigurations`, { body })
}

test('what is left out is filled in', async () => {
  const webhooks = [good, { ...good, name: 'b.example.com', clientConfig: { service: { namespace: 'n', name: 's' } } }]
  const stored = (await send(webhooks, 'Mutating')).json<TestObject & { webhooks: object[] }>()
  const defaults = {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
    rules: [{ ...rule, scope: '*' }],
  }
  expect(stored.webhooks).toEqual([
    { ...webhooks[0], ...defaults },
    { ...webhooks[1], ...defaults, clientConfig: { service: { namespace: 'n', name: 's', port: 443 } } },
  ])
  expect(stored.metadata.generation).toBe(1)
  const validating = (await send([good])).json<TestObject & { webhooks: object[] }>()
  expect(validating.webhooks[0]).not.toHaveProperty('reinvocationPolicy')
})

const service = { namespace: 'n', name: 's' }

test.each<[object, string]>([
  [{ name: '' }, 'webhooks[0].name: Required value'],
  [
    { name: 'a.b' },
    'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
  ],
  [{ name: 'A.b.c' }, 'webhooks[0].name: Invalid value: "A.b.c": a lowercase RFC 1123 subdomain must consist of'],
  [{ clientConfig: {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  [
    { clientConfig: { url: 'https://a', service } },
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
  ],
  [
    { clientConfig: { url: 'http://a' } },
    'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
  ],
  [
    { clientConfig: { url: 'nowhere' } },
    'url: Invalid value: "": host must be specified; desired format: https://host',
  ],
  [{ clientConfig: { url: 'https://a:b' } }, 'webhooks[0].clientConfig.url: Required value: url must be a valid URL: '],
  [{ clientConfig: { url: 'https://u@a' } }, '"u": user information is not permitted in the URL'],
  [{ clientConfig: { url: 'https://a#b' } }, '"b": fragments are not permitted in the URL'],
  [{ clientConfig: { url: 'https://a?b' } }, '"b": query parameters are not permitted in the URL'],
  [{ clientConfig: { service: { name: 's' } } }, 'clientConfig.service.namespace: Required value'],
  [{ clientConfig: { service: { namespace: 'n' } } }, 'clientConfig.service.name: Required value'],
  [
    { clientConfig: { service: { ...service, port: 70_000 } } },
    'service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive',
  ],
  [{ clientConfig: { service: { ...service, path: '//' } } }, '"//": segment[0] may not be empty'],
  [{ clientConfig: { service: { ...service, path: 'a' } } }, '"a": must start with a \'/\''],
  [{ clientConfig: { service: { ...service, path: '/a//b' } } }, '"/a//b": segment[1] may not be empty'],
  [{ clientConfig: { service: { ...service, path: '/a_b' } } }, 'segment[0]: a lowercase RFC 1123 subdomain'],
  [{ sideEffects: undefined }, 'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
  [{ sideEffects: 'Some' }, 'sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
  [{ failurePolicy: 'x' }, 'failurePolicy: Unsupported value: "x": supported values: "Fail", "Ignore"'],
  [{ matchPolicy: 'x' }, 'matchPolicy: Unsupported value: "x": supported values: "Equivalent", "Exact"'],
  [{ timeoutSeconds: 31 }, 'timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
  [{ timeoutSeconds: 0 }, 'the timeout value must be between 1 and 30 seconds'],
  [{ admissionReviewVersions: [] }, 'admissionReviewVersions: Required value: must specify one of v1, v1beta1'],
  [{ admissionReviewVersions: ['v9'] }, 'Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
  [{ admissionReviewVersions: ['v1', 'v1'] }, 'admissionReviewVersions[1]: Invalid value: "v1": duplicate version'],
  [{ rules: [{ ...rule, operations: [] }] }, 'webhooks[0].rules[0].operations: Required value'],
  [
    { rules: [{ ...rule, operations: ['GET'] }] },
    'operations[0]: Unsupported value: "GET": supported values: "*", "CONNECT"',
  ],
  [{ rules: [{ ...rule, operations: ['*', 'CREATE'] }] }, "if '*' is present, must not specify other operations"],
  [{ rules: [{ ...rule, apiGroups: [] }] }, 'rules[0].apiGroups: Required value'],
  [{ rules: [{ ...rule, apiGroups: ['*', ''] }] }, "if '*' is present, must not specify other API groups"],
  [{ rules: [{ ...rule, apiVersions: [''] }] }, 'rules[0].apiVersions[0]: Required value'],
  [{ rules: [{ ...rule, resources: [] }] }, 'rules[0].resources: Required value'],
  [{ rules: [{ ...rule, resources: ['*/*', 'pods'] }] }, "if '*/*' is present, must not specify other resources"],
  [{ rules: [{ ...rule, resources: ['*', 'pods'] }] }, 'must not specify other resources without subresources'],
  [
    { rules: [{ ...rule, resources: ['pods/*', 'pods/status'] }] },
    "if 'pods/*' is present, must not specify pods/status",
  ],
  [
    { rules: [{ ...rule, resources: ['*/status', 'pods/status'] }] },
    "if '*/status' is present, must not specify pods/status",
  ],
  [
    { rules: [{ ...rule, scope: 'x' }] },
    'scope: Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"',
  ],
  [
    { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    "namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
  ],
  [
    { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
    "objectSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
  ],
  [{ objectSelector: { matchExpressions: [{ key: 'a', operator: 'x' }] } }, '"x": not a valid selector operator'],
  [{ objectSelector: { matchLabels: { 'a b': 'c' } } }, 'objectSelector.matchLabels: Invalid value: "a b": name part'],
  [{ objectSelector: { matchLabels: { a: 'b c' } } }, 'matchLabels: Invalid value: "b c": a valid label must be'],
])('%j is refused', async (members, why) => {
  const answer = await send([{ ...good, ...members }])
  expect(answer.code).toBe(422)
  expect(statusOf(answer).message).toContain(why)
})

test('names are said once', async () => {
  const answer = await send([good, good])
  expect(statusOf(answer).message).toContain('webhooks[1].name: Duplicate value: "a.example.com"')
})

test('a mutating one has a policy of asking again', async () => {
  expect(statusOf(await send([{ ...good, reinvocationPolicy: 'x' }], 'Mutating')).message).toContain(
    'reinvocationPolicy: Unsupported value: "x": supported values: "IfNeeded", "Never"',
  )
})

test('whatever else is sent is refused, and nothing breaks', async () => {
  for (const value of [1, {}, [1], [null], [{}], [{ ...good, rules: 1 }], [{ ...good, namespaceSelector: 1 }]]) {
    expect((await send(value)).text).not.toContain('Internal')
  }
  const odd = { ...good, clientConfig: 1, rules: [1], namespaceSelector: [], matchConditions: 'x', timeoutSeconds: 'x' }
  expect((await send([odd])).code).toBeGreaterThanOrEqual(400)
  expect((await cluster.send('GET', '/api/v1/namespaces/default')).code).toBe(200)
})
