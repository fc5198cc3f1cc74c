import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf, W, widget } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from '../testing/test-cluster.ts'
import type { UserInfo } from '../user.ts'
import { configuration, startWebhooks, webhook } from './webhook-server.test-support.ts'

const PATH = '/apis/admissionregistration.k8s.io/v1'
const MERGE = 'application/merge-patch+json'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

afterEach(async () => {
  await cluster.server.close()
})

const onWidgets = { operations: ['*'], apiGroups: ['example.com'], apiVersions: ['*'], resources: ['*'] }

function policy(name: string, spec: object): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { matchConstraints: { resourceRules: [onWidgets] }, ...spec },
  }
}

function binding(name: string, policyName: string, spec: object = {}): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName, validationActions: ['Deny'], ...spec },
  }
}

function sendPolicy(spec: object, name = 'p'): Promise<RawAnswer> {
  return cluster.send('POST', `${PATH}/validatingadmissionpolicies`, { body: policy(name, spec) })
}

function sendBinding(spec: object = {}, name = 'b', policyName = 'p'): Promise<RawAnswer> {
  return cluster.send('POST', `${PATH}/validatingadmissionpolicybindings`, { body: binding(name, policyName, spec) })
}

async function enforce(spec: object, bound: object = {}): Promise<void> {
  const [first, second] = [await sendPolicy(spec), await sendBinding(bound)]
  expect(first.text).toContain('"uid"')
  expect(second.text).toContain('"uid"')
}

function create(name: string, spec: object = {}, metadata: object = {}, user?: UserInfo): Promise<RawAnswer> {
  const body = widget(name, spec as Record<string, unknown>, metadata)
  return cluster.send('POST', W, user === undefined ? { body } : { body, user })
}

function patch(name: string, body: object, part = ''): Promise<RawAnswer> {
  return cluster.send('PATCH', `${W}/${name}${part}`, { body, type: MERGE })
}

/** Whether writes with these results were all as expected. */
async function codes(...answers: Promise<RawAnswer>[]): Promise<number[]> {
  const all: number[] = []
  for (const answer of answers) all.push((await answer).code)
  return all
}

const small = { validations: [{ expression: 'object.spec.size < 10' }] }

describe('a denial', () => {
  test('is in the words of Kubernetes', async () => {
    await enforce(small)
    expect((await create('a', { size: 9 })).code).toBe(201)
    const answer = await create('b', { size: 10 })
    const message =
      "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: object.spec.size < 10"
    expect(statusOf(answer)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `widgets.example.com "b" is forbidden: ${message}`,
      reason: 'Invalid',
      details: { name: 'b', group: 'example.com', kind: 'widgets', causes: [{ message }] },
      code: 422,
    })
    expect((await cluster.send('GET', `${W}/b`)).code).toBe(404)
    expect((await create('c', { size: 10 })).code).toBe(422)
    expect((await patch('a', { spec: { size: 10 } })).code).toBe(422)
  })

  test.each<[string, object, number, string]>([
    ['a message', { message: ' too big ' }, 422, 'too big'],
    ['a computed message', { messageExpression: "'at most ' + string(10)", message: 'x' }, 422, 'at most 10'],
    ['a computed message of several lines', { messageExpression: "'a\\nb'", message: 'x' }, 422, 'x'],
    ['an empty computed message', { messageExpression: "' '", message: 'x' }, 422, 'x'],
    [
      'a message that cannot be computed',
      { messageExpression: 'object.spec.none', message: 'x' },
      422,
      'must evaluate',
    ],
    ['a message whose computation fails', { messageExpression: 'string(object.spec.none)', message: 'x' }, 422, 'x'],
    [
      'a message far too long',
      { messageExpression: `'${'x'.repeat(6000)}'` },
      422,
      'failed expression: object.spec.size < 10',
    ],
    ['a reason', { reason: 'Forbidden' }, 403, 'failed expression: object.spec.size < 10'],
    ['another reason', { reason: 'RequestEntityTooLarge' }, 413, 'failed expression: object.spec.size < 10'],
  ])('with %s', async (what, members, code, words) => {
    const written = await sendPolicy({ validations: [{ expression: 'object.spec.size < 10', ...members }] })
    if (what.includes('cannot')) {
      expect(statusOf(written).message).toContain(words)
      return
    }
    await sendBinding()
    const answer = await create('a', { size: 10 })
    expect([answer.code, statusOf(answer).details?.causes?.[0]?.message]).toEqual([
      code,
      `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ${words}`,
    ])
  })

  test('of a name that is yet to be made', async () => {
    await enforce(small)
    const answer = await create('', { size: 10 }, { name: undefined, generateName: 'w-' })
    expect(statusOf(answer).message).toMatch(/^widgets\.example\.com "w-[a-z0-9]{5}" is forbidden: /)
  })
})

