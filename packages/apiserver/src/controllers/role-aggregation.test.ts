import { clusterRoles } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

interface Role extends KubeObject {
  rules?: object[]
}

let cluster: TestCluster

beforeEach(async () => {
  cluster = await TestCluster.start()
})

afterEach(() => cluster.stop())

const rule = (resource: string): object => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
const gathering = (label: string): object => ({
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] },
})

async function rulesOf(name: string): Promise<object[] | undefined> {
  await cluster.settle()
  return ((await cluster.find(clusterRoles, name)) as Role).rules
}

test('a role gathers the rules of others by name, each once, and follows them', async () => {
  await cluster.create(clusterRoles, 'b', { labels: { x: 'true' } }, { rules: [rule('pods'), rule('nodes')] })
  await cluster.create(clusterRoles, 'all', {}, { ...gathering('x'), rules: [rule('lost')] })
  await cluster.create(clusterRoles, 'a', { labels: { x: 'true' } }, { rules: [rule('nodes')] })
  expect(await rulesOf('all')).toEqual([rule('nodes'), rule('pods')])
  const patch = (name: string, change: object): Promise<unknown> =>
    cluster.client.patch(clusterRoles, { name }, change, { type: 'merge' })
  await patch('a', { rules: [rule('secrets')] })
  expect(await rulesOf('all')).toEqual([rule('secrets'), rule('pods'), rule('nodes')])
  await patch('b', { metadata: { labels: { x: null } } })
  expect(await rulesOf('all')).toEqual([rule('secrets')])
  await cluster.client.delete(clusterRoles, { name: 'a' })
  expect(await rulesOf('all')).toBeNull()
})

test('gathered roles may gather themselves', async () => {
  await cluster.create(clusterRoles, 'top', {}, gathering('to-top'))
  await cluster.create(clusterRoles, 'middle', { labels: { 'to-top': 'true' } }, gathering('to-middle'))
  await cluster.create(clusterRoles, 'leaf', { labels: { 'to-middle': 'true' } }, { rules: [rule('pods')] })
  expect(await rulesOf('top')).toEqual([rule('pods')])
})

test('the roles of people have from the start what the controller would give them', async () => {
  const before = await Promise.all(['admin', 'edit', 'view'].map((name) => cluster.find(clusterRoles, name)))
  await cluster.settle()
  const after = await Promise.all(['admin', 'edit', 'view'].map((name) => cluster.find(clusterRoles, name)))
  expect(after).toEqual(before)
  const [admin, edit, view] = await Promise.all(['admin', 'edit', 'view'].map(rulesOf))
  expect(view!.length).toBeGreaterThan(5)
  expect(edit).toEqual(expect.arrayContaining(view!))
  expect(admin).toEqual(expect.arrayContaining(edit!))
  // An addition of somebody's own reaches all who work in namespaces.
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' }
  await cluster.create(clusterRoles, 'widget-viewer', { labels }, { rules: [rule('widgets')] })
  expect(await rulesOf('admin')).toContainEqual(rule('widgets'))
})
