import type { Obj } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, gadget, GADGETS, lease, widget } from './fixtures.ts'
import { absent, exactly, including, not, timestamp, uuid, version } from './match.ts'

const details = (name: string) => ({ name, group: 'example.com', kind: 'widgets' })
const modified = (resource: string, name: string): string =>
  `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`

/** A time long ago, as a client might send it. */
const LONG_AGO = '2001-01-01T00:00:00Z'

function leases(t: T): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${t.ns}/leases`
}

/** The object with other metadata. */
function withMetadata(object: Obj, metadata: object): Obj {
  return { ...object, metadata: { ...object.metadata, ...metadata } }
}

/** Said of objects with rules when something else is so wrong that they are not looked at. */
const unchecked = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}

export const objects = group('G2', (add) => {
  add('C01', 'create', async (t) => {
    const answer = await t.post(t.W, widget('w1', { size: 7 }, { labels: { a: 'b' } }))
    answer.header('content-type', /^application\/json/)
    const made = answer.is(201, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: {
        name: 'w1',
        namespace: t.ns,
        uid: uuid,
        resourceVersion: version,
        creationTimestamp: timestamp,
        generation: 1,
        labels: exactly({ a: 'b' }),
        deletionTimestamp: absent,
        managedFields: [
          {
            manager: 'conformance',
            operation: 'Update',
            apiVersion: 'example.com/v1',
            time: timestamp,
            fieldsType: 'FieldsV1',
            subresource: absent,
            fieldsV1: exactly({
              'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
              'f:spec': { '.': {}, 'f:size': {} },
            }),
          },
        ],
      },
      spec: exactly({ size: 7 }),
      status: absent,
    })
    t.match(await t.read(`${t.W}/w1`), exactly(made), 'the object read again')
    const age = Math.abs(Date.parse(answer.headers['date'] ?? '') - Date.parse(made.metadata.creationTimestamp))
    t.check(age <= 5_000, `creationTimestamp must be the time of the server, but is ${age} ms off`)
    ;(await t.post(t.W, widget('w2'), { query: { fieldManager: 'somebody' } })).is(201, {
      metadata: { managedFields: [{ manager: 'somebody' }] },
    })
  })

  add('C02', 'create twice', async (t) => {
    const first = await t.create(t.W, widget('w1'))
    const answer = await t.post(t.W, widget('w1', { size: 9 }))
    answer.refuses(409, 'AlreadyExists', {
      message: 'widgets.example.com "w1" already exists',
      details: exactly(details('w1')),
    })
    t.match(await t.read(`${t.W}/w1`), exactly(first), 'the first object')
    await t.create(t.CM, configMap('c'))
    const core = await t.post(t.CM, configMap('c'))
    core.refuses(409, 'AlreadyExists', {
      message: 'configmaps "c" already exists',
      details: exactly({ name: 'c', kind: 'configmaps' }),
    })
  })

  add('C03', 'generateName', async (t) => {
    const generated = (prefix: string): object => ({ ...widget(''), metadata: { generateName: prefix } })
    const made = await Promise.all([1, 2, 3].map(() => t.create(t.W, generated('a-'))))
    for (const { metadata } of made) {
      t.match(metadata, { name: /^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/, generateName: 'a-' }, 'metadata')
    }
    t.match(new Set(made.map(({ metadata }) => metadata.name)).size, 3, 'number of different names')
    const long = await t.create(t.W, generated('b'.repeat(70)))
    t.match(long.metadata.name, /^b{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/, 'a long generated name')
    // A name goes before a prefix.
    await t.create(t.W, widget('given', {}, { generateName: 'a-' }))
    const neither = await t.post(t.W, { ...widget(''), metadata: {} })
    neither.invalid('Widget.example.com', '', [
      {
        reason: 'FieldValueRequired',
        field: 'metadata.name',
        message: 'Required value: name or generateName is required',
      },
      unchecked,
    ])
  })

  add('C04', 'fields of the system are not taken from clients', async (t) => {
    const sent = {
      uid: '11111111-2222-3333-4444-555555555555',
      generation: 9,
      creationTimestamp: LONG_AGO,
      deletionTimestamp: LONG_AGO,
      deletionGracePeriodSeconds: 30,
      selfLink: '/x',
    }
    const made = (await t.post(t.W, widget('w1', {}, sent))).is(201, {
      metadata: {
        uid: not(sent.uid),
        generation: 1,
        creationTimestamp: not(LONG_AGO),
        deletionTimestamp: absent,
        deletionGracePeriodSeconds: absent,
        selfLink: absent,
      },
    })
    t.match(made.metadata.uid, uuid, 'uid')
    ;(await t.post(t.CM, configMap('c', {}, sent))).is(201, {
      // Kinds whose generation nobody counts keep what they are given.
      metadata: { uid: not(sent.uid), generation: 9, creationTimestamp: not(LONG_AGO), deletionTimestamp: absent },
    })
    const versioned = await t.post(t.W, widget('w2', {}, { resourceVersion: '1' }))
    versioned.is(500, {
      kind: 'Status',
      reason: absent,
      message: 'resourceVersion should not be set on objects to be created',
    })
  })

  add('C05', 'another namespace in the body', async (t) => {
    const answer = await t.post(t.W, widget('w1', {}, { namespace: 'other' }))
    answer.refuses(400, 'BadRequest', {
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    })
    await t.create(t.W, widget('w2', {}, { namespace: t.ns }))
    const { metadata } = await t.read(`${t.W}/w2`)
    const moved = await t.put(`${t.W}/w2`, widget('w2', {}, { ...metadata, namespace: 'other' }))
    moved.refuses(400, 'BadRequest', {
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    })
    // Where there are no namespaces, one that is named is dropped.
    const name = t.unique('g')
    t.after(() => t.delete(`${GADGETS}/${name}`))
    const global = await t.post(GADGETS, { ...gadget(name), metadata: { name, namespace: t.ns } })
    global.is(201, { metadata: { namespace: absent } })
  })

  add('C06', 'another name in the body', async (t) => {
    const made = await t.create(t.W, widget('w1'))
    const message = 'the name of the object (w2) does not match the name on the URL (w1)'
    ;(await t.put(`${t.W}/w1`, withMetadata(made, { name: 'w2' }))).refuses(400, 'BadRequest', { message })
    const named = await t.put(`${t.W}/w1`, withMetadata(made, { name: undefined }))
    named.refuses(400, 'BadRequest', {
      message: 'the name of the object (w1 based on URL) was undeterminable: name must be provided',
    })
  })

  add('C07', 'names that are none', async (t) => {
    for (const name of ['A', 'a_b', '-a', 'a.', 'a'.repeat(254)]) {
      const answer = await t.post(t.W, widget(name))
      answer.invalid('Widget.example.com', name, [
        {
          reason: 'FieldValueInvalid',
          field: 'metadata.name',
          message:
            name.length > 253
              ? /must be no more than 253 (characters|bytes)/
              : /a lowercase RFC 1123 subdomain must consist of/,
        },
      ])
    }
    ;(await t.post(t.CM, configMap('a_b'))).invalid('ConfigMap', 'a_b', [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.name',
        message: /a lowercase RFC 1123 subdomain must consist of/,
      },
    ])
    // Namespaces are labels: no dots, 63 characters.
    for (const name of ['a.b', 'a'.repeat(64)]) {
      const answer = await t.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      answer.refuses(422, 'Invalid', { details: { causes: including({ field: 'metadata.name' }) } })
    }
    // Roles may have nearly any name.
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${t.ns}/roles`
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'system:A_b' },
      rules: [],
    }
    await t.create(roles, role)
    ;(await t.get(`${roles}/system:A_b`)).is(200)
  })

  add('C08', 'a namespace that is not there', async (t) => {
    for (const path of ['/api/v1/namespaces/absent/configmaps', '/apis/example.com/v1/namespaces/absent/widgets']) {
      const answer = await t.post(path, path.endsWith('configmaps') ? configMap('a') : widget('a'))
      answer.refuses(404, 'NotFound', {
        message: 'namespaces "absent" not found',
        details: exactly({ name: 'absent', kind: 'namespaces' }),
      })
      ;(await t.get(path)).is(200, { items: [] })
    }
  })

  add('C09', 'read what is not there', async (t) => {
    const message = 'widgets.example.com "x" not found'
    for (const answer of [
      await t.get(`${t.W}/x`),
      await t.get(`${t.W}/x/status`),
      await t.delete(`${t.W}/x`),
      await t.patch(`${t.W}/x`, 'merge', {}),
    ]) {
      answer.refuses(404, 'NotFound', { message, details: exactly(details('x')) })
    }
    ;(await t.get(`${t.CM}/x`)).refuses(404, 'NotFound', {
      message: 'configmaps "x" not found',
      details: exactly({ name: 'x', kind: 'configmaps' }),
    })
  })

  add('C10', 'update of an old version', async (t) => {
    const first = await t.create(t.W, widget('w1', { size: 1 }))
    const second = (await t.put(`${t.W}/w1`, { ...first, spec: { size: 2 } })).is(200, { spec: { size: 2 } })
    t.check(second.metadata.resourceVersion !== first.metadata.resourceVersion, 'an update must change the version')
    ;(await t.put(`${t.W}/w1`, { ...first, spec: { size: 3 } })).refuses(409, 'Conflict', {
      message: modified('widgets.example.com', 'w1'),
      details: exactly(details('w1')),
    })
    t.match(await t.read(`${t.W}/w1`), exactly(second), 'the object')
    const map = await t.create(t.CM, configMap('c'))
    ;(await t.put(`${t.CM}/c`, { ...map, data: { k: '1' } })).is(200)
    ;(await t.put(`${t.CM}/c`, { ...map, data: { k: '2' } })).refuses(409, 'Conflict', {
      message: modified('configmaps', 'c'),
    })
    // Deleted and made again meanwhile: the uid says so.
    ;(await t.delete(`${t.W}/w1`)).is(200)
    await t.create(t.W, widget('w1'))
    ;(await t.put(`${t.W}/w1`, second)).refuses(409, 'Conflict')
  })

  add('C11', 'update of a custom resource without a version', async (t) => {
    const made = await t.create(t.W, widget('w1'))
    const answer = await t.put(
      `${t.W}/w1`,
      withMetadata({ ...made, spec: { size: 2 } }, { resourceVersion: undefined }),
    )
    answer.invalid('widgets.example.com', 'w1', [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: /^Invalid value: 0: must be specified for an update$/,
      },
    ])
    const broken = await t.put(`${t.W}/w1`, withMetadata(made, { resourceVersion: 'abc' }))
    broken.is(500, { kind: 'Status', message: 'strconv.ParseUint: parsing "abc": invalid syntax' })
  })

  add('C12', 'update of a built-in kind without a version', async (t) => {
    const made = await t.create(t.CM, configMap('c', { a: '1', b: '2' }, { labels: { x: 'y' } }))
    const next = (await t.put(`${t.CM}/c`, configMap('c', { a: '3' }))).is(200, {
      data: exactly({ a: '3' }),
      metadata: { uid: made.metadata.uid, creationTimestamp: made.metadata.creationTimestamp, labels: absent },
    })
    t.check(next.metadata.resourceVersion !== made.metadata.resourceVersion, 'an update must change the version')
  })

  add('C13', 'update of what is not there', async (t) => {
    const metadata = { uid: undefined, resourceVersion: '1' }
    ;(await t.put(`${t.W}/x`, widget('x', {}, metadata))).refuses(404, 'NotFound', {
      message: 'widgets.example.com "x" not found',
      details: exactly(details('x')),
    })
    ;(await t.put(`${t.CM}/x`, configMap('x'))).refuses(404, 'NotFound')
    const made = await t.put(`${leases(t)}/l`, lease('l', { holderIdentity: 'me' }))
    made.is(201, { metadata: { uid: uuid, name: 'l', namespace: t.ns }, spec: { holderIdentity: 'me' } })
    // What can be made so must not be overwritten so.
    ;(await t.put(`${leases(t)}/l`, lease('l', { holderIdentity: 'you' }))).invalid('leases.coordination.k8s.io', 'l', [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message: /must be specified for an update$/ },
    ])
  })

  add('C14', 'an update that changes nothing', async (t) => {
    const made = await t.create(t.W, widget('w1', { size: 5 }))
    const watch = await t.watch(t.W, { query: { resourceVersion: made.metadata.resourceVersion } })
    ;(await t.put(`${t.W}/w1`, made)).is(200, exactly(made))
    ;(await t.put(`${t.W}/w1`, withMetadata(made, { managedFields: undefined }))).is(200, {
      metadata: { resourceVersion: made.metadata.resourceVersion },
    })
    ;(await t.patch(`${t.W}/w1`, 'merge', { spec: { size: 5 } })).is(200, {
      metadata: { resourceVersion: made.metadata.resourceVersion },
    })
    await t.create(t.W, widget('w2'))
    await watch.next('ADDED', { metadata: { name: 'w2' } })
    const map = await t.create(t.CM, configMap('c', { a: '1' }))
    ;(await t.put(`${t.CM}/c`, configMap('c', { a: '1' }))).is(200, {
      metadata: { resourceVersion: map.metadata.resourceVersion },
    })
  })

  add('C15', 'generation', async (t) => {
    const made = await t.create(t.W, widget('w1', { size: 1 }))
    const path = `${t.W}/w1`
    const steps = [
      [await t.patch(path, 'merge', { metadata: { labels: { a: 'b' } } }), 1],
      [await t.patch(path, 'merge', { metadata: { annotations: { a: 'b' } } }), 1],
      [await t.patch(path, 'merge', { spec: { size: 2 } }), 2],
      [await t.patch(`${path}/status`, 'merge', { status: { phase: 'Ready' } }), 2],
      // The main endpoint does not touch the status.
      [await t.patch(path, 'merge', { status: { phase: 'Lost' } }), 2],
      [await t.patch(path, 'merge', { spec: { size: 3 }, metadata: { labels: { a: 'c' } } }), 3],
    ] as const
    t.match(made.metadata.generation, 1, 'generation at the start')
    for (const [answer, generation] of steps) answer.is(200, { metadata: { generation } })
    t.match((await t.read(path)).status, exactly({ phase: 'Ready' }), 'status')
    ;(await t.post(t.CM, configMap('c'))).is(201, { metadata: { generation: absent } })
  })

  add('C16', 'generation without the status subresource', async (t) => {
    const name = t.unique('g')
    const made = await t.createGlobal(GADGETS, gadget(name, { spec: { a: 1 }, status: { phase: 'New' } }))
    t.match(made, { metadata: { generation: 1 }, status: { phase: 'New' } }, 'the new gadget')
    const next = (await t.put(`${GADGETS}/${name}`, { ...made, status: { phase: 'Old' } })).is(200, {
      metadata: { generation: 2 },
      status: { phase: 'Old' },
    })
    ;(await t.put(`${GADGETS}/${name}`, withMetadata(next, { labels: { a: 'b' } }))).is(200, {
      metadata: { generation: 2 },
    })
  })

  add('C17', 'fields that cannot be changed', async (t) => {
    const made = await t.create(t.W, widget('w1', { size: 1 }))
    const path = `${t.W}/w1`
    const other = await t.put(path, withMetadata(made, { uid: '11111111-2222-3333-4444-555555555555' }))
    other.refuses(409, 'Conflict', {
      message: new RegExp(
        `^Operation cannot be fulfilled on widgets\\.example\\.com "w1": .*(UID in precondition: 11111111-2222-3333-4444-555555555555, UID in object meta: ${made.metadata.uid})`,
      ),
    })
    const ignored = { creationTimestamp: LONG_AGO, generation: 17, selfLink: '/x' }
    ;(await t.put(path, withMetadata({ ...made, spec: { size: 2 } }, ignored))).is(200, {
      metadata: { creationTimestamp: made.metadata.creationTimestamp, generation: 2, selfLink: absent },
    })
    for (const [field, value] of Object.entries({ deletionTimestamp: LONG_AGO, deletionGracePeriodSeconds: 3 })) {
      const doomed = await t.put(path, withMetadata(await t.read(path), { [field]: value }))
      doomed.invalid('Widget.example.com', 'w1', [
        { reason: 'FieldValueInvalid', field: `metadata.${field}`, message: /field is immutable/ },
      ])
    }
    const wrongKind = await t.put(path, { ...(await t.read(path)), kind: 'Gadget' })
    wrongKind.invalid('Gadget.example.com', 'w1', [
      { reason: 'FieldValueInvalid', field: 'kind', message: 'Invalid value: "Gadget": must be Widget' },
    ])
    const wrongVersion = await t.put(path, { ...made, apiVersion: 'example.com/v1beta1' })
    wrongVersion.refuses(400, 'BadRequest', {
      message:
        'the API version in the data (example.com/v1beta1) does not match the expected API version (example.com/v1)',
    })
  })

  add('C18', 'labels, annotations and owners must be valid', async (t) => {
    const post = (metadata: object) => t.post(t.W, widget('w1', {}, metadata))
    const invalid = (field: string, message: RegExp) => ({ reason: 'FieldValueInvalid', field, message })
    ;(await post({ labels: { 'a b': 'c' } })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.labels', /^Invalid value: "a b": name part must consist of alphanumeric characters/),
    ])
    ;(await post({ labels: { a: 'not ok' } })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.labels', /^Invalid value: "not ok": a valid label must be an empty string or consist of/),
    ])
    ;(await post({ labels: { a: 'x'.repeat(64) } })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.labels', /must be no more than 63 (characters|bytes)/),
    ])
    ;(await post({ labels: { 'UPPER.example.com/ok': 'x' } })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.labels', /prefix part a lowercase RFC 1123 subdomain/),
    ])
    ;(await post({ annotations: { 'a b': 'anything goes' } })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.annotations', /^Invalid value: "a b": name part must consist of/),
    ])
    ;(await post({ annotations: { a: 'x'.repeat(256 * 1024) } })).invalid('Widget.example.com', 'w1', [
      {
        reason: 'FieldValueTooLong',
        field: 'metadata.annotations',
        message:
          /^Too long: may not be more than 262144 bytes$|^Too long: must have at most 262144 (bytes|characters)$/,
      },
      unchecked,
    ])
    ;(await t.post(t.CM, configMap('c', {}, { labels: { 'a b': 'c' } }))).invalid('ConfigMap', 'c', [
      invalid('metadata.labels', /name part must consist of/),
    ])
    ;(await post({ finalizers: ['nodomain'] })).is(201, { metadata: { finalizers: ['nodomain'] } })
    ;(await t.patch(`${t.W}/w1`, 'merge', { metadata: { finalizers: null } })).is(200)
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: '11111111-2222-3333-4444-555555555555' }
    const owned = await t.post(t.W, widget('w2', {}, { ownerReferences: [{ ...owner, name: '' }] }))
    owned.invalid('Widget.example.com', 'w2', [invalid('metadata.ownerReferences.name', /must not be empty$/)])
    ;(await t.post(t.CM, configMap('c', {}, { finalizers: ['nodomain'] }))).invalid('ConfigMap', 'c', [
      invalid('metadata.finalizers[0]', /name is neither a standard finalizer name nor is it fully qualified$/),
    ])
    ;(await post({ finalizers: ['a b'] })).invalid('Widget.example.com', 'w1', [
      invalid('metadata.finalizers', /^Invalid value: "a b": name part must consist of/),
    ])
    const two = [owner, { ...owner, uid: '11111111-2222-3333-4444-666666666666' }]
    const controllers = two.map((reference) => ({ ...reference, controller: true }))
    const twice = await t.post(t.W, widget('w2', {}, { ownerReferences: controllers }))
    twice.invalid('Widget.example.com', 'w2', [
      invalid('metadata.ownerReferences', /Only one reference can have Controller set to true/),
    ])
    await t.create(
      t.W,
      widget('w3', {}, { labels: { 'example.com/a': '', b: 'x'.repeat(63) }, annotations: { a: 'ü' } }),
    )
    t.match((await t.read(`${t.W}/w3`)).metadata.annotations, exactly({ a: 'ü' }), 'annotations')
  })
})