describe('actions', () => {
  test('a warning lets the write through', async () => {
    await enforce(small, { validationActions: ['Warn', 'Audit'] })
    const answer = await create('a', { size: 10 })
    expect(answer.code).toBe(201)
    expect(answer.headers['warning']).toBe(
      `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: object.spec.size < 10"`,
    )
  })

  test('each binding has its own', async () => {
    await enforce(small, { validationActions: ['Warn'] })
    await sendBinding({ validationActions: ['Deny'] }, 'c')
    const answer = await create('a', { size: 10 })
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining("with binding 'c'")])
    expect(answer.headers['warning']).toContain("with binding 'b'")
  })

  test('without a binding nothing happens, and a new one works at once', async () => {
    await sendPolicy(small)
    expect((await create('a', { size: 10 })).code).toBe(201)
    await sendBinding()
    expect((await create('b', { size: 10 })).code).toBe(422)
    await cluster.send('DELETE', `${PATH}/validatingadmissionpolicybindings/b`)
    expect((await create('b', { size: 10 })).code).toBe(201)
  })

  test('policies come before webhooks', async () => {
    await using server = await startWebhooks(() => ({ allowed: true }))
    const body = configuration('Validating', 'v', webhook(server, '/v'))
    await cluster.send('POST', `${PATH}/validatingwebhookconfigurations`, { body })
    await enforce(small)
    await create('a', { size: 10 })
    expect(server.asked).toHaveLength(0)
    await create('a')
    expect(server.asked).toHaveLength(1)
  })
})

