import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { definition, openTestCluster, statusOf, W, widget, widgets } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'
import { configuration, patching, startWebhooks, webhook } from './webhook-server.test-support.ts'
import type { Reviewer, WebhookServer } from './webhook-server.test-support.ts'

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1'
const MERGE = 'application/merge-patch+json'

let cluster: TestCluster
let server: WebhookServer
let reviewer: Reviewer

beforeEach(async () => {
  cluster = await openTestCluster()
  reviewer = () => ({ allowed: true })
  server = await startWebhooks((...review) => reviewer(...review))
})

afterEach(async () => {
  await cluster.server.close()
  await server[Symbol.asyncDispose]()
})

async function configure(type: 'Mutating' | 'Validating', name: string, ...webhooks: object[]): Promise<TestObject> {
  const path = `${CONFIGURATIONS}/${type.toLowerCase()}webhookconfigurations`
  const answer = await cluster.send('POST', path, { body: configuration(type, name, ...webhooks) })
  expect(answer.text).toContain(`"name":"${name}"`)
  return answer.json()
}

function create(name: string, spec: object = {}, metadata: object = {}): Promise<RawAnswer> {
  return cluster.send('POST', W, { body: widget(name, spec as Record<string, unknown>, metadata) })
}

function patch(name: string, body: object, part = ''): Promise<RawAnswer> {
  return cluster.send('PATCH', `${W}/${name}${part}`, { body, type: MERGE })
}

async function stored(name: string): Promise<TestObject> {
  return (await cluster.send('GET', `${W}/${name}`)).json()
}

/** Code and message of a refusal. */
function refusal(answer: RawAnswer): [number, string | undefined] {
  return [answer.code, statusOf(answer).message]
}

describe('what a webhook is told', () => {
  test('of a new object', async () => {
    await configure('Mutating', 'm', webhook(server, '/m'))
    await configure('Validating', 'v', webhook(server, '/v'))
    const { metadata } = (await create('a', { size: 5 })).json()
    expect(server.asked.map(({ path, apiVersion }) => [path, apiVersion])).toEqual([
      ['/m?timeout=10s', 'admission.k8s.io/v1'],
      ['/v?timeout=10s', 'admission.k8s.io/v1'],
    ])
    const [first, second] = server.asked.map(({ request }) => request)
    expect(first).toMatchObject({
      kind: { group: 'example.com', version: 'v1', kind: 'Widget' },
      requestKind: { group: 'example.com', version: 'v1', kind: 'Widget' },
      resource: { group: 'example.com', version: 'v1', resource: 'widgets' },
      requestResource: { group: 'example.com', version: 'v1', resource: 'widgets' },
      name: 'a',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    })
    expect(first!.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(second!.uid).not.toBe(first!.uid)
    expect(first!.object).toMatchObject({ kind: 'Widget', spec: { size: 5 } })
    for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation']) {
      expect(first!.object!.metadata).not.toHaveProperty(field)
    }
    expect(second!.object!.metadata).toMatchObject({ uid: metadata.uid, generation: 1 })
    expect(second!.object!.metadata).not.toHaveProperty('resourceVersion')
  })

  test('of a name that is yet to be made', async () => {
    await configure('Mutating', 'm', webhook(server, '/m'))
    await configure('Validating', 'v', webhook(server, '/v'))
    const { metadata } = (await create('', {}, { name: undefined, generateName: 'w-' })).json()
    const [first, second] = server.asked.map(({ request }) => request)
    expect(first).not.toHaveProperty('name')
    expect(first!.object!.metadata).toMatchObject({ generateName: 'w-' })
    expect(first!.object!.metadata).not.toHaveProperty('name')
    expect([second!.name, second!.object!.metadata.name]).toEqual([metadata.name, metadata.name])
  })

  test('of an update, a status and a deletion', async () => {
    await create('a', { size: 5 })
    await configure('Validating', 'v', webhook(server, '/v'))
    await patch('a', { spec: { size: 6 } })
    await patch('a', { status: { phase: 'p' } }, '/status')
    await cluster.send('DELETE', `${W}/a`, { body: { propagationPolicy: 'Background', gracePeriodSeconds: 0 } })
    const [update, status, deletion] = server.asked.map(({ request }) => request)
    expect(update).toMatchObject({
      operation: 'UPDATE',
      object: { spec: { size: 6 }, metadata: { generation: 2 } },
      oldObject: { spec: { size: 5 } },
      options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' },
    })
    expect(update).not.toHaveProperty('subResource')
    expect(status).toMatchObject({ operation: 'UPDATE', subResource: 'status', object: { status: { phase: 'p' } } })
    expect(deletion).toMatchObject({
      operation: 'DELETE',
      object: null,
      oldObject: { spec: { size: 6 } },
      options: { kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds: 0 },
    })
  })

  test('in the older version, if it knows no other', async () => {
    reviewer = () => ({ allowed: true, uid: 'older ones were not checked' })
    await configure('Validating', 'v', webhook(server, '/v', { admissionReviewVersions: ['v9', 'v1beta1'] }))
    expect((await create('a')).code).toBe(201)
    expect(server.asked[0]!.apiVersion).toBe('admission.k8s.io/v1beta1')
  })

  test('of each object of a collection, in one request', async () => {
    await create('a')
    await create('b')
    await configure('Validating', 'v', webhook(server, '/v'))
    await cluster.send('DELETE', W)
    expect(server.asked.map(({ request }) => [request.operation, request.name])).toEqual([
      ['DELETE', 'a'],
      ['DELETE', 'b'],
    ])
  })
})

