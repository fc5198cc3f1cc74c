import { beforeEach, describe, expect, test } from 'vitest'
import { CM, openTestCluster, statusOf, W, widget } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'
import type { UserInfo } from '../user.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const apiVersion = 'rbac.authorization.k8s.io/v1'
const bob: UserInfo = { name: 'bob', groups: ['devs'] }

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

async function grant(
  rules: object[],
  namespace?: string,
  subject: object = { kind: 'User', name: 'bob' },
): Promise<void> {
  const [path, role, binding] =
    namespace === undefined
      ? [RBAC, 'ClusterRole', 'ClusterRoleBinding']
      : [`${RBAC}/namespaces/${namespace}`, 'Role', 'RoleBinding']
  const metadata = { name: 'r' }
  await cluster.send('POST', `${path}/${role!.toLowerCase()}s`, { body: { apiVersion, kind: role, metadata, rules } })
  await cluster.send('POST', `${path}/${binding!.toLowerCase()}s`, {
    body: {
      apiVersion,
      kind: binding,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: role, name: 'r' },
      subjects: [subject],
    },
  })
}

test('without a role everything is forbidden, in the words of Kubernetes', async () => {
  const one = await cluster.send('GET', `${W}/w1`, { user: bob })
  expect(one.code).toBe(403)
  expect(statusOf(one)).toMatchObject({
    reason: 'Forbidden',
    message:
      'widgets.example.com "w1" is forbidden: User "bob" cannot get resource "widgets" in API group "example.com" in the namespace "default"',
    details: { name: 'w1', group: 'example.com', kind: 'widgets' },
  })
  const all = await cluster.send('GET', '/apis/example.com/v1/widgets', { user: bob })
  expect(statusOf(all).message).toBe(
    'widgets.example.com is forbidden: User "bob" cannot list resource "widgets" in API group "example.com" at the cluster scope',
  )
  const status = await cluster.send('PATCH', `${W}/w1/status`, { user: bob, body: {} })
  expect(statusOf(status).message).toContain('cannot patch resource "widgets/status"')
  const path = await cluster.send('GET', '/metrics', { user: bob })
  expect(statusOf(path).message).toBe('forbidden: User "bob" cannot get path "/metrics"')
})

test('everybody may look at discovery and at who they are', async () => {
  expect((await cluster.send('GET', '/apis', { user: bob })).code).toBe(200)
  expect((await cluster.send('GET', '/openapi/v3', { user: bob })).code).toBe(200)
  const review = await cluster.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    user: bob,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  })
  expect(review.code).toBe(201)
  expect(review.json().status).toEqual({ userInfo: { username: 'bob', groups: ['devs', 'system:authenticated'] } })
})