describe('what expressions see', () => {
  const bob: UserInfo = { name: 'bob', groups: ['system:masters', 'team'], uid: 'u-bob' }

  test.each<[string, string]>([
    ['the object', "object.spec.size == 5 && object.metadata.name == 'a' && object.metadata.uid != ''"],
    ['its kind', "object.kind == 'Widget' && object.apiVersion == 'example.com/v1'"],
    ['no old object', 'oldObject == null'],
    ['the operation', "request.operation == 'CREATE' && request.name == 'a' && request.namespace == 'default'"],
    ['kind and resource', "request.kind.kind == 'Widget' && request.resource.resource == 'widgets'"],
    ['the version', "request.requestKind.version == 'v1' && request.requestResource.group == 'example.com'"],
    ['the user', "request.userInfo.username == 'bob' && 'team' in request.userInfo.groups"],
    ['the uid of the user', "request.userInfo.uid == 'u-bob'"],
    ['options', "!request.dryRun && request.options.kind == 'CreateOptions'"],
    ['no subresource', '!has(request.subResource)'],
    ['the namespace', "namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'"],
    ['labels of the namespace', "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == 'default'"],
    ['optional fields', "object.spec.?mode.orValue('none') == 'none'"],
    ['rights of the user', "authorizer.group('').resource('secrets').namespace('x').check('get').allowed()"],
    ['rights on this object', "authorizer.requestResource.check('update').allowed()"],
    ['rights on paths', "authorizer.path('/healthz').check('get').allowed()"],
    [
      'rights of others',
      "!authorizer.serviceAccount('default', 'sa').group('').resource('pods').check('get').allowed()",
    ],
  ])('%s', async (_, expression) => {
    await enforce({ validations: [{ expression }] })
    expect((await create('a', { size: 5 }, {}, bob)).text).toContain('"uid"')
  })

  test('the old object, on an update and a deletion', async () => {
    await enforce({
      validations: [
        { expression: "request.operation != 'UPDATE' || object.spec.size >= oldObject.spec.size", message: 'shrinks' },
        { expression: "request.operation != 'DELETE' || (object == null && oldObject.spec.size < 5)", message: 'big' },
      ],
    })
    await create('a', { size: 5 })
    expect(statusOf(await patch('a', { spec: { size: 4 } })).message).toContain('shrinks')
    expect(statusOf(await cluster.send('DELETE', `${W}/a`)).message).toContain('big')
    await create('b', { size: 1 })
    expect((await cluster.send('DELETE', `${W}/b`)).code).toBe(200)
  })

  test('the subresource', async () => {
    const status = { ...onWidgets, resources: ['widgets/status'] }
    await enforce({
      matchConstraints: { resourceRules: [status] },
      validations: [{ expression: "request.subResource == 'status' && object.status.phase != 'bad'" }],
    })
    await create('a')
    expect((await patch('a', { status: { phase: 'good' } }, '/status')).code).toBe(200)
    expect((await patch('a', { status: { phase: 'bad' } }, '/status')).code).toBe(422)
  })

  test('no namespace of a cluster-scoped object', async () => {
    await enforce({ validations: [{ expression: 'namespaceObject == null && request.namespace == ""' }] })
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' } }
    const answer = await cluster.send('POST', '/apis/example.com/v1/gadgets', { body: gadget })
    expect(answer.text).toContain('no such key: namespace')
  })
})

describe('variables', () => {
  test('build on each other, and are computed only when read', async () => {
    await enforce({
      variables: [
        { name: 'size', expression: 'object.spec.size' },
        { name: 'double', expression: 'variables.size * 2' },
        { name: 'broken', expression: 'object.spec.none.x' },
      ],
      validations: [
        { expression: 'variables.double < 20', messageExpression: "'twice is ' + string(variables.double)" },
        { expression: 'variables.size != 7 || variables.broken' },
      ],
    })
    expect((await create('a', { size: 9 })).code).toBe(201)
    expect(statusOf(await create('b', { size: 10 })).message).toContain('denied request: twice is 20')
  })

  test('that fail tell so', async () => {
    await enforce({
      variables: [{ name: 'broken', expression: 'object.spec.none' }],
      validations: [{ expression: 'variables.broken == 1' }],
    })
    expect(statusOf(await create('a')).message).toContain(
      `denied request: expression 'variables.broken == 1' resulted in error: composited variable "broken" fails to evaluate: no such key: none`,
    )
  })
})

describe('an expression that fails', () => {
  const broken = { validations: [{ expression: 'object.spec.none == 1' }, { expression: 'true' }] }

  test('denies', async () => {
    await enforce(broken)
    expect(statusOf(await create('a')).message).toContain(
      "denied request: expression 'object.spec.none == 1' resulted in error: no such key: none",
    )
  })

  test('unless failures are to be ignored; a clear no counts nevertheless', async () => {
    await enforce({ failurePolicy: 'Ignore', ...broken })
    expect((await create('a')).code).toBe(201)
    await sendPolicy({ failurePolicy: 'Ignore', validations: [{ expression: 'false' }] }, 'q')
    await sendBinding({}, 'c', 'q')
    expect((await create('b')).code).toBe(422)
  })

  test('by costing too much', async () => {
    const list = `[${Array.from({ length: 100 }, (_, index) => index).join(',')}]`
    await enforce({ validations: [{ expression: `${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c >= 0)))` }] })
    expect(statusOf(await create('a')).message).toContain('actual cost limit exceeded')
  })
})

