import { beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from '../testing/test-cluster.ts'
import type { UserInfo } from '../user.ts'
import type { PolicyRule } from './policy-rules.ts'

const group = 'rbac.authorization.k8s.io'
const apiVersion = `${group}/v1`
const ROLES = `/apis/${apiVersion}/clusterroles`
const BINDINGS = `/apis/${apiVersion}/clusterrolebindings`
const LOCAL = `/apis/${apiVersion}/namespaces/default`
const bob: UserInfo = { name: 'bob', groups: ['devs'] }

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

function create(user: UserInfo | undefined, path: string, object: object): Promise<RawAnswer> {
  return cluster.send('POST', path, { body: { apiVersion, ...object }, ...(user === undefined ? {} : { user }) })
}

function role(name: string, rules: readonly PolicyRule[], more: object = {}): object {
  return { kind: 'ClusterRole', metadata: { name, ...more }, rules }
}

function binding(name: string, roleName: string, subject: string = 'bob', kind: string = 'ClusterRoleBinding'): object {
  return {
    kind,
    metadata: { name },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: roleName },
    subjects: [{ apiGroup: group, kind: 'User', name: subject }],
  }
}

/** Gives bob these rights everywhere, and the one to write roles and bindings. */
async function grant(...rules: readonly PolicyRule[]): Promise<void> {
  const writing = { apiGroups: [group], resources: ['*'], verbs: ['create', 'update', 'patch', 'get'] }
  expect((await create(undefined, ROLES, role('granted', [writing, ...rules]))).code).toBe(201)
  expect((await create(undefined, BINDINGS, binding('granted', 'granted'))).code).toBe(201)
}

const readPods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }

describe('nobody gives away what he does not have', () => {
  test('with a role: the missing rights are named', async () => {
    await grant(readPods)
    expect((await create(bob, ROLES, role('same', [readPods]))).code).toBe(201)
    expect(
      (await create(bob, ROLES, role('narrower', [{ ...readPods, resourceNames: ['a'], verbs: ['get'] }]))).code,
    ).toBe(201)
    const answer = await create(
      bob,
      ROLES,
      role('more', [
        { apiGroups: ['', 'apps'], resources: ['pods', 'pods/log'], verbs: ['get', 'delete'] },
        { nonResourceURLs: ['/metrics'], verbs: ['get'] },
      ]),
    )
    expect(answer.code).toBe(403)
    expect(statusOf(answer).message).toBe(
      [
        `clusterroles.${group} "more" is forbidden: user "bob" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:`,
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["get" "delete"]}',
        '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "delete"]}',
        '{APIGroups:["apps"], Resources:["pods/log"], Verbs:["get" "delete"]}',
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
      ].join('\n'),
    )
    expect((await cluster.send('GET', `${ROLES}/more`)).code).toBe(404)
  })

  test('with wildcards, for named objects only, or by an update, a patch or an apply', async () => {
    await grant({ ...readPods, resourceNames: ['a'] })
    for (const rule of [
      { apiGroups: ['*'], resources: ['pods'], verbs: ['get'], resourceNames: ['a'] },
      { apiGroups: [''], resources: ['*'], verbs: ['get'], resourceNames: ['a'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['*'], resourceNames: ['a'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'], resourceNames: ['a', 'b'] },
    ]) {
      expect((await create(bob, ROLES, role('r', [rule]))).code).toBe(403)
    }
    expect((await create(bob, ROLES, role('r', []))).code).toBe(201)
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
    const live = (await cluster.send('GET', `${ROLES}/r`)).json()
    const path = `${ROLES}/r?fieldManager=m`
    expect((await cluster.send('PUT', path, { user: bob, body: { ...live, rules } })).code).toBe(403)
    for (const [type, suffix] of [
      ['application/merge-patch+json', ''],
      ['application/apply-patch+yaml', '&force=true'],
    ] as const) {
      const answer = await cluster.send('PATCH', `${path}${suffix}`, {
        user: bob,
        type,
        body: { apiVersion, ...role('r', rules) },
      })
      expect(answer.code).toBe(403)
    }
  })

  test('with a binding, be it to a role that he may not even see', async () => {
    await grant(readPods)
    await create(undefined, ROLES, role('readers', [readPods]))
    expect((await create(bob, BINDINGS, binding('ok', 'readers', 'eve'))).code).toBe(201)
    const refused = await create(bob, BINDINGS, binding('b', 'cluster-admin'))
    expect([refused.code, statusOf(refused).message]).toEqual([
      403,
      expect.stringContaining('{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}'),
    ])
    expect((await create(bob, `${LOCAL}/rolebindings`, binding('b', 'edit', 'bob', 'RoleBinding'))).code).toBe(403)
    const missing = await create(bob, BINDINGS, binding('b', 'none'))
    expect([missing.code, statusOf(missing).message]).toEqual([404, `clusterroles.${group} "none" not found`])
    const live = (await cluster.send('GET', `${BINDINGS}/ok`)).json()
    const body = { ...live, roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' } }
    expect((await cluster.send('PUT', `${BINDINGS}/ok`, { user: bob, body })).code).toBe(403)
  })

  test('rights in a namespace can be given in that namespace only', async () => {
    await create(
      undefined,
      ROLES,
      role('local', [readPods, { apiGroups: [group], resources: ['roles'], verbs: ['create'] }]),
    )
    await create(undefined, `${LOCAL}/rolebindings`, binding('b', 'local', 'bob', 'RoleBinding'))
    const own = { kind: 'Role', metadata: { name: 'r' }, rules: [readPods] }
    expect((await create(bob, `${LOCAL}/roles`, own)).code).toBe(201)
    expect((await create(bob, `${LOCAL.replace('default', 'kube-system')}/roles`, own)).code).toBe(403)
  })

  test('unless he may escalate, or bind the role of that name', async () => {
    await grant({ apiGroups: [group], resources: ['clusterroles'], resourceNames: ['r'], verbs: ['escalate'] })
    const all = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
    expect((await create(bob, ROLES, role('r', all))).code).toBe(201)
    expect((await create(bob, ROLES, role('s', all))).code).toBe(403)
    expect((await create(bob, BINDINGS, binding('b', 'r'))).code).toBe(403)
    await create(
      undefined,
      ROLES,
      role('binder', [{ apiGroups: [group], resources: ['clusterroles'], resourceNames: ['r'], verbs: ['bind'] }]),
    )
    await create(undefined, BINDINGS, binding('binder', 'binder'))
    expect((await create(bob, BINDINGS, binding('c', 'cluster-admin'))).code).toBe(403)
    expect((await create(bob, BINDINGS, binding('b', 'r'))).code).toBe(201)
    // Bound, the role holds for bob himself.
    expect((await create(bob, ROLES, role('s', all))).code).toBe(201)
  })

  test('an aggregation rule is for administrators', async () => {
    await grant(readPods)
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }
    const refused = await create(bob, ROLES, { ...role('a', []), aggregationRule })
    expect([refused.code, statusOf(refused).message]).toEqual([
      403,
      expect.stringContaining('must have cluster-admin privileges to use an aggregationRule'),
    ])
  })

  test('letting go of an object grants nothing', async () => {
    await grant()
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
    await create(undefined, ROLES, role('r', rules, { finalizers: ['example.com/a'] }))
    const patch = { type: 'application/merge-patch+json', user: bob }
    const relabel = { metadata: { labels: { a: 'b' }, finalizers: [] } }
    expect((await cluster.send('PATCH', `${ROLES}/r`, { ...patch, body: relabel })).code).toBe(403)
    expect((await cluster.send('PATCH', `${ROLES}/r`, { ...patch, body: { metadata: { finalizers: [] } } })).code).toBe(
      200,
    )
  })
})

describe('what a role or binding must say', () => {
  test.each([
    [{ verbs: [] }, 'rules[0].verbs: Required value: verbs must contain at least one value'],
    [
      { verbs: ['get'], resources: ['pods'] },
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    ],
    [
      { verbs: ['get'], apiGroups: [''] },
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ],
    [
      { verbs: ['get'], apiGroups: [''], nonResourceURLs: ['/a'] },
      'rules cannot apply to both regular resources and non-resource URLs',
    ],
  ])('%j', async (rule, message) => {
    const answer = await create(undefined, ROLES, role('r', [rule as PolicyRule]))
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining(message)])
  })

  test('a list where there is to be one', async () => {
    const rule = { verbs: 'get', apiGroups: [''], resources: ['a'] }
    const answer = await create(undefined, ROLES, role('r', [rule as unknown as PolicyRule]))
    expect([answer.code, statusOf(answer).message]).toEqual([
      400,
      expect.stringContaining('cannot unmarshal string into Go struct field PolicyRule.rules.verbs of type []string'),
    ])
  })

  test('a role of a namespace says nothing about paths', async () => {
    const rules = [{ verbs: ['get'], nonResourceURLs: ['/a'] }]
    const answer = await create(undefined, `${LOCAL}/roles`, { kind: 'Role', metadata: { name: 'r' }, rules })
    expect(statusOf(answer).message).toContain('namespaced rules cannot apply to non-resource URLs')
  })

  test('a binding has a role and whole subjects; API groups may be left out', async () => {
    const metadata = { name: 'b' }
    const short = {
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    }
    const made = (await create(undefined, BINDINGS, short)).json<
      Record<string, unknown> & { metadata: { name: string } }
    >()
    expect([made['roleRef'], made['subjects']]).toEqual([
      { kind: 'ClusterRole', name: 'view', apiGroup: group },
      [
        { kind: 'Group', name: 'g', apiGroup: group },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    ])
    for (const [change, field] of [
      [{ roleRef: { kind: 'Role', name: 'r' } }, 'roleRef.kind'],
      [{ roleRef: { kind: 'ClusterRole' } }, 'roleRef.name'],
      [{ subjects: [{ kind: 'Robot', name: 'r' }] }, 'subjects[0].kind'],
      [{ subjects: [{ kind: 'ServiceAccount', name: 'r' }] }, 'subjects[0].namespace'],
      [{ subjects: [{ kind: 'User' }] }, 'subjects[0].name'],
    ] as const) {
      const answer = await create(undefined, BINDINGS, { ...short, metadata: { name: 'c' }, ...change })
      expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining(field)])
    }
  })
})
