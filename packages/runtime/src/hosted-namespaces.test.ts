import { Client, configMaps, namespaces, roleBindings, secrets } from '@locktender/kube'
import type { KubeObject, TransportRequest } from '@locktender/kube'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostedNamespaces, renameRequest, renameText } from './hosted-namespaces.ts'

/** A server that answers what a test tells it to. */
function setUp(mapping: Record<string, string>) {
  const asked: TransportRequest[] = []
  const answers: { status: number; lines: readonly unknown[] }[] = []
  const transport = {
    request(request: TransportRequest) {
      asked.push(request)
      const { status, lines } = answers.shift() ?? { status: 200, lines: [{}] }
      const body = async function* () {
        for (const line of lines) yield Buffer.from(`${JSON.stringify(line)}\n`)
      }
      return Promise.resolve({ status, headers: {}, body: body() })
    },
    close: () => Promise.resolve(),
  }
  return { asked, answers, client: hostedNamespaces(new Client({ transport }), mapping) }
}

const mapping = { 'openshift-authentication': 'clusters-a', 'openshift-oauth-apiserver': 'clusters-b' }

function object(kind: string, namespace: string | undefined, more: object = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'x', ...(namespace !== undefined && { namespace }) }, ...more }
}

describe('hostedNamespaces', () => {
  test('renames where a request goes, what it carries and what comes back', async () => {
    const { asked, answers, client } = setUp(mapping)
    const sent = object('RoleBinding', 'openshift-authentication', {
      subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'openshift-oauth-apiserver' }],
    })
    const stored = object('RoleBinding', 'clusters-a', {
      subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'clusters-b' }],
    })
    answers.push({ status: 201, lines: [stored] })
    expect(await client.create(roleBindings, sent)).toEqual(sent)
    expect(asked[0]!.path).toBe('/apis/rbac.authorization.k8s.io/v1/namespaces/clusters-a/rolebindings')
    expect(JSON.parse(String(asked[0]!.body))).toEqual(stored)
  })

  test('leaves text in ConfigMaps and annotations alone', async () => {
    const { asked, client } = setUp(mapping)
    const data = { namespace: 'openshift-authentication' }
    await client.create(configMaps, object('ConfigMap', 'openshift-authentication', { data }))
    expect(JSON.parse(String(asked[0]!.body))).toMatchObject({ metadata: { namespace: 'clusters-a' }, data })
  })

  test('hides what lies in namespaces that only have the name, in lists and in watches', async () => {
    const { answers, client } = setUp(mapping)
    const seen = (item: KubeObject) => item.metadata.namespace
    const all = ['clusters-a', 'openshift-authentication', 'other'].map((namespace) => object('Secret', namespace))
    answers.push({ status: 200, lines: [{ kind: 'SecretList', metadata: {}, items: all }] })
    expect((await client.list(secrets)).items.map(seen)).toEqual(['openshift-authentication', 'other'])
    answers.push({ status: 200, lines: all.map((item) => ({ type: 'ADDED', object: item })) })
    const events: unknown[] = []
    for await (const event of client.watch(secrets, { resourceVersion: '1' })) events.push(seen(event.object()))
    expect(events).toEqual(['openshift-authentication', 'other'])
  })

  test('renames namespaces themselves, how they are selected, and errors about them', async () => {
    const { asked, answers, client } = setUp(mapping)
    answers.push({ status: 200, lines: [{ kind: 'NamespaceList', metadata: {}, items: [] }] })
    await client.list(namespaces, { fieldSelector: 'metadata.name=openshift-authentication' })
    expect(decodeURIComponent(asked[0]!.path)).toBe('/api/v1/namespaces?fieldSelector=metadata.name=clusters-a')
    const details = { name: 'clusters-a', kind: 'namespaces' }
    const message = 'namespaces "clusters-a" not found'
    answers.push({ status: 404, lines: [{ kind: 'Status', status: 'Failure', code: 404, message, details }] })
    await expect(client.get(namespaces, 'openshift-authentication')).rejects.toThrow(
      'namespaces "openshift-authentication" not found',
    )
    expect(asked[1]!.path).toBe('/api/v1/namespaces/clusters-a')
  })

  test('refuses two names for one namespace', () => {
    expect(() => setUp({ a: 'x', b: 'x' })).toThrow('namespaces a and b are both mapped to x')
  })

  const names = ['a-one', 'a-two', 'b-one', 'b-two', 'neither']
  const there = new Map([
    ['a-one', 'b-one'],
    ['a-two', 'b-two'],
  ])
  const back = new Map([
    ['b-one', 'a-one'],
    ['b-two', 'a-two'],
  ])
  /** Names as controllers have them: those of the mapping's other side are not theirs. */
  const namespace = fc.constantFrom('a-one', 'a-two', 'neither')
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(...names, 1, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.record(
        {
          namespace,
          namespaces: fc.array(namespace, { maxLength: 3 }),
          kind: fc.constantFrom('Namespace', 'Secret'),
          name: namespace,
          metadata: fc.record({
            name: namespace,
            namespace,
            labels: fc.constant({ 'kubernetes.io/metadata.name': 'a-one' }),
          }),
          data: fc.dictionary(fc.string(), fc.constantFrom(...names)),
          spec: tie('value'),
        },
        { requiredKeys: [] },
      ),
    ),
  })).value

  test('back and forth is where it began: objects', () => {
    fc.assert(
      fc.property(value, (object) => {
        const text = JSON.stringify(object)
        expect(renameText(renameText(text, there), back)).toBe(text)
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('back and forth is where it began: requests', () => {
    const paths = fc
      .tuple(namespace, fc.constantFrom('/api/v1', '/apis/apps/v1'), fc.constantFrom('', '/x', '/x/status'))
      .map(([name, root, rest]) => `${root}/namespaces/${name}/widgets${rest}`)
    const queries = namespace.map((name) => `?fieldSelector=involvedObject.namespace%3D${name}`)
    fc.assert(
      fc.property(paths, fc.oneof(queries, fc.constant('')), value, (path, query, object) => {
        const request: TransportRequest = { method: 'POST', path: path + query, body: JSON.stringify(object) }
        const mapped = renameRequest(request, there)
        expect(mapped.path).not.toMatch(/a-(one|two)/)
        expect(renameRequest(mapped, back)).toEqual(request)
      }),
      { seed: 2 },
    )
  })
})