describe('audit annotations', () => {
  test('that cannot be computed deny', async () => {
    await enforce({ auditAnnotations: [{ key: 'k', valueExpression: 'string(object.spec.none)' }] })
    expect(statusOf(await create('a')).message).toContain('resulted in error: no such key: none')
  })

  test('are no obstacle otherwise', async () => {
    await enforce({ auditAnnotations: [{ key: 'k', valueExpression: "'size ' + string(object.spec.size)" }] })
    expect((await create('a')).code).toBe(201)
  })
})

describe('match conditions', () => {
  test('all must hold; one that is false decides', async () => {
    await enforce({
      matchConditions: [
        { name: 'no-size', expression: 'object.spec.none == 1' },
        { name: 'not-admin', expression: "request.userInfo.username != 'admin'" },
      ],
      validations: [{ expression: 'false' }],
    })
    expect((await create('a')).code).toBe(201)
    const answer = await create('b', {}, {}, { name: 'bob', groups: ['system:masters'] })
    expect(statusOf(answer).message).toContain(
      "expression 'object.spec.none == 1' resulted in error: no such key: none",
    )
  })

  test('that fail do not match when failures are to be ignored', async () => {
    await enforce({
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'x', expression: 'object.spec.none == 1' }],
      validations: [{ expression: 'false' }],
    })
    expect((await create('a')).code).toBe(201)
  })

  test('of webhooks', async () => {
    await using server = await startWebhooks(() => ({ allowed: true }))
    const put = async (name: string, expression: string, members: object = {}): Promise<RawAnswer> => {
      const matchConditions = [{ name: 'c', expression }]
      const body = configuration('Validating', name, webhook(server, '/v', { matchConditions, ...members }))
      return cluster.send('POST', `${PATH}/validatingwebhookconfigurations`, { body })
    }
    expect((await put('a', 'object.spec.size > 5')).code).toBe(201)
    await create('small', { size: 5 })
    await create('big', { size: 6 })
    expect(server.asked.map(({ request }) => request.name)).toEqual(['big'])
    await put('b', 'object.spec.none == 1', { failurePolicy: 'Ignore' })
    expect((await create('other')).code).toBe(201)
    await put('c', 'object.spec.none == 1')
    const refused = await create('more')
    expect([refused.code, statusOf(refused).message]).toEqual([
      403,
      `widgets.example.com "more" is forbidden: expression 'object.spec.none == 1' resulted in error: no such key: none`,
    ])
    for (const [expression, why] of [
      ['object.spec.', 'compilation failed: ERROR: <input>:1:13: Syntax error'],
      ['1 + 1', 'must evaluate to bool but got int'],
      ['params.x == 1', "undeclared reference to 'params'"],
      ['', 'webhooks[0].matchConditions[0].expression: Required value'],
    ] as const) {
      const answer = await put('d', expression)
      expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining(why)])
    }
  })
})