describe('roles', () => {
  test('reach as far as their namespace', async () => {
    await grant([{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get', 'list', 'create'] }], 'default')
    expect((await cluster.send('POST', W, { user: bob, body: widget('w') })).code).toBe(201)
    expect((await cluster.send('GET', W, { user: bob })).code).toBe(200)
    expect((await cluster.send('GET', W.replace('default', 'kube-system'), { user: bob })).code).toBe(403)
    expect((await cluster.send('DELETE', `${W}/w`, { user: bob })).code).toBe(403)
    expect((await cluster.send('PATCH', `${W}/w/status`, { user: bob, body: {} })).code).toBe(403)
  })

  test('may be given to groups and to service accounts, and for named objects only', async () => {
    await cluster.send('POST', CM, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } } })
    const rule = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['c'], verbs: ['*'] }
    await grant([rule], undefined, { kind: 'Group', name: 'devs' })
    expect((await cluster.send('GET', `${CM}/c`, { user: bob })).code).toBe(200)
    expect((await cluster.send('GET', `${CM}/d`, { user: bob })).code).toBe(403)
    expect((await cluster.send('GET', CM, { user: bob })).code).toBe(403)
    expect((await cluster.send('GET', `${CM}?fieldSelector=metadata.name%3Dc`, { user: bob })).code).toBe(200)
    expect(
      (await cluster.send('GET', `${CM}?fieldSelector=metadata.name%3Dc,metadata.name%3Dd`, { user: bob })).code,
    ).toBe(403)
    await grant([{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }], 'default', {
      kind: 'ServiceAccount',
      name: 'robot',
      namespace: 'default',
    })
    const robot = { name: 'system:serviceaccount:default:robot', groups: [] }
    expect((await cluster.send('GET', CM, { user: robot })).code).toBe(200)
  })

  test('for named objects do not let anybody create, whatever the query says', async () => {
    await grant([{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['c'], verbs: ['*'] }])
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'd' } }
    const answer = await cluster.send('POST', `${CM}?fieldSelector=metadata.name%3Dc`, { user: bob, body })
    expect(answer.code).toBe(403)
  })

  test('end when the binding does', async () => {
    await grant([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }])
    expect((await cluster.send('GET', W, { user: bob })).code).toBe(200)
    await cluster.send('DELETE', `${RBAC}/clusterrolebindings/r`)
    expect((await cluster.send('GET', W, { user: bob })).code).toBe(403)
  })

  test('follow changes of the subjects and of the role', async () => {
    const read = async (user: UserInfo): Promise<number> => (await cluster.send('GET', W, { user })).code
    const eve = { name: 'eve', groups: ['devs'] }
    await grant([{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['list'] }])
    expect([await read(bob), await read(eve)]).toEqual([200, 403])
    const type = 'application/merge-patch+json'
    const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }]
    await cluster.send('PATCH', `${RBAC}/clusterrolebindings/r`, { type, body: { subjects } })
    expect([await read(bob), await read(eve)]).toEqual([403, 200])
    await cluster.send('PATCH', `${RBAC}/clusterroles/r`, { type, body: { rules: [] } })
    expect(await read(eve)).toBe(403)
    await cluster.send('DELETE', `${RBAC}/clusterroles/r`)
    expect(await read(eve)).toBe(403)
  })

  test('for subresources may be for those of all resources', async () => {
    await grant([{ apiGroups: ['*'], resources: ['*/status'], verbs: ['patch'] }])
    await cluster.send('POST', W, { body: widget('w') })
    const options = { user: bob, type: 'application/merge-patch+json', body: { status: { phase: 'a' } } }
    expect((await cluster.send('PATCH', `${W}/w/status`, options)).code).toBe(200)
    expect((await cluster.send('PATCH', `${W}/w`, options)).code).toBe(403)
  })

  test('an apply that creates needs the right to create', async () => {
    await grant([{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['patch'] }])
    const options = { user: bob, type: 'application/apply-patch+yaml', body: widget('w') }
    const refused = await cluster.send('PATCH', `${W}/w?fieldManager=m`, options)
    expect(statusOf(refused).message).toContain('cannot create resource "widgets"')
    await cluster.send('POST', W, { body: widget('w') })
    expect((await cluster.send('PATCH', `${W}/w?fieldManager=m`, options)).code).toBe(200)
  })

  test('of a binding cannot be changed', async () => {
    await grant([])
    const path = `${RBAC}/clusterrolebindings/r`
    const live = (await cluster.send('GET', path)).json()
    const body = {
      ...live,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    }
    const answer = await cluster.send('PUT', path, { body })
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringContaining('cannot change roleRef')])
  })
})