describe('a mutating webhook', () => {
  test('changes what is stored; unknown fields go, and defaults come', async () => {
    reviewer = (request) =>
      patching(
        { op: 'add', path: '/metadata/labels', value: { by: 'webhook' } },
        { op: 'add', path: '/spec/unknown', value: 1 },
        { op: request.operation === 'CREATE' ? 'add' : 'replace', path: '/spec/mode', value: 'A' },
      )
    await configure('Mutating', 'm', webhook(server, '/m'))
    const created = (await create('a', { name: 'x' })).json()
    expect(created).toMatchObject({
      metadata: { name: 'a', labels: { by: 'webhook' }, generation: 1 },
      spec: { name: 'x', mode: 'A', size: 3 },
    })
    expect(created.spec).not.toHaveProperty('unknown')
    expect(await stored('a')).toEqual(created)
    const updated = (await patch('a', { spec: { size: 7, mode: 'B' }, metadata: { labels: null } })).json()
    expect(updated).toMatchObject({
      metadata: { labels: { by: 'webhook' }, generation: 2 },
      spec: { size: 7, mode: 'A' },
    })
  })

  test('writes nothing that its endpoint does not write', async () => {
    reviewer = (request) =>
      request.subResource === 'status'
        ? patching(
            { op: 'add', path: '/spec/size', value: 50 },
            { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
            { op: 'add', path: '/status/count', value: 1 },
          )
        : patching({ op: 'add', path: '/status', value: { phase: 'forged' } })
    await configure('Mutating', 'm', webhook(server, '/m'))
    expect((await create('a')).json()).not.toHaveProperty('status')
    const { spec, status, metadata } = (await patch('a', { status: { phase: 'p' } }, '/status')).json()
    expect([spec, status, metadata.labels]).toEqual([{ size: 3 }, { phase: 'p', count: 1 }, undefined])
  })

  test('cannot take the fields it sets from their owner, nor forge owners or identity', async () => {
    reviewer = () =>
      patching(
        { op: 'replace', path: '/metadata/managedFields', value: [] },
        { op: 'add', path: '/metadata/uid', value: 'forged' },
        { op: 'add', path: '/spec/mode', value: 'B' },
      )
    await configure('Mutating', 'm', webhook(server, '/m'))
    const { metadata } = (await create('a', { size: 5 })).json()
    expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(metadata.managedFields).toMatchObject([{ manager: 'tester', fieldsV1: { 'f:spec': { 'f:size': {} } } }])
  })

  test('may name the object that has only a prefix', async () => {
    reviewer = () => patching({ op: 'add', path: '/metadata/name', value: 'chosen' })
    await configure('Mutating', 'm', webhook(server, '/m'))
    expect((await create('', {}, { name: undefined, generateName: 'w-' })).json().metadata.name).toBe('chosen')
  })

  test('makes something invalid: the write is refused', async () => {
    reviewer = () => patching({ op: 'add', path: '/spec/size', value: 1000 })
    await configure('Mutating', 'm', webhook(server, '/m'))
    expect((await create('a')).code).toBe(422)
  })

  test('repairs something invalid: the write is accepted', async () => {
    reviewer = () => patching({ op: 'replace', path: '/spec/size', value: 100 })
    await configure('Mutating', 'm', webhook(server, '/m'))
    expect((await create('a', { size: 1000 })).json().spec).toEqual({ size: 100 })
  })

  test('that is denied lets nothing through, but warns', async () => {
    reviewer = () => ({
      allowed: false,
      warnings: ['look out'],
      status: { message: 'not today', code: 403, reason: 'Forbidden' },
    })
    await configure('Mutating', 'm', webhook(server, '/m'))
    const answer = await create('a')
    expect(refusal(answer)).toEqual([403, 'admission webhook "m.example.com" denied the request: not today'])
    expect(statusOf(answer).reason).toBe('Forbidden')
    expect(answer.headers['warning']).toBe('299 - "look out"')
    expect((await cluster.send('GET', `${W}/a`)).code).toBe(404)
  })

  test('sees what those before it did; names of configurations decide who is first', async () => {
    reviewer = ({ object }, _response, path) =>
      patching({ op: 'add', path: '/metadata/labels', value: { ...object!.metadata.labels, [path.slice(1)]: 'x' } })
    await configure('Mutating', 'b', webhook(server, '/third'))
    await configure('Mutating', 'a', webhook(server, '/first'), webhook(server, '/second'))
    const { metadata } = (await create('a')).json()
    expect(server.asked.map(({ path }) => path.replace(/\?.*/, ''))).toEqual(['/first', '/second', '/third'])
    expect(Object.keys(metadata.labels ?? {})).toEqual(['first', 'second', 'third'])
  })

  test.each([
    [true, ['/a', '/never', '/b', '/a', '/b']],
    [false, ['/a', '/never', '/b', '/a']],
  ])('is asked again, once, when a later one changes the object (and changes it: %s)', async (changes, order) => {
    reviewer = (_request, _response, path) => {
      const times = changes ? server.asked.filter((asked) => asked.path.startsWith(path)).length : 1
      return patching({
        op: 'add',
        path: `/spec/${path === '/a' ? 'size' : 'mode'}`,
        value: path === '/a' ? times : 'A',
      })
    }
    await configure(
      'Mutating',
      'm',
      webhook(server, '/a', { reinvocationPolicy: 'IfNeeded' }),
      webhook(server, '/never'),
      webhook(server, '/b', { reinvocationPolicy: 'IfNeeded' }),
    )
    const { spec } = (await create('w')).json()
    expect(server.asked.map(({ path }) => path.replace(/\?.*/, ''))).toEqual(order)
    expect(spec).toEqual({ size: changes ? 2 : 1, mode: 'A' })
  })

  test('is not asked again when nothing changed after it', async () => {
    reviewer = (_request, _response, path) =>
      path === '/a' ? patching({ op: 'add', path: '/spec/size', value: 9 }) : { allowed: true }
    await configure(
      'Mutating',
      'm',
      webhook(server, '/a', { reinvocationPolicy: 'IfNeeded' }),
      webhook(server, '/b', { reinvocationPolicy: 'IfNeeded' }),
    )
    await create('w')
    expect(server.asked).toHaveLength(2)
  })

  test('that changes nothing leaves no trace', async () => {
    reviewer = () => patching()
    await configure('Mutating', 'm', webhook(server, '/m'))
    const before = (await create('a', { size: 5 })).json()
    reviewer = () => patching({ op: 'test', path: '/spec/size', value: 5 })
    expect((await patch('a', { spec: { size: 5 } })).json()).toEqual(before)
  })

  test.each<[string, object, string]>([
    [
      'a patch that does not fit',
      patching({ op: 'replace', path: '/spec/none/x', value: 1 }),
      'there is nothing at this path',
    ],
    ['a patch that is none', patching({ op: 'jump', path: '/spec' }), 'unknown "op" "jump"'],
    [
      'a patch that is no JSON',
      { allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') },
      'Internal error occurred: ',
    ],
    ['another object', patching({ op: 'replace', path: '/kind', value: 'Gadget' }), 'attempted to make a Gadget'],
    ['no object', patching({ op: 'replace', path: '', value: 1 }), 'the body is not an object'],
    [
      'another type of patch',
      { ...patching({ op: 'test', path: '/kind', value: 'Widget' }), patchType: 'MergePatch' },
      'failed calling webhook "m.example.com": unsupported patch type "MergePatch"',
    ],
    [
      'a patch of no type',
      { allowed: true, patch: 'W10=' },
      'received invalid webhook response: webhook returned response.patch but not response.patchType',
    ],
    [
      'a type of no patch',
      { allowed: true, patchType: 'JSONPatch' },
      'received invalid webhook response: webhook returned response.patchType but not response.patch',
    ],
    ['an empty type', { allowed: true, patchType: '', patch: 'W10=' }, 'invalid response.patchType of ""'],
  ])('answers %s: an internal error', async (_, response, why) => {
    reviewer = () => response
    await configure('Mutating', 'm', webhook(server, '/m'))
    const [code, message] = refusal(await create('a'))
    expect(code).toBe(500)
    expect(message).toContain(why)
  })

  test('cannot change a deletion', async () => {
    await create('a')
    reviewer = () => patching({ op: 'add', path: '/spec', value: {} })
    await configure('Mutating', 'm', webhook(server, '/m'))
    expect(refusal(await cluster.send('DELETE', `${W}/a`))).toEqual([
      500,
      'Internal error occurred: admission webhook "m.example.com" attempted to modify the object, which is not supported for this operation',
    ])
  })
})

describe('a validating webhook', () => {
  test.each<[object, number, string]>([
    [{ message: 'because', code: 422, reason: 'Invalid' }, 422, 'denied the request: because'],
    [{ reason: 'Forbidden', code: 403 }, 403, 'denied the request: Forbidden'],
    [{}, 400, 'denied the request without explanation'],
    [{ code: 200, message: 'no' }, 400, 'denied the request: no'],
  ])('denies with %j', async (status, code, words) => {
    reviewer = () => ({ allowed: false, status })
    await configure('Validating', 'v', webhook(server, '/v'))
    expect(refusal(await create('a'))).toEqual([code, `admission webhook "v.example.com" ${words}`])
  })

  test('may warn', async () => {
    reviewer = () => ({ allowed: true, warnings: ['one', 'two'] })
    await configure('Validating', 'v', webhook(server, '/v'))
    const answer = await create('a')
    expect([answer.code, answer.headers['warning']]).toEqual([201, '299 - "one", 299 - "two"'])
  })

  test('of several, the first in order is heard, however late it answers', async () => {
    let release = (): void => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    reviewer = async (_request, _response, path) => {
      if (path === '/first') await slow
      else release()
      return { allowed: false, warnings: [path], status: { message: path } }
    }
    await configure('Validating', 'v', webhook(server, '/first'), webhook(server, '/second'))
    const answer = await create('a')
    expect(statusOf(answer).message).toBe('admission webhook "first.example.com" denied the request: /first')
    expect(answer.headers['warning']).toBe('299 - "/first"')
  })

  test.each<[string, object, string]>([
    ['another uid', { allowed: true, uid: 'x' }, 'expected response.uid="'],
    ['a patch', patching({ op: 'test', path: '', value: 1 }), 'validating webhook may not return response.patch'],
    ['a patch type', { allowed: true, patchType: 'JSONPatch' }, 'validating webhook may not return response.patchType'],
  ])('answers %s: an internal error', async (_, response, why) => {
    reviewer = () => response
    await configure('Validating', 'v', webhook(server, '/v'))
    const [code, message] = refusal(await create('a'))
    expect(code).toBe(500)
    expect(message).toContain(
      `Internal error occurred: failed calling webhook "v.example.com": received invalid webhook response: ${why}`,
    )
  })

  test('holds for a deletion too', async () => {
    await create('a')
    reviewer = () => ({ allowed: false, status: { message: 'keep it' } })
    await configure('Validating', 'v', webhook(server, '/v'))
    expect(refusal(await cluster.send('DELETE', `${W}/a`))[1]).toContain('denied the request: keep it')
    expect((await stored('a')).metadata.name).toBe('a')
  })
})

describe('a webhook that cannot be asked', () => {
  const unreachable = async (failurePolicy: string, members: object = {}): Promise<RawAnswer> => {
    await configure('Validating', 'v', webhook(server, '/v', { failurePolicy, timeoutSeconds: 1, ...members }))
    return create('a')
  }

  const answering = (code: number, body: string): Reviewer => {
    return (_request, response) => {
      response.statusCode = code
      response.end(body)
      return undefined
    }
  }

  test.each<[string, Reviewer, string]>([
    ['never answers', () => undefined, '?timeout=1s": context deadline exceeded'],
    ['hangs up', (_request, response) => void response.destroy(), '?timeout=1s": EOF'],
    ['answers garbage', answering(200, '<html>'), "couldn't get version/kind; json parse error"],
    ['fails', answering(500, 'oh no'), 'an error on the server ("oh no") has prevented the request from succeeding'],
    ['is not there', answering(404, ''), 'the server could not find the requested resource'],
    ['knows us not', answering(401, ''), 'the server has asked for the client to provide credentials'],
    ['understands us not', answering(400, ''), 'the server rejected our request for an unknown reason'],
    ['sends us on', answering(302, ''), 'the server rejected our request for an unknown reason'],
    ['answers too much', answering(200, 'x'.repeat(9 * 1024 * 1024)), 'is larger than the 8388608 bytes'],
    ['answers something else', answering(200, '{}'), 'webhook response was absent'],
  ])('because it %s', async (_, broken, why) => {
    reviewer = broken
    const answer = await unreachable('Fail')
    expect(statusOf(answer).message).toContain('Internal error occurred: failed calling webhook "v.example.com": ')
    expect(statusOf(answer).message).toContain(why)
    expect([answer.code, statusOf(answer).reason]).toEqual([500, 'InternalError'])
    await cluster.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/v`)
  })

  test('does not matter if its failure is to be ignored', async () => {
    reviewer = answering(500, '')
    await configure('Mutating', 'm', webhook(server, '/m', { failurePolicy: 'Ignore' }))
    expect((await unreachable('Ignore')).code).toBe(201)
    expect(server.asked).toHaveLength(2)
    reviewer = () => ({ allowed: false })
    expect((await create('b')).code).toBe(400)
  })

  test.each([
    ['Mutating', 'Mutating'],
    ['Mutating', 'Validating'],
  ] as const)('does matter once the write has no more time: %s, then %s', async (first, second) => {
    const slow = (name: string): object => webhook(server, `/${name}`, { failurePolicy: 'Ignore' })
    await configure(first, 'a', slow('a'))
    await configure(second, 'b', slow('b'))
    let now = cluster.clock.now()
    const clock = vi.spyOn(cluster.clock, 'now').mockImplementation(() => now)
    let seconds = 20
    reviewer = (request, response, ...rest) => {
      now += seconds * 1000
      return answering(500, '')(request, response, ...rest)
    }
    const [code, message] = refusal(await create('a'))
    expect(code).toBe(504)
    expect(message).toBe('Timeout: request did not complete within requested timeout - context deadline exceeded')
    seconds = 16
    expect((await create('a')).code).toBe(201)
    clock.mockRestore()
  })

  test('because it takes the connection and says nothing', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v`
    const started = process.hrtime.bigint()
    const answer = await unreachable('Fail', { clientConfig: { url } })
    expect(statusOf(answer).message).toContain('?timeout=1s": context deadline exceeded')
    // Ten seconds is what a connection may take.
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(8)
    silent.close()
  })

  test('because nobody listens', async () => {
    const gone = await startWebhooks(() => ({ allowed: true }))
    await gone[Symbol.asyncDispose]()
    const { host } = new URL(gone.url)
    const clientConfig = { url: `${gone.url}/v`, caBundle: gone.caBundle }
    expect(refusal(await unreachable('Fail', { clientConfig }))).toEqual([
      500,
      `Internal error occurred: failed calling webhook "v.example.com": failed to call webhook: Post "${gone.url}/v?timeout=1s": dial tcp ${host}: connect: connection refused`,
    ])
  })

  test('because it is not who it should be', async () => {
    await using other = await startWebhooks(() => ({ allowed: true }))
    const clientConfig = { url: `${server.url}/v`, caBundle: other.caBundle }
    expect(refusal(await unreachable('Fail', { clientConfig }))[1]).toContain(
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    )
    expect(server.asked).toHaveLength(0)
  })

  test('because its certificate is for another name', async () => {
    await using other = await startWebhooks(() => ({ allowed: true }), ['elsewhere.example'])
    const clientConfig = { url: `${other.url}/v`, caBundle: other.caBundle }
    expect(refusal(await unreachable('Fail', { clientConfig }))[1]).toContain(
      'x509: certificate is not valid for 127.0.0.1',
    )
  })
})

describe('a webhook that is a service', () => {
  const service = { namespace: 'hooks', name: 'checker', path: '/v' }

  test('is found by the resolver, and must have the name of the service', async () => {
    await using named = await startWebhooks(
      () => ({ allowed: false, status: { message: 'seen' } }),
      ['checker.hooks.svc'],
    )
    const questions: object[] = []
    cluster = await openTestCluster({
      serviceResolver: (question) => {
        questions.push(question)
        return question.port === 8443 ? named.url : server.url
      },
    })
    const clientConfig = { service: { ...service, port: 8443 }, caBundle: named.caBundle }
    await configure('Validating', 'v', webhook(server, '/v', { clientConfig }))
    expect(refusal(await create('a'))[1]).toContain('denied the request: seen')
    expect(questions).toEqual([{ cluster: 'hub', namespace: 'hooks', name: 'checker', port: 8443 }])
    const other = { service, caBundle: server.caBundle }
    await configure('Validating', 'a', webhook(server, '/v', { clientConfig: other }))
    expect(refusal(await create('a'))[1]).toContain('x509: certificate is not valid for checker.hooks.svc')
  })

  test('cannot be asked without one', async () => {
    const clientConfig = { service, caBundle: server.caBundle }
    await configure('Validating', 'v', webhook(server, '/v', { clientConfig }))
    const [, message] = refusal(await create('a'))
    expect(message).toContain('Post "https://checker.hooks.svc:443/v": it is not known where the service "checker"')
  })
})

describe('a dry run', () => {
  test('is told', async () => {
    await configure('Validating', 'v', webhook(server, '/v', { sideEffects: 'NoneOnDryRun' }))
    expect((await cluster.send('POST', `${W}?dryRun=All`, { body: widget('a') })).code).toBe(201)
    expect(server.asked[0]!.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } })
    expect((await cluster.send('GET', `${W}/a`)).code).toBe(404)
  })
})