describe('parameters', () => {
  const withParams = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    validations: [
      { expression: 'object.spec.size <= int(params.data.max)', messageExpression: "'over ' + params.data.max" },
    ],
  }

  async function limit(name: string, max: number, labels: object = {}, namespace = 'default'): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { max: String(max) } }
    expect((await cluster.send('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body })).code).toBe(201)
  }

  test('by name, in the namespace of the object', async () => {
    await limit('limit', 5)
    await enforce(withParams, { paramRef: { name: 'limit', parameterNotFoundAction: 'Deny' } })
    expect(await codes(create('a', { size: 5 }), create('b', { size: 6 }))).toEqual([201, 422])
  })

  test('by name, in a namespace', async () => {
    await limit('limit', 5, {}, 'kube-system')
    await enforce(withParams, {
      paramRef: { name: 'limit', namespace: 'kube-system', parameterNotFoundAction: 'Deny' },
    })
    expect(await codes(create('a', { size: 5 }), create('b', { size: 6 }))).toEqual([201, 422])
  })

  test('by labels: all that are found count', async () => {
    await limit('one', 7, { kind: 'limit' })
    await limit('two', 5, { kind: 'limit' })
    await limit('other', 1)
    const selector = { matchLabels: { kind: 'limit' } }
    await enforce(withParams, { paramRef: { selector, parameterNotFoundAction: 'Deny' } })
    expect(await codes(create('a', { size: 5 }), create('b', { size: 6 }))).toEqual([201, 422])
  })

  test('that are not there', async () => {
    await enforce(withParams, { paramRef: { name: 'limit', parameterNotFoundAction: 'Deny' } })
    expect(statusOf(await create('a')).message).toContain(
      "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    )
    await cluster.send('DELETE', `${PATH}/validatingadmissionpolicybindings/b`)
    await sendBinding({ paramRef: { name: 'limit', parameterNotFoundAction: 'Allow' } })
    expect((await create('a', { size: 99 })).code).toBe(201)
  })

  test('of a binding that gives none are null', async () => {
    await enforce({ ...withParams, validations: [{ expression: 'params == null' }] })
    expect((await create('a')).code).toBe(201)
  })

  test('of a kind nobody knows', async () => {
    await enforce(
      { ...withParams, paramKind: { apiVersion: 'example.com/v9', kind: 'Limit' } },
      { paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } },
    )
    expect(statusOf(await create('a')).message).toContain(
      "failed to find resource referenced by paramKind: 'example.com/v9, Kind=Limit'",
    )
  })

  test('in a namespace, for objects that are in none', async () => {
    await enforce(withParams, { paramRef: { name: 'limit', parameterNotFoundAction: 'Allow' } })
    const body = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' } }
    expect(statusOf(await cluster.send('POST', '/apis/example.com/v1/gadgets', { body })).message).toContain(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    )
  })

  test('of a cluster-scoped kind, in a namespace', async () => {
    await enforce(
      { ...withParams, paramKind: { apiVersion: 'v1', kind: 'Namespace' } },
      { paramRef: { name: 'default', namespace: 'default', parameterNotFoundAction: 'Deny' } },
    )
    expect(statusOf(await create('a')).message).toContain(
      'paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    )
  })
})

describe('which writes', () => {
  const never = { validations: [{ expression: 'false' }] }

  test('only those of the named objects', async () => {
    const resourceRules = [{ ...onWidgets, resourceNames: ['b'] }]
    await enforce({ ...never, matchConstraints: { resourceRules } })
    expect(await codes(create('a'), create('b'))).toEqual([201, 422])
  })

  test('not those that are excluded', async () => {
    const excludeResourceRules = [{ ...onWidgets, operations: ['CREATE'] }]
    await enforce({ ...never, matchConstraints: { resourceRules: [onWidgets], excludeResourceRules } })
    expect((await create('a')).code).toBe(201)
    expect((await cluster.send('DELETE', `${W}/a`)).code).toBe(422)
  })

  test('by labels of object and namespace', async () => {
    const objectSelector = { matchLabels: { x: 'y' } }
    await enforce({ ...never, matchConstraints: { resourceRules: [onWidgets], objectSelector } })
    expect(await codes(create('a'), create('b', {}, { labels: { x: 'y' } }))).toEqual([201, 422])
    const namespaceSelector = { matchLabels: { tier: 'gold' } }
    await sendPolicy({ ...never, matchConstraints: { resourceRules: [onWidgets], namespaceSelector } }, 'q')
    await sendBinding({}, 'c', 'q')
    expect((await create('c')).code).toBe(201)
    await cluster.send('PATCH', '/api/v1/namespaces/default', {
      body: { metadata: { labels: { tier: 'gold' } } },
      type: MERGE,
    })
    expect((await create('d')).code).toBe(422)
  })

  test('a binding may narrow them', async () => {
    const resourceRules = [{ ...onWidgets, operations: ['DELETE'] }]
    await enforce(never, { matchResources: { resourceRules } })
    expect((await create('a')).code).toBe(201)
    expect((await cluster.send('DELETE', `${W}/a`)).code).toBe(422)
  })

  test('a binding without rules means all', async () => {
    await enforce(never, { matchResources: { objectSelector: { matchLabels: { x: 'y' } } } })
    expect(await codes(create('a'), create('b', {}, { labels: { x: 'y' } }))).toEqual([201, 422])
  })

  test('never those of policies and their bindings', async () => {
    const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }
    await enforce({ ...never, matchConstraints: { resourceRules: [everything] } })
    expect(
      (
        await cluster.send('POST', '/api/v1/namespaces', {
          body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } },
        })
      ).code,
    ).toBe(422)
    expect((await cluster.send('DELETE', `${PATH}/validatingadmissionpolicybindings/b`)).code).toBe(200)
    expect((await create('a')).code).toBe(201)
  })
})

