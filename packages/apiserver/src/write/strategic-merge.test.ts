import type { Json } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { messageOf } from '../builtins/field-table.ts'
import { applyStrategicMergePatch } from './strategic-merge.ts'

const pod = messageOf('core/v1.PodSpec')
const deployment = messageOf('apps/v1.DeploymentSpec')
const service = messageOf('core/v1.ServiceSpec')
const meta = messageOf('meta/v1.ObjectMeta')

/** Containers, or volumes, of these names; what follows a colon is the image. */
function named(...items: string[]): Json[] {
  return items.map((item) => {
    const [name = '', image] = item.split(':')
    return image === undefined ? { name } : { name, image }
  })
}

const order = (...names: string[]): Json => names.map((name) => ({ name }))
const ORDER = '$setElementOrder/containers'

interface Case {
  readonly what: string
  readonly message?: ReturnType<typeof messageOf>
  readonly before: Json
  readonly patch: Json
  readonly after: Json
}

/** Facts of how Kubernetes merges; fields without a message are those of a pod. */
const cases: readonly Case[] = [
  {
    what: 'maps merge; null deletes, also what is not there',
    message: meta,
    before: { labels: { a: '1', b: '2' } },
    patch: { labels: { a: null, x: null, c: '3' }, annotations: { y: null, z: '1' } },
    after: { labels: { b: '2', c: '3' }, annotations: { z: '1' } },
  },
  {
    what: 'a map is replaced by directive',
    message: meta,
    before: { labels: { a: '1' } },
    patch: { labels: { $patch: 'replace', b: '2' } },
    after: { labels: { b: '2' } },
  },
  {
    what: 'a map is emptied by directive',
    before: { securityContext: { runAsUser: 1 } },
    patch: { securityContext: { $patch: 'delete' } },
    after: { securityContext: {} },
  },
  {
    what: 'a map keeps only the keys that are to stay',
    message: deployment,
    before: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    after: { strategy: { type: 'Recreate' } },
  },
  {
    what: 'a value of another type replaces',
    before: { affinity: 'none' },
    patch: { affinity: { nodeAffinity: { $patch: 'merge' } } },
    after: { affinity: { nodeAffinity: {} } },
  },
  {
    what: 'lists without a merge strategy are replaced',
    before: { tolerations: [{ key: 'a' }, { key: 'b' }] },
    patch: { tolerations: [{ key: 'c' }] },
    after: { tolerations: [{ key: 'c' }] },
  },
  {
    what: 'lists with one merge by the key of the field, not of its name',
    message: service,
    before: { ports: [{ port: 80, name: 'http' }] },
    patch: { ports: [{ port: 80, targetPort: 8080 }, { port: 443 }] },
    after: { ports: [{ port: 80, name: 'http', targetPort: 8080 }, { port: 443 }] },
  },
  {
    what: 'ports of containers have another key than those of services',
    before: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }] },
    patch: { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'UDP' }] }] },
    after: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http', protocol: 'UDP' }] }] },
  },
  {
    what: 'items merge, new ones are added',
    before: { containers: named('a:1', 'b:1') },
    patch: { containers: named('b:2', 'c') },
    after: { containers: named('a:1', 'b:2', 'c') },
  },
  {
    what: 'the items of a patch keep its order',
    before: { containers: named('a', 'b') },
    patch: { containers: named('c', 'b') },
    after: { containers: named('c', 'a', 'b') },
  },
  {
    what: 'items are deleted by directive, all that have the key',
    before: { containers: named('a:1', 'b', 'a:2') },
    patch: { containers: [{ name: 'a', $patch: 'delete' }] },
    after: { containers: named('b') },
  },
  {
    what: 'a list is replaced by directive',
    before: { containers: named('a', 'b') },
    patch: { containers: [{ $patch: 'replace' }, { name: 'z' }] },
    after: { containers: named('z') },
  },
  {
    what: 'volumes keep only the keys that are to stay',
    before: { volumes: [{ name: 'v', emptyDir: {} }] },
    patch: { volumes: [{ name: 'v', $retainKeys: ['name', 'secret'], secret: { secretName: 's' } }] },
    after: { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
  },
  {
    what: 'nested lists merge too',
    before: { containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] },
    patch: {
      containers: [
        {
          name: 'a',
          env: [
            { name: 'Y', value: '2' },
            { name: 'X', $patch: 'delete' },
          ],
        },
      ],
    },
    after: { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] },
  },
  {
    what: 'the order a client knows wins; what it does not know stays before whom it stood',
    before: { containers: named('a', 'server', 'b') },
    patch: { [ORDER]: order('new', 'b', 'a'), containers: named('new') },
    after: { containers: named('new', 'server', 'b', 'a') },
  },
  {
    what: 'an order alone changes nothing else',
    before: { containers: named('a:1', 'b:2') },
    patch: { [ORDER]: order('b', 'a') },
    after: { containers: named('b:2', 'a:1') },
  },
  {
    what: 'a new item takes the place of a deleted one',
    before: { containers: named('a', 'b', 'server') },
    patch: { [ORDER]: order('b', 'c'), containers: [{ name: 'c' }, { name: 'a', $patch: 'delete' }] },
    after: { containers: named('b', 'server', 'c') },
  },
  {
    what: 'plain values with a merge strategy are sets, and are taken out by directive',
    message: meta,
    before: { finalizers: ['a', 'b', 'server'] },
    patch: {
      '$setElementOrder/finalizers': ['c', 'b'],
      '$deleteFromPrimitiveList/finalizers': ['a'],
      finalizers: ['c'],
    },
    after: { finalizers: ['c', 'b', 'server'] },
  },
  {
    what: 'what is new comes without directives and nulls',
    before: {},
    patch: { volumes: [{ name: 'v', $retainKeys: ['name', 'emptyDir'], emptyDir: { medium: null } }] },
    after: { volumes: [{ name: 'v', emptyDir: {} }] },
  },
  {
    what: 'unknown fields are as good as plain ones',
    before: { extra: [{ name: 'a' }], __proto__: undefined } as unknown as Json,
    patch: { extra: [{ name: 'b' }] },
    after: { extra: [{ name: 'b' }] },
  },
]

describe('a strategic merge patch', () => {
  test.each(cases)('$what', ({ message = pod, before, patch, after }) => {
    const copy = structuredClone(before)
    expect(applyStrategicMergePatch(before, patch, message)).toEqual(after)
    expect(before).toEqual(copy)
  })

  test.each<[Json, string]>([
    [{ securityContext: { $patch: 'explode' } }, 'unknown patch type [explode] in map'],
    [{ containers: [{ name: 'a', $patch: 'explode' }] }, 'unknown patch type [explode] in list'],
    [{ containers: [{ name: 'a', $patch: 'merge' }] }, 'merging lists cannot yet be specified in the patch'],
    [{ containers: [{ image: 'x' }] }, 'map: {"image":"x"} does not contain declared merge key: name'],
    [{ securityContext: { $retainKeys: ['a'], runAsUser: 1 } }, 'invalid patch format of retainKeys'],
    [{ '$deleteFromPrimitiveList/finalizers': 'a' }, 'invalid patch format of primitive list'],
    [{ [ORDER]: 'a', containers: [] }, 'invalid patch format of setElementOrder list'],
  ])('%j makes no sense', (patch, message) => {
    expect(() => applyStrategicMergePatch({ securityContext: {}, containers: [] }, patch, pod)).toThrow(message)
  })
})
