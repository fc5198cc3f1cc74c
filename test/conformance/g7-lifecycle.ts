import type { Answer, Obj } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, gadget, GADGETS, widget } from './fixtures.ts'
import { absent, exactly, not, timestamp, version } from './match.ts'

const details = (name: string): object => ({ name, group: 'example.com', kind: 'widgets' })
const UID = '11111111-2222-3333-4444-555555555555'

/** A widget that finalizers hold, with whatever is needed to be rid of it in the end. */
async function held(t: T, name: string, finalizers: readonly string[]): Promise<Obj> {
  t.after(() => t.patch(`${t.W}/${name}`, 'merge', { metadata: { finalizers: null } }))
  return t.create(t.W, widget(name, {}, { finalizers }))
}

export const lifecycle = group('G7', (add) => {
  add('F01', 'status is written alone', async (t) => {
    const made = await t.create(t.W, widget('w', { size: 5 }, { labels: { a: '1' } }))
    const other = {
      ...made,
      metadata: { ...made.metadata, labels: { b: '2' }, finalizers: ['example.com/f'] },
      spec: { size: 1000 },
      status: { phase: 'Ready', replicas: 2 },
    }
    const written = (await t.put(`${t.W}/w/status`, other)).is(200, {
      metadata: {
        labels: exactly({ a: '1' }),
        finalizers: absent,
        generation: 1,
        resourceVersion: not(made.metadata.resourceVersion),
        uid: made.metadata.uid,
      },
      spec: exactly({ size: 5 }),
      status: exactly({ phase: 'Ready', replicas: 2 }),
    })
    t.match(await t.read(`${t.W}/w`), exactly(written), 'the object')
    t.match(await t.read(`${t.W}/w/status`), exactly(written), 'the object by its status')
    ;(await t.patch(`${t.W}/w/status`, 'merge', { spec: { mode: 'B' }, status: { phase: null } })).is(200, {
      spec: exactly({ size: 5 }),
      status: exactly({ replicas: 2 }),
    })
    // Versions are compared as everywhere, and one is needed.
    ;(await t.put(`${t.W}/w/status`, other)).refuses(409, 'Conflict')
    const { resourceVersion: _, ...unversioned } = made.metadata
    ;(await t.put(`${t.W}/w/status`, { ...other, metadata: unversioned })).refuses(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion' }] },
    })
    const unknown = { ...written, metadata: unversioned, status: { nope: 1 } }
    ;(await t.put(`${t.W}/w/status`, unknown, { query: { fieldValidation: 'Strict' } })).refuses(400, 'BadRequest', {
      message:
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "status.nope"',
    })
    ;(await t.patch(`${t.W}/absent/status`, 'merge', {})).refuses(404, 'NotFound', {
      details: exactly(details('absent')),
    })
    ;(await t.delete(`${t.W}/w/status`)).refuses(405, 'MethodNotAllowed', {
      message: 'delete is not supported on resources of kind "widgets.example.com"',
    })
    // Kinds that are compiled in take metadata along, but no spec.
    const deployments = `/apis/apps/v1/namespaces/${t.ns}/deployments`
    const labels = { app: 'a' }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'registry.example/a' }] } }
    const paused = { paused: true, replicas: 0, selector: { matchLabels: labels }, template }
    await t.create(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: paused })
    const patch = {
      metadata: { labels: { b: '2' }, annotations: { c: '3' } },
      spec: { replicas: 9 },
      status: { conditions: [{ type: 'Example', status: 'True' }] },
    }
    ;(await t.patch(`${deployments}/d/status`, 'merge', patch)).is(200, {
      metadata: { labels: absent, annotations: { c: '3' }, generation: 1 },
      spec: { replicas: 0 },
      status: { conditions: [{ type: 'Example', status: 'True' }] },
    })
  })

  add('F02', 'status is dropped on creation', async (t) => {
    const made = await t.create(t.W, { ...widget('w'), status: { phase: 'Ready' } })
    t.match(made['status'], absent, 'status')
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    ;(await t.put(`${t.W}/w`, { ...made, spec: { size: 4 }, status: { phase: 'Ready' } })).is(200, { status: absent })
    // Without the subresource, status is a field like all others.
    const name = t.unique('g')
    const global = await t.createGlobal(GADGETS, gadget(name, { status: { phase: 'Ready' } }))
    t.match(global.status, exactly({ phase: 'Ready' }), 'status of a gadget')
  })

  add('F03', 'status of a kind that has none', async (t) => {
    const name = t.unique('g')
    const made = await t.createGlobal(GADGETS, gadget(name))
    for (const subresource of ['status', 'scale', 'nope']) {
      const path = `${GADGETS}/${name}/${subresource}`
      for (const answer of [await t.get(path), await t.put(path, made), await t.patch(path, 'merge', { status: {} })]) {
        answer.refuses(404, 'NotFound', {
          message: `gadgets.example.com "${name}" not found`,
          details: exactly({ name, group: 'example.com', kind: 'gadgets' }),
        })
      }
    }
    await t.create(t.W, widget('w'))
    ;(await t.get(`${t.W}/w/nope`)).refuses(404, 'NotFound', { message: 'widgets.example.com "w" not found' })
    ;(await t.get(`${t.CM}/c/status`)).refuses(404, 'NotFound', {
      message: 'the server could not find the requested resource',
    })
  })

  add('F04', 'scale', async (t) => {
    const made = await t.create(t.W, widget('w', { replicas: 3 }, { labels: { a: '1' } }))
    const path = `${t.W}/w/scale`
    const scale = (await t.get(path)).is(200, {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: exactly({
        name: 'w',
        namespace: t.ns,
        uid: made.metadata.uid,
        resourceVersion: made.metadata.resourceVersion,
        creationTimestamp: made.metadata.creationTimestamp,
      }),
      spec: exactly({ replicas: 3 }),
      status: exactly({ replicas: 0 }),
    })
    await t.patch(`${t.W}/w/status`, 'merge', { status: { replicas: 2, selector: 'a=b' } })
    const seen = (await t.get(path)).is(200, { status: exactly({ replicas: 2, selector: 'a=b' }) })
    const put = { ...seen, spec: { replicas: 5 }, status: { replicas: 9 } }
    ;(await t.put(path, put)).is(200, { spec: { replicas: 5 }, status: exactly({ replicas: 2, selector: 'a=b' }) })
    t.match(
      await t.read(`${t.W}/w`),
      {
        spec: exactly({ size: 3, replicas: 5 }),
        status: { replicas: 2 },
        metadata: { generation: 2, labels: { a: '1' } },
      },
      'the scaled object',
    )
    ;(await t.put(path, { ...scale, spec: { replicas: 6 } })).refuses(409, 'Conflict', {
      message: /^Operation cannot be fulfilled on widgets\.example\.com "w": the object has been modified;/,
    })
    ;(await t.patch(path, 'merge', { spec: { replicas: -2 } })).invalid('Widget.example.com', 'w', [
      {
        reason: 'FieldValueInvalid',
        field: '.spec.replicas',
        message: 'Invalid value: -2: should be a non-negative integer',
      },
    ])
    ;(await t.patch(path, 'json', [{ op: 'replace', path: '/spec/replicas', value: 0 }])).is(200, { spec: exactly({}) })
    t.match((await t.read(`${t.W}/w`)).spec, { replicas: 0 }, 'spec')
    // Nowhere to read it from.
    await t.create(t.W, widget('empty'))
    ;(await t.get(`${t.W}/empty/scale`)).refuses(500, 'InternalError', {
      message: 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    })
    ;(await t.patch(`${t.W}/empty/scale`, 'merge', { spec: { replicas: 1 } })).is(200, { spec: { replicas: 1 } })
    ;(await t.get(`${t.W}/absent/scale`)).refuses(404, 'NotFound', { details: exactly(details('absent')) })
    ;(await t.post(path, scale)).refuses(405, 'MethodNotAllowed')
  })

  add('F05', 'answers to deletion', async (t) => {
    const made = await t.create(t.W, widget('w'))
    const watch = await t.watch(t.W, { query: { resourceVersion: made.metadata.resourceVersion } })
    const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: absent }
    ;(await t.delete(`${t.W}/w`)).is(200, {
      ...success,
      details: exactly({ ...details('w'), uid: made.metadata.uid }),
    })
    await watch.next('DELETED', {
      metadata: {
        name: 'w',
        uid: made.metadata.uid,
        resourceVersion: not(made.metadata.resourceVersion),
        deletionTimestamp: absent,
      },
    })
    const refusal = { message: 'widgets.example.com "w" not found', details: exactly(details('w')) }
    ;(await t.delete(`${t.W}/w`)).refuses(404, 'NotFound', refusal)
    ;(await t.get(`${t.W}/w`)).refuses(404, 'NotFound', refusal)
    const map = await t.create(t.CM, configMap('c'))
    ;(await t.delete(`${t.CM}/c`)).is(200, {
      ...success,
      details: exactly({ name: 'c', kind: 'configmaps', uid: map.metadata.uid }),
    })
    // Some answer with the object.
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } }
    await t.create(`/api/v1/namespaces/${t.ns}/serviceaccounts`, account)
    ;(await t.delete(`/api/v1/namespaces/${t.ns}/serviceaccounts/a`)).is(200, account)
    ;(await t.delete('/apis/example.com/v1/namespaces/absent/widgets/w')).refuses(404, 'NotFound', refusal)
  })

  add('F06', 'finalizers hold', async (t) => {
    const made = await held(t, 'w', ['example.com/a'])
    const watch = await t.watch(t.W, { query: { resourceVersion: made.metadata.resourceVersion } })
    const deleted = (await t.delete(`${t.W}/w`)).is(200, {
      kind: 'Widget',
      metadata: {
        deletionTimestamp: timestamp,
        deletionGracePeriodSeconds: 0,
        finalizers: exactly(['example.com/a']),
        generation: 2,
        resourceVersion: version,
      },
    })
    await watch.next('MODIFIED', exactly(deleted))
    t.match(await t.read(`${t.W}/w`), exactly(deleted), 'the object')
    ;(await t.post(t.W, widget('w'))).refuses(409, 'AlreadyExists', {
      message: 'object is being deleted: widgets.example.com "w" already exists',
      details: exactly(details('w')),
    })
    // What has no generation gets none.
    t.after(() => t.patch(`${t.CM}/c`, 'merge', { metadata: { finalizers: null } }))
    await t.create(t.CM, configMap('c', {}, { finalizers: ['example.com/a'] }))
    ;(await t.delete(`${t.CM}/c`)).is(200, { metadata: { deletionTimestamp: timestamp, generation: absent } })
  })

  add('F07', 'a second deletion', async (t) => {
    await held(t, 'w', ['example.com/a'])
    const first = (await t.delete(`${t.W}/w`)).is(200)
    await t.pause(1_100)
    const again = await t.delete(`${t.W}/w`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 7 })
    t.match(again.is(200), exactly(first), 'the answer')
    const watch = await t.watch(t.W, { query: { resourceVersion: first.metadata.resourceVersion } })
    // Nothing takes it back.
    for (const deletionTimestamp of [null, '2001-01-01T00:00:00Z']) {
      ;(await t.patch(`${t.W}/w`, 'merge', { metadata: { deletionTimestamp } })).is(200, {
        metadata: { deletionTimestamp: first.metadata.deletionTimestamp },
      })
    }
    // It can still be changed.
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 9 } })).is(200, {
      spec: { size: 9 },
      metadata: { generation: 3, deletionTimestamp: first.metadata.deletionTimestamp },
    })
    const { type } = await watch.any()
    t.match(type, 'MODIFIED', 'type of the event')
  })

  add('F08', 'released', async (t) => {
    await held(t, 'w', ['example.com/a', 'example.com/b'])
    const deleted = (await t.delete(`${t.W}/w`)).is(200)
    const watch = await t.watch(t.W, { query: { resourceVersion: deleted.metadata.resourceVersion } })
    const one = { metadata: { finalizers: ['example.com/b'] } }
    ;(await t.patch(`${t.W}/w`, 'merge', one)).is(200, { metadata: { finalizers: ['example.com/b'] } })
    await watch.next('MODIFIED', { metadata: { finalizers: ['example.com/b'] } })
    // Not by way of the status.
    ;(await t.patch(`${t.W}/w/status`, 'merge', { metadata: { finalizers: null } })).is(200, {
      metadata: { finalizers: ['example.com/b'] },
    })
    const last = await t.patch(`${t.W}/w`, 'json', [{ op: 'remove', path: '/metadata/finalizers/0' }])
    last.is(200, { metadata: { finalizers: absent, deletionTimestamp: deleted.metadata.deletionTimestamp } })
    ;(await t.get(`${t.W}/w`)).refuses(404, 'NotFound')
    let event = await watch.any()
    while (event.type === 'MODIFIED') event = await watch.any()
    t.match(
      event,
      { type: 'DELETED', object: { metadata: { name: 'w', resourceVersion: version, deletionTimestamp: timestamp } } },
      'the event',
    )
    // A finalizer that goes before the deletion holds nothing.
    await held(t, 'v', ['example.com/a'])
    ;(await t.patch(`${t.W}/v`, 'merge', { metadata: { finalizers: [] } })).is(200)
    ;(await t.delete(`${t.W}/v`)).is(200, { kind: 'Status', status: 'Success' })
  })

  add('F09', 'no new finalizers', async (t) => {
    await held(t, 'w', ['example.com/a', 'example.com/b'])
    const finalizers = (...list: readonly string[]): Promise<Answer> =>
      t.patch(`${t.W}/w`, 'merge', { metadata: { finalizers: list } })
    await t.delete(`${t.W}/w`)
    for (const list of [
      ['example.com/a', 'example.com/b', 'example.com/z'],
      ['example.com/b', 'example.com/z'],
    ]) {
      const message =
        'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/z"}'
      ;(await finalizers(...list)).refuses(422, 'Invalid', {
        message: `Widget.example.com "w" is invalid: metadata.finalizers: ${message}`,
      })
    }
    ;(await finalizers('example.com/b', 'example.com/a')).is(200, {
      metadata: { finalizers: ['example.com/b', 'example.com/a'] },
    })
    // Others may be added as long as it is not being deleted.
    await held(t, 'v', ['example.com/a'])
    const more = { metadata: { finalizers: ['example.com/a', 'example.com/b'] } }
    ;(await t.patch(`${t.W}/v`, 'merge', more)).is(200, more)
    const bad = await t.patch(`${t.W}/v`, 'merge', { metadata: { finalizers: ['example.com/a', 'a b'] } })
    bad.refuses(422, 'Invalid', { message: /metadata\.finalizers/ })
  })

  add('F10', 'preconditions of deletion', async (t) => {
    const map = await t.create(t.CM, configMap('c'))
    const { uid, resourceVersion } = map.metadata
    const start = 'Operation cannot be fulfilled on ConfigMap "c": the'
    ;(await t.delete(`${t.CM}/c`, { preconditions: { uid: UID } })).refuses(409, 'Conflict', {
      message: `${start} UID in the precondition (${UID}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
      details: exactly({ name: 'c', kind: 'ConfigMap' }),
    })
    ;(await t.delete(`${t.CM}/c`, { preconditions: { resourceVersion: '1' } })).refuses(409, 'Conflict', {
      message: `${start} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    })
    await t.create(t.W, widget('w'))
    ;(await t.delete(`${t.W}/w`, { preconditions: { uid: UID } })).refuses(409, 'Conflict', {
      message: /^Operation cannot be fulfilled on Widget\.example\.com "w": the UID in the precondition/,
      details: exactly({ name: 'w', group: 'example.com', kind: 'Widget' }),
    })
    t.match(await t.read(`${t.CM}/c`), exactly(map), 'the object')
    ;(await t.delete(`${t.CM}/c`, { preconditions: { uid, resourceVersion } })).is(200, { status: 'Success' })
  })

  add('F11', 'options of a deletion that are wrong', async (t) => {
    const map = await t.create(t.CM, configMap('c'))
    const invalid = (reason: string, message: string): Parameters<Answer['refuses']>[2] => ({
      message: `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: ${message}`,
      details: exactly({
        group: 'meta.k8s.io',
        kind: 'DeleteOptions',
        causes: [{ reason, message, field: 'propagationPolicy' }],
      }),
    })
    const unsupported = invalid(
      'FieldValueNotSupported',
      'Unsupported value: "X": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
    ;(await t.delete(`${t.CM}/c`, { propagationPolicy: 'X' })).refuses(422, 'Invalid', unsupported)
    const query = { propagationPolicy: 'X' }
    ;(await t.delete(`${t.CM}/c`, undefined, { query })).refuses(422, 'Invalid', unsupported)
    ;(await t.delete(t.CM, { propagationPolicy: 'X' })).refuses(422, 'Invalid', unsupported)
    const both = { propagationPolicy: 'Background', orphanDependents: false }
    ;(await t.delete(`${t.CM}/c`, both)).refuses(
      422,
      'Invalid',
      invalid(
        'FieldValueInvalid',
        'Invalid value: "Background": orphanDependents and deletionPropagation cannot be both set',
      ),
    )
    ;(await t.delete(`${t.CM}/c`, { gracePeriodSeconds: 'x' })).refuses(400, 'BadRequest', {
      message: 'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    })
    ;(await t.delete(`${t.CM}/c`, { kind: 'Nope', apiVersion: 'v1' })).refuses(400, 'BadRequest', {
      message: /^no kind "Nope" is registered for version "v1" in scheme /,
    })
    ;(await t.delete(`${t.CM}/c`, '{')).refuses(400, 'BadRequest')
    t.match(await t.read(`${t.CM}/c`), exactly(map), 'the object')
    // The options of any group are the same.
    ;(await t.delete(`${t.CM}/c`, { kind: 'DeleteOptions', apiVersion: 'apps/v1' })).is(200, { status: 'Success' })
  })

  add('F15', 'delete a collection', async (t) => {
    for (const [name, app] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ] as const) {
      await t.create(t.W, widget(name, { mode: app.toUpperCase() }, { labels: { app } }))
    }
    await held(t, 'a3', ['example.com/f'])
    ;(await t.patch(`${t.W}/a3`, 'merge', { metadata: { labels: { app: 'a' } } })).is(200)
    const elsewhere = await t.namespace()
    const there = `/apis/example.com/v1/namespaces/${elsewhere}/widgets`
    await t.create(there, widget('a1', {}, { labels: { app: 'a' } }))
    const answer = await t.delete(t.W, undefined, { query: { labelSelector: 'app=a' } })
    const { items } = answer.is<{ items: Obj[] }>(200, { kind: 'WidgetList', apiVersion: 'example.com/v1' })
    t.match(
      items.map(({ metadata }) => metadata.name),
      exactly(['a1', 'a2', 'a3']),
      'names of what was deleted',
    )
    for (const name of ['a1', 'a2']) (await t.get(`${t.W}/${name}`)).refuses(404, 'NotFound')
    t.match(await t.read(`${t.W}/a3`), { metadata: { deletionTimestamp: timestamp } }, 'what is held')
    await t.read(`${t.W}/b1`)
    await t.read(`${there}/a1`)
    ;(await t.delete(t.W, undefined, { query: { labelSelector: 'app in (' } })).refuses(400, 'BadRequest')
    ;(await t.delete(t.W, undefined, { query: { fieldSelector: 'spec.mode=B' } })).is(200)
    ;(await t.get(`${t.W}/b1`)).refuses(404, 'NotFound')
    // Not across namespaces.
    const everywhere = await t.delete('/apis/example.com/v1/widgets')
    t.match(everywhere.status, 404, 'status')
  })
})