test('tables', async () => {
  await enforce(
    { ...small, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } },
    {
      paramRef: { name: 'x', namespace: 'n', parameterNotFoundAction: 'Allow' },
    },
  )
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const rows = async (plural: string): Promise<unknown> =>
    (await cluster.send('GET', `${PATH}/${plural}`, { accept }))
      .json<{ rows: { cells: unknown[] }[] }>()
      .rows.map(({ cells }) => cells.slice(0, 3))
  expect(await rows('validatingadmissionpolicies')).toEqual([['p', 1, 'v1/ConfigMap']])
  expect(await rows('validatingadmissionpolicybindings')).toEqual([['b', 'p', 'n/x']])
})

describe('a policy that is refused', () => {
  const valid = { expression: 'true' }
  test.each<[object, string]>([
    [
      { validations: [] },
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
    ],
    [
      { failurePolicy: 'x', validations: [valid] },
      'spec.failurePolicy: Unsupported value: "x": supported values: "Fail", "Ignore"',
    ],
    [{ matchConstraints: undefined, validations: [valid] }, 'spec.matchConstraints: Required value'],
    [{ matchConstraints: {}, validations: [valid] }, 'spec.matchConstraints.resourceRules: Required value'],
    [
      {
        matchConstraints: { resourceRules: [{ ...onWidgets, resourceNames: ['a', 'a', 'b/c'] }] },
        validations: [valid],
      },
      'resourceRules[0].resourceNames[1]: Duplicate value: "a"',
    ],
    [
      { matchConstraints: { resourceRules: [{ ...onWidgets, resourceNames: ['b/c'] }] }, validations: [valid] },
      `resourceNames[0]: Invalid value: "b/c": may not contain '/'`,
    ],
    [
      { validations: [{ expression: ' ' }] },
      'spec.validations[0].expression: Required value: expression is not specified',
    ],
    [
      { validations: [{ expression: 'object.spec.size' }] },
      'spec.validations[0].expression: Invalid value: "object.spec.size": must evaluate to bool but got dyn',
    ],
    [
      { validations: [{ expression: 'nothing' }] },
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nothing'",
    ],
    [{ validations: [{ expression: 'params.x == 1' }] }, "undeclared reference to 'params'"],
    [{ validations: [{ ...valid, message: ' ' }] }, 'message must be non-empty if specified'],
    [{ validations: [{ ...valid, message: 'a\nb' }] }, 'message must not contain line breaks'],
    [{ validations: [{ ...valid, messageExpression: ' ' }] }, 'must be non-empty if specified'],
    [{ validations: [{ ...valid, messageExpression: '1' }] }, 'must evaluate to string but got int'],
    [
      { validations: [{ ...valid, messageExpression: "string(authorizer.path('/x').check('get').allowed())" }] },
      "undeclared reference to 'authorizer'",
    ],
    [{ validations: [{ ...valid, reason: 'x' }] }, 'spec.validations[0].reason: Unsupported value: "x"'],
    [{ variables: [{ name: '', expression: '1' }], validations: [valid] }, 'name is not specified'],
    [{ variables: [{ name: 'a-b', expression: '1' }], validations: [valid] }, 'name is not a valid CEL identifier'],
    [
      { variables: [{ name: 'namespace', expression: '1' }], validations: [valid] },
      'name is not a valid CEL identifier',
    ],
    [{ variables: [{ name: 'a', expression: '' }], validations: [valid] }, 'expression is not specified'],
    [
      {
        variables: [
          { name: 'a', expression: 'variables.b' },
          { name: 'b', expression: '1' },
        ],
        validations: [valid],
      },
      "undefined field 'b'",
    ],
    [
      { variables: [{ name: 'a', expression: '1' }], validations: [{ expression: "variables.a == 'x'" }] },
      "found no matching overload for '_==_' applied to '(int, string)'",
    ],
    [
      { matchConditions: [{ name: '', expression: 'true' }], validations: [valid] },
      'spec.matchConditions[0].name: Required value',
    ],
    [
      { matchConditions: ['a', 'a'].map((name) => ({ name, expression: 'true' })), validations: [valid] },
      'spec.matchConditions[1].name: Duplicate value: "a"',
    ],
    [
      {
        matchConditions: Array.from({ length: 65 }, (_, index) => ({ name: `n${index}`, expression: 'true' })),
        validations: [valid],
      },
      'spec.matchConditions: Too many: 65: must have at most 64 items',
    ],
    [{ paramKind: {}, validations: [valid] }, 'spec.paramKind.apiVersion: Required value'],
    [{ paramKind: { apiVersion: 'a/b/c', kind: 'X' }, validations: [valid] }, 'unexpected GroupVersion string: a/b/c'],
    [
      { paramKind: { apiVersion: 'v1', kind: 'X_Y' }, validations: [valid] },
      'may have mixed case, but should otherwise match',
    ],
    [
      { auditAnnotations: [{ key: 'a b', valueExpression: "'x'" }] },
      'spec.auditAnnotations[0].key: Invalid value: "p/a b"',
    ],
    [
      { auditAnnotations: [{ key: 'a', valueExpression: '1' }] },
      'must evaluate to one of [string null_type] but got int',
    ],
    [
      { auditAnnotations: ['a', 'a'].map((key) => ({ key, valueExpression: "'x'" })) },
      'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ],
    [
      { auditAnnotations: Array.from({ length: 21 }, (_, index) => ({ key: `k${index}`, valueExpression: "'x'" })) },
      'must not have more than 20 auditAnnotations',
    ],
    [
      { auditAnnotations: [{ key: 'a', valueExpression: `'${'x'.repeat(6000)}'` }] },
      'must not exceed 5120 bytes in length',
    ],
  ])('%j', async (spec, why) => {
    const answer = await sendPolicy(spec)
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining(why)])
  })
})