describe('access reviews', () => {
  const group = 'authorization.k8s.io/v1'

  async function allowed(kind: string, spec: object, user?: UserInfo): Promise<unknown> {
    const answer = await cluster.send('POST', `/apis/${group}/${kind.toLowerCase()}s`, {
      body: { apiVersion: group, kind, spec },
      ...(user === undefined ? {} : { user }),
    })
    expect(answer.code).toBe(201)
    return answer.json().status?.['allowed']
  }

  test('answer for oneself and for others, also for verbs of one’s own', async () => {
    await grant([
      { apiGroups: ['example.com'], resources: ['widgets', '*/status'], verbs: ['accept'] },
      { nonResourceURLs: ['/metrics*'], verbs: ['get'] },
    ])
    const accept = { verb: 'accept', group: 'example.com', resource: 'widgets' }
    expect(await allowed('SelfSubjectAccessReview', { resourceAttributes: accept }, bob)).toBe(true)
    expect(await allowed('SelfSubjectAccessReview', { resourceAttributes: { ...accept, verb: 'get' } }, bob)).toBe(
      false,
    )
    const status = { ...accept, resource: 'gadgets', subresource: 'status' }
    expect(await allowed('SubjectAccessReview', { user: 'bob', resourceAttributes: status })).toBe(true)
    expect(await allowed('SubjectAccessReview', { user: 'eve', resourceAttributes: status })).toBe(false)
    const path = { nonResourceAttributes: { verb: 'get', path: '/metrics/x' } }
    expect(await allowed('SubjectAccessReview', { user: 'bob', ...path })).toBe(true)
  })

  test('name the binding and the role that allow', async () => {
    await grant([{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }], 'default', {
      kind: 'ServiceAccount',
      name: 'robot',
      namespace: 'default',
    })
    const spec = {
      user: 'system:serviceaccount:default:robot',
      resourceAttributes: { verb: 'get', resource: 'configmaps', namespace: 'default' },
    }
    const ask = async (user: string, more: object = {}): Promise<unknown> => {
      const body = {
        apiVersion: group,
        kind: 'SubjectAccessReview',
        spec: { ...spec, user, resourceAttributes: { ...spec.resourceAttributes, ...more } },
      }
      return (await cluster.send('POST', `/apis/${group}/subjectaccessreviews`, { body })).json().status
    }
    const reason = 'RBAC: allowed by RoleBinding "r/default" of Role "r" to ServiceAccount "robot/default"'
    expect(await ask(spec.user)).toEqual({ allowed: true, reason })
    expect(await ask(spec.user, { namespace: 'kube-system' })).toEqual({ allowed: false })
    // The name alone does not make a service account.
    expect(await ask('robot')).toEqual({ allowed: false })
  })

  test('of a namespace are about that namespace', async () => {
    const path = `/apis/${group}/namespaces/default/localsubjectaccessreviews`
    const send = (spec: object): Promise<number> =>
      cluster
        .send('POST', path, {
          body: { apiVersion: group, kind: 'LocalSubjectAccessReview', spec: { user: 'bob', ...spec } },
        })
        .then(({ code }) => code)
    const resourceAttributes = { verb: 'get', resource: 'configmaps', namespace: 'default' }
    expect(await send({ resourceAttributes })).toBe(201)
    expect(await send({ resourceAttributes: { ...resourceAttributes, namespace: 'kube-system' } })).toBe(422)
    expect(await send({ nonResourceAttributes: { verb: 'get', path: '/' } })).toBe(422)
  })

  test('of rules tell all of them, for one namespace', async () => {
    const rule = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['c'], verbs: ['get'] }
    await grant([rule], 'default')
    const rules = async (namespace: string): Promise<Record<string, unknown[]>> => {
      const body = { apiVersion: group, kind: 'SelfSubjectRulesReview', spec: { namespace } }
      const answer = await cluster.send('POST', `/apis/${group}/selfsubjectrulesreviews`, { body, user: bob })
      expect(answer.code).toBe(201)
      return answer.json().status as Record<string, unknown[]>
    }
    const { resourceRules, nonResourceRules, incomplete } = await rules('default')
    expect(resourceRules).toContainEqual(rule)
    expect(nonResourceRules).toContainEqual({
      nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
      verbs: ['get'],
    })
    expect(incomplete).toBe(false)
    expect((await rules('kube-system'))['resourceRules']).not.toContainEqual(rule)
  })

  test('need somebody and something to ask about', async () => {
    const resourceAttributes = { verb: 'get', resource: 'configmaps' }
    const nonResourceAttributes = { verb: 'get', path: '/' }
    for (const spec of [
      {},
      { user: 'bob' },
      { resourceAttributes },
      { user: 'bob', resourceAttributes, nonResourceAttributes },
    ]) {
      const answer = await cluster.send('POST', `/apis/${group}/subjectaccessreviews`, {
        body: { apiVersion: group, kind: 'SubjectAccessReview', spec },
      })
      expect(answer.code).toBe(422)
    }
  })
})