describe('which writes', () => {
  const asks = async (members: object, write: () => Promise<unknown>): Promise<number> => {
    await configure('Validating', 'v', webhook(server, '/v', members))
    await write()
    return server.asked.length
  }
  const rule = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }
  const post = (path: string, body: object): Promise<RawAnswer> => cluster.send('POST', path, { body })

  test.each<[object, number]>([
    [{}, 1],
    [{ operations: ['UPDATE', 'DELETE'] }, 0],
    [{ operations: ['UPDATE', 'CREATE'] }, 1],
    [{ apiGroups: [''] }, 0],
    [{ apiGroups: ['', 'example.com'] }, 1],
    [{ apiVersions: ['v1'] }, 1],
    [{ apiVersions: ['v2'] }, 0],
    [{ resources: ['widgets'] }, 1],
    [{ resources: ['widgets/*'] }, 1],
    [{ resources: ['widgets/status'] }, 0],
    [{ resources: ['*/*'] }, 1],
    [{ resources: ['gadgets'] }, 0],
    [{ scope: 'Namespaced' }, 1],
    [{ scope: 'Cluster' }, 0],
  ])('a rule with %j', async (members, expected) => {
    expect(await asks({ rules: [{ ...rule, ...members }] }, () => create('a'))).toBe(expected)
  })

  test.each<[object, number]>([
    [{ resources: ['widgets/status'] }, 1],
    [{ resources: ['widgets'] }, 0],
    [{ resources: ['*'] }, 0],
    [{ resources: ['*/status'] }, 1],
    [{ resources: ['widgets/*'] }, 1],
  ])('a status, by a rule with %j', async (members, expected) => {
    await create('a')
    const write = () => patch('a', { status: { phase: 'p' } }, '/status')
    expect(await asks({ rules: [{ ...rule, ...members }] }, write)).toBe(expected)
  })

  test.each<[string, number]>([
    ['Namespaced', 0],
    ['Cluster', 1],
    ['*', 1],
  ])('a namespace, by the scope %s', async (scope, expected) => {
    const write = () => post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } })
    await asks({ rules: [{ ...rule, resources: ['namespaces'], scope }] }, write)
    expect(server.asked.map(({ request }) => [request.name, request.namespace])).toEqual(
      expected === 0 ? [] : [['n', 'n']],
    )
  })

  test('by labels of the namespace', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n', labels: { tier: 'gold' } } }
    await post('/api/v1/namespaces', namespace)
    const members = { rules: [rule], namespaceSelector: { matchLabels: { tier: 'gold' } } }
    await asks(members, () => create('a'))
    await post('/api/v1/namespaces/n/configmaps', map)
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' } }
    await post('/apis/example.com/v1/gadgets', gadget)
    const other = { ...namespace, metadata: { name: 'o' } }
    await post('/api/v1/namespaces', other)
    await post('/api/v1/namespaces', { ...other, metadata: { name: 'p', labels: { tier: 'gold' } } })
    expect(server.asked.map(({ request }) => `${request.kind.kind} ${request.name}`)).toEqual([
      'ConfigMap m',
      'Gadget g',
      'Namespace p',
    ])
  })

  test('by labels of the object, before or after', async () => {
    await create('a', {}, { labels: { x: 'y' } })
    await create('b')
    const members = { objectSelector: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } }
    await asks(members, () => patch('a', { metadata: { labels: null } }))
    await patch('a', { spec: { size: 9 } })
    await patch('b', { metadata: { labels: { x: 'z' } } })
    await cluster.send('DELETE', `${W}/b`)
    expect(server.asked.map(({ request }) => `${request.operation} ${request.name}`)).toEqual([
      'UPDATE a',
      'UPDATE b',
      'DELETE b',
    ])
  })

  test('never those of the configurations themselves', async () => {
    const all = { rules: [{ ...rule, resources: ['*/*'] }] }
    reviewer = () => ({ allowed: false })
    await asks(all, () => configure('Mutating', 'm', webhook(server, '/m', all)))
    expect(server.asked).toHaveLength(0)
    await cluster.send('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/m`)
    expect((await cluster.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/v`)).code).toBe(200)
    expect((await create('a')).code).toBe(201)
  })

  test('in another version of the same resource, if equivalent ones count', async () => {
    const versions = ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      subresources: { status: {} },
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    }))
    const things = { ...widgets, plural: 'things', kind: 'Thing' }
    const crd = definition(things, {})
    await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { ...crd, spec: { ...crd.spec, versions } })
    const rules = [{ ...rule, apiGroups: ['example.com'], apiVersions: ['v2'], resources: ['things'] }]
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec: { a: 1 } }
    await configure('Validating', 'exact', webhook(server, '/exact', { rules, matchPolicy: 'Exact' }))
    reviewer = () => patching({ op: 'add', path: '/spec/b', value: 2 })
    await configure('Mutating', 'equivalent', webhook(server, '/equivalent', { rules }))
    const created = await post('/apis/example.com/v1/namespaces/default/things', thing)
    expect(created.json()).toMatchObject({ apiVersion: 'example.com/v1', spec: { a: 1, b: 2 } })
    expect(server.asked).toHaveLength(1)
    expect(server.asked[0]!.request).toMatchObject({
      kind: { version: 'v2', kind: 'Thing' },
      requestKind: { version: 'v1', kind: 'Thing' },
      resource: { version: 'v2', resource: 'things' },
      requestResource: { version: 'v1', resource: 'things' },
      object: { apiVersion: 'example.com/v2', spec: { a: 1 } },
    })
  })
})

describe('while a webhook thinks', () => {
  test('another write comes in: a patch is applied again', async () => {
    await create('a', { size: 1 })
    const sizes: unknown[] = []
    reviewer = async ({ object }) => {
      sizes.push(object?.spec)
      if (sizes.length === 1) await patch('a', { spec: { mode: 'B' } })
      return { allowed: true }
    }
    await configure('Validating', 'v', webhook(server, '/v'))
    const answer = await patch('a', { spec: { size: 2 } })
    expect(answer.json().spec).toEqual({ size: 2, mode: 'B' })
    expect(sizes).toEqual([{ size: 2 }, { size: 1, mode: 'B' }, { size: 2, mode: 'B' }])
  })

  test('it keeps happening: the sixth time is a conflict', async () => {
    const live = (await create('a', { size: 1 })).json()
    let others = 0
    reviewer = async ({ object }) => {
      if (object?.spec?.['mode'] === 'B')
        await cluster.send('PUT', `${W}/a/status`, {
          body: { ...live, metadata: { ...(await stored('a')).metadata }, status: { count: ++others } },
        })
      return { allowed: true }
    }
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['widgets'] }]
    await configure('Validating', 'v', webhook(server, '/v', { rules }))
    expect(refusal(await patch('a', { spec: { mode: 'B' } }))).toEqual([
      409,
      'Operation cannot be fulfilled on widgets.example.com "a": the object has been modified; please apply your changes to the latest version and try again',
    ])
    expect(others).toBe(6)
  })

  test('an update of a version that is gone by then is a conflict', async () => {
    const live = (await create('a', { size: 1 })).json()
    let first = true
    reviewer = async () => {
      if (first) {
        first = false
        await patch('a', { spec: { mode: 'B' } })
      }
      return { allowed: true }
    }
    await configure('Validating', 'v', webhook(server, '/v'))
    expect((await cluster.send('PUT', `${W}/a`, { body: { ...live, spec: { size: 2 } } })).code).toBe(409)
  })

  test('somebody else creates the object: it exists, but an apply goes on with it', async () => {
    const racing: Reviewer = async ({ name, operation, userInfo }) => {
      if (operation === 'CREATE' && userInfo.username === 'slow') await create(name!, { mode: 'A' })
      return { allowed: true }
    }
    reviewer = racing
    await configure('Validating', 'v', webhook(server, '/v'))
    const user = { name: 'slow', groups: ['system:masters'] }
    expect((await cluster.send('POST', W, { body: widget('a'), user })).code).toBe(409)
    const applied = await cluster.send('PATCH', `${W}/b?fieldManager=m`, {
      body: widget('b', { size: 7 }),
      type: 'application/apply-patch+yaml',
      user,
    })
    expect([applied.code, applied.json().spec]).toEqual([409, undefined])
    const forced = await cluster.send('PATCH', `${W}/c?fieldManager=m`, {
      body: widget('c', { name: 'x' }),
      type: 'application/apply-patch+yaml',
      user,
    })
    expect([forced.code, forced.json().spec]).toEqual([200, { size: 3, mode: 'A', name: 'x' }])
  })

  test('the namespace begins to go away: nothing new is created in it', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } }
    await cluster.send('POST', '/api/v1/namespaces', { body: namespace })
    reviewer = async () => {
      await cluster.send('DELETE', '/api/v1/namespaces/n')
      return { allowed: true }
    }
    await configure('Validating', 'v', webhook(server, '/v'))
    const path = '/apis/example.com/v1/namespaces/n/widgets'
    const answer = await cluster.send('POST', path, { body: widget('a', {}, { namespace: 'n' }) })
    expect([403, 404]).toContain(answer.code)
  })
})