describe('a binding that is refused', () => {
  test.each<[object, string]>([
    [{ policyName: '' }, 'spec.policyName: Required value'],
    [{ policyName: 'A' }, 'spec.policyName: Invalid value: "A"'],
    [{ validationActions: [] }, 'spec.validationActions: Required value: at least one validation action is required'],
    [
      { validationActions: ['x'] },
      'spec.validationActions[0]: Unsupported value: "x": supported values: "Audit", "Deny", "Warn"',
    ],
    [{ validationActions: ['Deny', 'Deny'] }, 'spec.validationActions[1]: Duplicate value: "Deny"'],
    [{ validationActions: ['Deny', 'Warn'] }, 'must not contain both Deny and Warn'],
    [
      { paramRef: { parameterNotFoundAction: 'Deny' } },
      'spec.paramRef: Required value: one of name or selector must be specified',
    ],
    [{ paramRef: { name: 'a' } }, 'spec.paramRef.parameterNotFoundAction: Required value'],
    [
      { paramRef: { name: 'a', parameterNotFoundAction: 'x' } },
      'Unsupported value: "x": supported values: "Deny", "Allow"',
    ],
    [
      { paramRef: { name: 'a', selector: {}, parameterNotFoundAction: 'Deny' } },
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
    ],
    [{ matchResources: { matchPolicy: 'x' } }, 'spec.matchResouces.matchPolicy: Unsupported value: "x"'],
  ])('%j', async (spec, why) => {
    const answer = await sendBinding(spec)
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining(why)])
  })
})
