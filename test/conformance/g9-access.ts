import type { Answer } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, GADGETS, widget } from './fixtures.ts'
import type { Body } from './fixtures.ts'
import { exactly, including, timestamp } from './match.ts'
import * as protobuf from './protobuf.ts'
import type { RequestOptions } from './requester.ts'
import { allow, as, RBAC, whoami, WHOAMI } from './rights.ts'

const REVIEWS = '/apis/authorization.k8s.io/v1'

interface Attributes {
  readonly verb: string
  readonly resource?: string
  readonly group?: string
  readonly subresource?: string
  readonly name?: string
  readonly namespace?: string
}

/** Whether a user may do this, as the server says. */
async function may(t: T, user: string, resourceAttributes: Attributes): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, resourceAttributes: { namespace: t.ns, ...resourceAttributes } },
  }
  const { status } = (await t.post(`${REVIEWS}/subjectaccessreviews`, review)).is(201, { kind: 'SubjectAccessReview' })
  return status?.['allowed'] === true
}

function denied(answer: Answer, object: string, what: string, details: object): void {
  answer.refuses(403, 'Forbidden', {
    message: `${object} is forbidden: User "bob" cannot ${what}`,
    details: exactly(details),
  })
}

export const access = group('G9', (add) => {
  add('A01', 'nobody', async (t) => {
    await t.create(t.CM, configMap('c'))
    for (const requester of [t.as(), t.as({ token: 'nonsense' })]) {
      const answer = await requester.get(`${t.CM}/c`)
      // A server may take whoever says nothing for anonymous, but not who says something wrong.
      if (answer.status === 401) answer.refuses(401, 'Unauthorized', { message: 'Unauthorized' })
      else {
        answer.refuses(403, 'Forbidden', {
          message: `configmaps "c" is forbidden: User "system:anonymous" cannot get resource "configmaps" in API group "" in the namespace "${t.ns}"`,
        })
      }
    }
    ;(await t.as({ token: 'nonsense' }).get(t.CM)).refuses(401, 'Unauthorized', { message: 'Unauthorized' })
    // Health is for everybody.
    t.match((await t.as().get('/readyz')).status, 200, 'status of health')
  })

  add('A02', 'rights', async (t) => {
    const where = `in API group "example.com" in the namespace "${t.ns}"`
    const kind = { group: 'example.com', kind: 'widgets' }
    const named = { name: 'w', ...kind }
    const bob = as('bob')
    const one = 'widgets.example.com "w"'
    denied(await t.get(`${t.W}/w`, bob), one, `get resource "widgets" ${where}`, named)
    denied(await t.get(t.W, bob), 'widgets.example.com', `list resource "widgets" ${where}`, kind)
    denied(await t.post(t.W, widget('w'), bob), 'widgets.example.com', `create resource "widgets" ${where}`, kind)
    denied(await t.put(`${t.W}/w`, widget('w'), bob), one, `update resource "widgets" ${where}`, named)
    denied(await t.put(`${t.W}/w/status`, widget('w'), bob), one, `update resource "widgets/status" ${where}`, named)
    denied(await t.patch(`${t.W}/w`, 'merge', {}, bob), one, `patch resource "widgets" ${where}`, named)
    denied(await t.delete(`${t.W}/w`, undefined, bob), one, `delete resource "widgets" ${where}`, named)
    denied(
      await t.delete(t.W, undefined, bob),
      'widgets.example.com',
      `deletecollection resource "widgets" ${where}`,
      kind,
    )
    denied(await t.get(`${t.W}?watch=1`, bob), 'widgets.example.com', `watch resource "widgets" ${where}`, kind)
    denied(
      await t.get(t.CM, bob),
      'configmaps',
      `list resource "configmaps" in API group "" in the namespace "${t.ns}"`,
      { kind: 'configmaps' },
    )
    denied(
      await t.get(`${GADGETS}/g`, bob),
      'gadgets.example.com "g"',
      'get resource "gadgets" in API group "example.com" at the cluster scope',
      { name: 'g', group: 'example.com', kind: 'gadgets' },
    )
    denied(
      await t.get('/apis/example.com/v1/widgets', bob),
      'widgets.example.com',
      'list resource "widgets" in API group "example.com" at the cluster scope',
      kind,
    )
    ;(await t.get('/metrics', bob)).refuses(403, 'Forbidden', {
      message: 'forbidden: User "bob" cannot get path "/metrics"',
    })
    ;(await t.get('/api', bob)).is(200)
    await allow(t, 'bob', {
      apiGroups: ['example.com'],
      resources: ['widgets'],
      verbs: ['get', 'list', 'create', 'patch'],
    })
    await t.eventually(async () => (await t.get(t.W, bob)).is(200))
    ;(await t.post(t.W, widget('w'), bob)).is(201)
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 4 } }, bob)).is(200)
    ;(await t.apply(`${t.W}/applied`, 'm', widget('applied'), bob)).is(201)
    denied(await t.delete(`${t.W}/w`, undefined, bob), one, `delete resource "widgets" ${where}`, named)
    ;(await t.get(`${t.W}/w`, as('eve', 'system:masters'))).is(200)
    // Creating by an apply needs the right to create.
    await allow(t, 'carl', { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get', 'patch'] })
    await t.eventually(async () => (await t.get(`${t.W}/w`, as('carl'))).is(200))
    ;(await t.apply(`${t.W}/w`, 'm', widget('w', { mode: 'A' }), as('carl'))).is(200)
    ;(await t.apply(`${t.W}/new`, 'm', widget('new'), as('carl'))).refuses(403, 'Forbidden', {
      message: `widgets.example.com "new" is forbidden: User "carl" cannot create resource "widgets" ${where}`,
    })
    // Nobody can give what he does not have.
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'more' } }
    await allow(t, 'dora', { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] })
    const roles = `${RBAC}/namespaces/${t.ns}/roles`
    const secrets = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]
    await t.eventually(async () =>
      (await t.post(roles, { ...role, rules: secrets }, as('dora'))).refuses(403, 'Forbidden', {
        message: `roles.rbac.authorization.k8s.io "more" is forbidden: user "dora" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`,
      }),
    )
    const binding = await t.patch(`${RBAC}/namespaces/${t.ns}/rolebindings/r-bob`, 'merge', {
      roleRef: { name: 'other' },
    })
    binding.refuses(422, 'Invalid', { details: { causes: [{ reason: 'FieldValueInvalid', field: 'roleRef' }] } })
  })

  add('A03', 'names, subresources and verbs of rules', async (t) => {
    const user = t.unique('u')
    await allow(
      t,
      user,
      {
        apiGroups: ['example.com'],
        resources: ['widgets'],
        resourceNames: ['mine'],
        verbs: ['get', 'update', 'list', 'create'],
      },
      { apiGroups: ['example.com'], resources: ['widgets/status'], verbs: ['patch'] },
      { apiGroups: ['cluster.example.com'], resources: ['clusters'], verbs: ['accept'] },
      { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['*'] },
      { apiGroups: ['*'], resources: ['secrets'], verbs: ['watch'] },
    )
    const example = { group: 'example.com', resource: 'widgets' }
    await t.eventually(async () =>
      t.check(await may(t, user, { verb: 'get', ...example, name: 'mine' }), 'it must be allowed'),
    )
    const matrix: readonly (readonly [Attributes, boolean])[] = [
      [{ verb: 'get', ...example, name: 'other' }, false],
      [{ verb: 'get', ...example }, false],
      [{ verb: 'update', ...example, name: 'mine' }, true],
      [{ verb: 'list', ...example }, false],
      [{ verb: 'list', ...example, name: 'mine' }, true],
      [{ verb: 'create', ...example }, false],
      [{ verb: 'patch', ...example, subresource: 'status', name: 'any' }, true],
      [{ verb: 'patch', ...example, name: 'any' }, false],
      [{ verb: 'get', ...example, subresource: 'status', name: 'mine' }, false],
      [{ verb: 'accept', group: 'cluster.example.com', resource: 'clusters' }, true],
      [{ verb: 'accept', group: 'cluster.example.com', resource: 'others' }, false],
      [{ verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale' }, true],
      [{ verb: 'update', group: 'apps', resource: 'deployments' }, false],
      [{ verb: 'watch', group: '', resource: 'secrets' }, true],
      [{ verb: 'watch', group: 'anything', resource: 'secrets' }, true],
      [{ verb: 'watch', group: '', resource: 'secrets', namespace: 'other' }, false],
      [{ verb: 'watch', group: '', resource: 'secrets', namespace: '' }, false],
      [{ verb: '*', group: '', resource: 'secrets' }, false],
    ]
    for (const [attributes, allowed] of matrix) {
      t.match(await may(t, user, attributes), allowed, `whether ${JSON.stringify(attributes)} is allowed`)
    }
    // A list of one name is a request for that name.
    await t.create(t.W, widget('mine'))
    const query = { fieldSelector: 'metadata.name=mine' }
    ;(await t.get(t.W, { ...as(user), query })).is(200, { items: [{ metadata: { name: 'mine' } }] })
    ;(await t.get(t.W, as(user))).refuses(403, 'Forbidden')
    // A cluster role that is bound in a namespace holds there only; one that is put together grows.
    const name = t.unique('role')
    const apiVersion = 'rbac.authorization.k8s.io/v1'
    const label = t.unique('l')
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [label]: 'yes' } }] }
    const whole: Body = { apiVersion, kind: 'ClusterRole', metadata: { name }, aggregationRule, rules: [] }
    await t.createGlobal(`${RBAC}/clusterroles`, whole)
    await t.create(`${RBAC}/namespaces/${t.ns}/rolebindings`, {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'aggregated' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [
        { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'devs' },
        { kind: 'ServiceAccount', name: 'sa', namespace: t.ns },
      ],
    })
    const rules = [{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] }]
    const metadata = { name: `${name}-part`, labels: { [label]: 'yes' } }
    const part: Body = { apiVersion, kind: 'ClusterRole', metadata, rules }
    await t.createGlobal(`${RBAC}/clusterroles`, part)
    await t.eventually(async () => (await t.get(`${t.W}/mine`, as('eve', 'devs'))).is(200))
    t.check(
      await may(t, `system:serviceaccount:${t.ns}:sa`, { verb: 'get', ...example }),
      'the service account must be allowed',
    )
    t.check(
      !(await may(t, `system:serviceaccount:${t.ns}:sa`, { verb: 'get', ...example, namespace: 'other' })),
      'elsewhere it must not',
    )
  })

  add('A04', 'reviews', async (t) => {
    const apiVersion = 'authorization.k8s.io/v1'
    const attributes = { namespace: t.ns, verb: 'get', group: 'example.com', resource: 'widgets' }
    const self = { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } }
    const path = `${REVIEWS}/selfsubjectaccessreviews`
    ;(await t.post(path, self)).is(201, { ...self, status: { allowed: true } })
    ;(await t.post(path, self, as('bob'))).is(201, { status: exactly({ allowed: false }) })
    const subject = (spec: object, kind = 'SubjectAccessReview'): object => ({ apiVersion, kind, spec })
    const reviews = `${REVIEWS}/subjectaccessreviews`
    await allow(t, 'bob', { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] })
    const reason = `RBAC: allowed by RoleBinding "r-bob/${t.ns}" of Role "r-bob" to User "bob"`
    await t.eventually(async () =>
      (await t.post(reviews, subject({ user: 'bob', resourceAttributes: attributes }))).is(201, {
        status: exactly({ allowed: true, reason }),
      }),
    )
    const masters = {
      user: 'x',
      groups: ['system:masters'],
      resourceAttributes: { verb: '*', group: '*', resource: '*' },
    }
    ;(await t.post(reviews, subject(masters))).is(201, { status: { allowed: true } })
    const version = { path: '/version', verb: 'get' }
    const asked = { user: 'bob', groups: ['system:authenticated'], nonResourceAttributes: version }
    ;(await t.post(reviews, subject(asked))).is(201, { status: { allowed: true } })
    const local = `${REVIEWS}/namespaces/${t.ns}/localsubjectaccessreviews`
    const there = { user: 'bob', resourceAttributes: attributes }
    ;(await t.post(local, subject(there, 'LocalSubjectAccessReview'))).is(201, { status: { allowed: true } })
    const wrong: readonly (readonly [string, object, string])[] = [
      [
        reviews,
        subject({ user: 'x' }),
        'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ],
      [
        reviews,
        subject({ resourceAttributes: attributes }),
        'spec.user: Invalid value: "": at least one of user or group must be specified',
      ],
      [
        reviews,
        subject({ user: 'x', resourceAttributes: attributes, nonResourceAttributes: { path: '/', verb: 'get' } }),
        'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination with resourceAttributes',
      ],
      [
        local,
        subject({ user: 'bob', resourceAttributes: { ...attributes, namespace: 'other' } }, 'LocalSubjectAccessReview'),
        'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
      ],
    ]
    for (const [where, review, message] of wrong) {
      ;(await t.post(where, review)).refuses(422, 'Invalid', {
        message: `.authorization.k8s.io "" is invalid: ${message}`,
      })
    }
    const rules = { apiVersion, kind: 'SelfSubjectRulesReview', spec: { namespace: t.ns } }
    ;(await t.post(`${REVIEWS}/selfsubjectrulesreviews`, rules, as('bob'))).is(201, {
      status: {
        incomplete: false,
        resourceRules: including(exactly({ verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] })),
        nonResourceRules: including({ verbs: ['get'], nonResourceURLs: including('/version') }),
      },
    })
    ;(await t.post(`${REVIEWS}/selfsubjectrulesreviews`, { ...rules, spec: {} })).refuses(400, 'BadRequest', {
      message: 'no namespace on request',
    })
    ;(await t.get(reviews)).refuses(405, 'MethodNotAllowed')
    // As clients of Go write it.
    const { envelope, message, text } = protobuf
    const inner = [
      text(1, t.ns),
      text(2, 'get'),
      text(3, 'example.com'),
      text(4, ''),
      text(5, 'widgets'),
      text(6, ''),
      text(7, ''),
    ]
    const body = envelope(
      apiVersion,
      'SelfSubjectAccessReview',
      message(1),
      message(2, message(1, ...inner)),
      message(3),
    )
    const sent = await t.post(path, body, { type: 'application/vnd.kubernetes.protobuf' })
    sent.is(201, {
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: exactly(attributes) },
      status: { allowed: true },
    })
  })

  add('A05', 'on behalf of others', async (t) => {
    const userInfo = async (options: RequestOptions): Promise<unknown> =>
      (
        (await t.post(WHOAMI, whoami, options)).is(201, { metadata: { creationTimestamp: timestamp } }).status as {
          userInfo: unknown
        }
      ).userInfo
    t.match(
      await userInfo(as('bob', 'dev')),
      exactly({ username: 'bob', groups: ['dev', 'system:authenticated'] }),
      'bob',
    )
    const account = `system:serviceaccount:${t.ns}:s`
    t.match(
      await userInfo(as(account)),
      exactly({
        username: account,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${t.ns}`, 'system:authenticated'],
      }),
      'a service account',
    )
    ;(await t.post(WHOAMI, whoami, as('system:anonymous'))).refuses(403, 'Forbidden', {
      message: /^selfsubjectreviews\.authentication\.k8s\.io is forbidden: User "system:anonymous" cannot create /,
    })
    const all = { 'impersonate-user': 'u', 'impersonate-uid': '42', 'impersonate-extra-a%2fb': 'c' }
    t.match(
      await userInfo({ headers: all }),
      exactly({ username: 'u', uid: '42', groups: ['system:authenticated'], extra: { 'a/b': ['c'] } }),
      'somebody with everything',
    )
    ;(await t.get(t.CM, { headers: { 'impersonate-group': 'dev' } })).refuses(400, 'BadRequest')
    const made = (await t.post(t.CM, configMap('c'), as('bob', 'system:masters'))).is(201)
    t.match(made.metadata.name, 'c', 'name')
  })
})
