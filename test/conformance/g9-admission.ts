import { group } from './case.ts'
import type { T } from './case.ts'
import { widget } from './fixtures.ts'
import type { Body } from './fixtures.ts'
import { absent, exactly, including, not, uuid } from './match.ts'
import { WebhookServer } from './webhook-server.ts'
import type { AdmissionRequest, AdmissionResponse } from './webhook-server.ts'

const ADMISSION = '/apis/admissionregistration.k8s.io/v1'
const hooked = 'hook.example.com'

/** A webhook of the namespace of the case, asked about all writes of widgets. */
function webhook(t: T, clientConfig: object, more: object = {}): object {
  return {
    name: hooked,
    clientConfig,
    rules: [
      { apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets', 'widgets/status'], operations: ['*'] },
    ],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': t.ns } },
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    timeoutSeconds: 5,
    ...more,
  }
}

/** Configures webhooks; resolves with the path of the configuration. */
async function configure(t: T, kind: 'Mutating' | 'Validating', ...webhooks: readonly object[]): Promise<string> {
  const name = t.unique('hook')
  const path = `${ADMISSION}/${kind.toLowerCase()}webhookconfigurations`
  await t.createGlobal(path, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks,
  } as Body)
  return `${path}/${name}`
}

/** Starts a server for webhooks that ends with the case. */
async function serve(t: T): Promise<WebhookServer> {
  const server = await WebhookServer.start()
  t.after(() => server.stop())
  return server
}

/** Creates for show until the server does as `accepts` says: configurations take their time. */
async function inForce(t: T, accepts: (answer: Awaited<ReturnType<T['post']>>) => boolean): Promise<void> {
  await t.eventually(async () => {
    const answer = await t.post(t.W, widget('probe'), { query: { dryRun: 'All' } })
    if (!accepts(answer)) answer.fail('the configuration must be in force')
  })
}

function labelled(label: string): (answer: Awaited<ReturnType<T['post']>>) => boolean {
  return (answer) => answer.json().metadata.labels?.[label] !== undefined
}

/** Removes a webhook's requests about what only shows that it is in force. */
function asked(server: WebhookServer): AdmissionRequest[] {
  return server.asked.filter(({ name }) => name !== 'probe')
}

function policy(t: T, name: string, spec: object): Body {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': t.ns } },
        resourceRules: [
          { apiGroups: ['example.com'], apiVersions: ['*'], resources: ['widgets'], operations: ['CREATE', 'UPDATE'] },
        ],
      },
      ...spec,
    },
  }
}

function binding(name: string, validationActions: readonly string[], more: object = {}): Body {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions, ...more },
  }
}

export const admission = group('G9', (add) => {
  add('A08', 'a webhook that changes objects', async (t) => {
    const server = await serve(t)
    const label = ({ operation, object }: AdmissionRequest): AdmissionResponse => {
      if (object === null) return { allowed: true }
      const value = { ...object.metadata.labels, seen: operation.toLowerCase() }
      return { allowed: true, warnings: ['careful'], patch: [{ op: 'add', path: '/metadata/labels', value }] }
    }
    const path = await configure(t, 'Mutating', webhook(t, server.handle('/label', label)))
    await inForce(t, labelled('seen'))
    const created = await t.post(t.W, widget('w', { size: 5 }, { labels: { a: '1' } }))
    created.header('warning', '299 - "careful"')
    const made = created.is(201, { metadata: { labels: exactly({ a: '1', seen: 'create' }), generation: 1 } })
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 6 } })).is(200, { metadata: { labels: { seen: 'update' } } })
    await t.patch(`${t.W}/w/status`, 'merge', { status: { phase: 'x' } })
    const query = { fieldManager: 'm', fieldValidation: 'Strict', dryRun: 'All' }
    ;(await t.post(t.W, widget('dry'), { query })).is(201)
    ;(await t.delete(`${t.W}/w`, { propagationPolicy: 'Background' })).is(200)
    const group = 'example.com'
    const common = {
      uid: uuid,
      kind: exactly({ group, version: 'v1', kind: 'Widget' }),
      resource: exactly({ group, version: 'v1', resource: 'widgets' }),
      requestKind: exactly({ group, version: 'v1', kind: 'Widget' }),
      requestResource: exactly({ group, version: 'v1', resource: 'widgets' }),
      namespace: t.ns,
      userInfo: { username: not(''), groups: including('system:authenticated') },
    }
    const options = (kind: string): object => ({ kind, apiVersion: 'meta.k8s.io/v1' })
    t.match(
      asked(server),
      [
        {
          ...common,
          name: 'w',
          operation: 'CREATE',
          subResource: absent,
          object: { kind: 'Widget', metadata: { name: 'w', namespace: t.ns, labels: { a: '1' } }, spec: { size: 5 } },
          oldObject: null,
          dryRun: false,
          options: exactly(options('CreateOptions')),
        },
        {
          ...common,
          name: 'w',
          operation: 'UPDATE',
          object: { metadata: { uid: made.metadata.uid, labels: { seen: 'create' } }, spec: { size: 6 } },
          oldObject: { metadata: { resourceVersion: made.metadata.resourceVersion }, spec: { size: 5 } },
          options: exactly(options('UpdateOptions')),
        },
        {
          ...common,
          name: 'w',
          operation: 'UPDATE',
          subResource: 'status',
          object: { status: { phase: 'x' } },
          oldObject: { status: absent },
        },
        {
          ...common,
          name: 'dry',
          operation: 'CREATE',
          dryRun: true,
          options: exactly({
            ...options('CreateOptions'),
            dryRun: ['All'],
            fieldManager: 'm',
            fieldValidation: 'Strict',
          }),
        },
        {
          ...common,
          name: 'w',
          operation: 'DELETE',
          object: null,
          oldObject: { metadata: { name: 'w' }, spec: { size: 6 } },
          options: { ...options('DeleteOptions'), propagationPolicy: 'Background' },
        },
      ],
      'requests',
    )
    // What it makes is held to the schema.
    const spoil = server.handle('/spoil', () => ({
      allowed: true,
      patch: [
        { op: 'add', path: '/spec/size', value: 1000 },
        { op: 'add', path: '/metadata/labels', value: { spoilt: 'yes' } },
      ],
    }))
    ;(await t.patch(path, 'json', [{ op: 'replace', path: '/webhooks/0/clientConfig', value: spoil }])).is(200)
    await inForce(t, ({ status }) => status === 422)
    ;(await t.post(t.W, widget('bad', { mode: 'A' }))).refuses(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.size' }] },
    })
    // Which objects it is asked about may depend on them.
    const chosen = webhook(t, server.handle('/label', label), {
      objectSelector: { matchLabels: { ask: 'yes' } },
      matchConditions: [{ name: 'large', expression: "request.operation == 'CREATE' && object.spec.size > 3" }],
    })
    ;(await t.patch(path, 'json', [{ op: 'replace', path: '/webhooks/0', value: chosen }])).is(200)
    await inForce(t, (answer) => answer.status === 201 && !labelled('spoilt')(answer))
    const seen = async (name: string, size: number, labels: Record<string, string>): Promise<boolean> => {
      const object = (await t.post(t.W, widget(name, { size }, { labels }))).is(201)
      return object.metadata.labels?.['seen'] === 'create'
    }
    t.match(
      [await seen('c1', 4, { ask: 'yes' }), await seen('c2', 3, { ask: 'yes' }), await seen('c3', 4, { ask: 'no' })],
      exactly([true, false, false]),
      'whether it was asked',
    )
  })

  add('A09', 'a webhook that refuses, or fails', async (t) => {
    const server = await serve(t)
    let mode: AdmissionResponse | 'silent' = { allowed: true }
    const client = server.handle('/judge', ({ name }) => {
      if (name === 'probe') return { allowed: true, warnings: ['judged'] }
      return mode === 'silent' ? undefined : mode
    })
    const path = await configure(t, 'Validating', webhook(t, client, { timeoutSeconds: 1 }))
    await inForce(t, ({ headers }) => headers['warning'] === '299 - "judged"')
    await t.create(t.W, widget('w'))
    const denied = `admission webhook "${hooked}" denied the request`
    const verdicts: readonly (readonly [AdmissionResponse, number, object])[] = [
      [{ allowed: false }, 400, { message: `${denied} without explanation`, reason: absent }],
      [{ allowed: false, status: { message: 'no way' } }, 400, { message: `${denied}: no way` }],
      [{ allowed: false, status: { reason: 'because' } }, 400, { message: `${denied}: because`, reason: 'because' }],
      [
        { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'no' } },
        403,
        { message: `${denied}: no`, reason: 'Forbidden' },
      ],
      [{ allowed: false, status: { code: 418, message: 'no' }, warnings: ['also'] }, 418, { message: `${denied}: no` }],
      [
        {
          allowed: false,
          status: { message: 'no', details: { causes: [{ field: 'spec', message: 'x', reason: 'y' }] } },
        },
        400,
        { details: { causes: [{ field: 'spec', message: 'x', reason: 'y' }] } },
      ],
    ]
    for (const [verdict, code, status] of verdicts) {
      mode = verdict
      const refusal = { kind: 'Status', status: 'Failure', code, ...status }
      const answer = await t.post(t.W, widget('new'))
      answer.is(code, refusal)
      if (verdict.warnings !== undefined) answer.header('warning', '299 - "also"')
      ;(await t.delete(`${t.W}/w`)).is(code, refusal)
      ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 5 } })).is(code, refusal)
    }
    t.match(await t.read(`${t.W}/w`), { spec: { size: 3 }, metadata: { generation: 1 } }, 'the object')
    ;(await t.get(`${t.W}/new`)).refuses(404, 'NotFound')
    mode = 'silent'
    const late = `Internal error occurred: failed calling webhook "${hooked}": failed to call webhook: Post "${client.url}?timeout=1s": context deadline exceeded`
    ;(await t.post(t.W, widget('new'))).refuses(500, 'InternalError', { message: late })
    ;(await t.patch(path, 'json', [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }])).is(200)
    await t.eventually(async () => (await t.post(t.W, widget('ignored'))).is(201))
    const replace = async (more: object): Promise<void> => {
      ;(
        await t.patch(path, 'json', [{ op: 'replace', path: '/webhooks/0', value: webhook(t, { ...client, ...more }) }])
      ).is(200)
    }
    const failed = (why: string | RegExp): object => ({
      message:
        typeof why === 'string'
          ? `Internal error occurred: failed calling webhook "${hooked}": failed to call webhook: ${why}`
          : why,
    })
    await replace({ url: 'https://127.0.0.1:1/x' })
    const refused = failed('Post "https://127.0.0.1:1/x?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused')
    await t.eventually(async () => (await t.post(t.W, widget('probe'))).refuses(500, 'InternalError', refused))
    await replace({ url: client.url.replace('/judge', '/absent') })
    const broken = failed('an error on the server ("unknown") has prevented the request from succeeding')
    await t.eventually(async () => (await t.post(t.W, widget('probe'))).refuses(500, 'InternalError', broken))
    const other = await serve(t)
    await replace({ caBundle: other.handle('/x', () => ({ allowed: true })).caBundle })
    await t.eventually(async () =>
      (await t.post(t.W, widget('probe'))).refuses(
        500,
        'InternalError',
        failed(/tls: failed to verify certificate: x509: certificate signed by unknown authority/),
      ),
    )
    // What cannot be a configuration is refused.
    const name = t.unique('hook')
    const wrong = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [{ name: 'x', clientConfig: {}, sideEffects: 'Some', admissionReviewVersions: [], timeoutSeconds: 40 }],
    }
    ;(await t.post(`${ADMISSION}/validatingwebhookconfigurations`, wrong)).invalid(
      'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
      name,
      [
        {
          reason: 'FieldValueInvalid',
          field: 'webhooks[0].name',
          message: 'Invalid value: "x": should be a domain with at least three segments separated by dots',
        },
        {
          reason: 'FieldValueNotSupported',
          field: 'webhooks[0].sideEffects',
          message: 'Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        },
        {
          reason: 'FieldValueInvalid',
          field: 'webhooks[0].timeoutSeconds',
          message: 'Invalid value: 40: the timeout value must be between 1 and 30 seconds',
        },
        {
          reason: 'FieldValueRequired',
          field: 'webhooks[0].clientConfig',
          message: 'Required value: exactly one of url or service is required',
        },
        {
          reason: 'FieldValueRequired',
          field: 'webhooks[0].admissionReviewVersions',
          message: 'Required value: must specify one of v1, v1beta1',
        },
      ],
    )
  })

  add(
    'A10',
    'policies',
    async (t) => {
      const name = t.unique('policy')
      const policies = `${ADMISSION}/validatingadmissionpolicies`
      const bindings = `${ADMISSION}/validatingadmissionpolicybindings`
      const validations = [
        { expression: 'object.spec.size < 10', message: 'too large' },
        {
          expression: "oldObject == null || object.spec.?mode.orValue('') == oldObject.spec.?mode.orValue('')",
          reason: 'Forbidden',
        },
        {
          expression: 'variables.labels.size() <= 2',
          messageExpression: "'has ' + string(variables.labels.size()) + ' labels'",
        },
        { expression: "request.operation != 'CREATE' || namespaceObject.metadata.name == request.namespace" },
      ]
      const variables = [{ name: 'labels', expression: 'object.metadata.?labels.orValue({})' }]
      await t.createGlobal(policies, policy(t, name, { variables, validations }))
      await t.createGlobal(bindings, binding(name, ['Deny']))
      await t.eventually(
        async () =>
          (await t.post(t.W, widget('probe', { size: 11 }), { query: { dryRun: 'All' } })).refuses(422, 'Invalid'),
        20_000,
      )
      const start = (object: string): string =>
        `widgets.example.com "${object}" is forbidden: ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: `
      const refusal = (object: string, message: string): object => ({
        message: start(object) + message,
        details: exactly({
          name: object,
          group: 'example.com',
          kind: 'widgets',
          causes: [{ message: start('').replace(/^.*?: /, '') + message }],
        }),
      })
      ;(await t.post(t.W, widget('w', { size: 11 }))).refuses(422, 'Invalid', refusal('w', 'too large'))
      await t.create(t.W, widget('w', { size: 9, mode: 'A' }))
      ;(await t.patch(`${t.W}/w`, 'merge', { spec: { mode: 'B' } })).refuses(
        403,
        'Forbidden',
        refusal('w', `failed expression: ${validations[1]!.expression}`),
      )
      const labels = { a: '1', b: '2', c: '3' }
      ;(await t.patch(`${t.W}/w`, 'merge', { metadata: { labels } })).refuses(
        422,
        'Invalid',
        refusal('w', 'has 3 labels'),
      )
      ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 8 } })).is(200)
      ;(await t.patch(`${t.W}/w/status`, 'merge', { status: { phase: 'x' } })).is(200)
      // Only a warning.
      ;(await t.patch(`${bindings}/${name}`, 'merge', { spec: { validationActions: ['Warn'] } })).is(200)
      await t.eventually(async () => {
        const warned = await t.post(t.W, widget('large', { size: 11 }), { query: { dryRun: 'All' } })
        warned.is(201)
        warned.header(
          'warning',
          `299 - "Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${name}': too large"`,
        )
      }, 20_000)
      // With parameters.
      const second = t.unique('policy')
      const more = {
        paramKind: { apiVersion: 'example.com/v1', kind: 'Widget' },
        validations: [
          {
            expression: 'object.spec.size <= params.spec.size',
            messageExpression: "'at most ' + string(params.spec.size)",
          },
        ],
        matchConditions: [
          { name: 'not-free', expression: "!has(object.metadata.labels) || object.metadata.labels['free'] != 'yes'" },
        ],
      }
      await t.create(t.W, widget('limits', { size: 4 }))
      await t.createGlobal(policies, policy(t, second, more))
      const paramRef = { name: 'limits', namespace: t.ns, parameterNotFoundAction: 'Deny' }
      await t.createGlobal(bindings, binding(second, ['Deny'], { paramRef }))
      await t.eventually(
        async () =>
          (await t.post(t.W, widget('five', { size: 5 }), { query: { dryRun: 'All' } })).refuses(422, 'Invalid', {
            message: `widgets.example.com "five" is forbidden: ValidatingAdmissionPolicy '${second}' with binding '${second}' denied request: at most 4`,
          }),
        20_000,
      )
      ;(await t.post(t.W, widget('free', { size: 5 }, { labels: { free: 'yes' } }))).is(201)
      ;(await t.post(t.W, widget('four', { size: 4 }))).is(201)
      const broken = policy(t, t.unique('policy'), { validations: [{ expression: 'object.spec.size <' }] })
      ;(await t.post(policies, broken)).refuses(422, 'Invalid', {
        details: {
          causes: [
            {
              reason: 'FieldValueInvalid',
              field: 'spec.validations[0].expression',
              message: /compilation failed: ERROR: <input>:1:19: Syntax error/,
            },
          ],
        },
      })
    },
    { timeoutMs: 90_000 },
  )
})
