import type { Obj } from './answer.ts'
import { group } from './case.ts'
import { conditioned, conditionsOf, specified, unserved } from './definitions.ts'
import { anything, CRD, definition, gadget, GADGETS, widget } from './fixtures.ts'
import { absent, exactly, not, timestamp } from './match.ts'

export const versions = group('G8', (add) => {
  add('V17', 'versions of one object', async (t) => {
    const beta = `/apis/example.com/v1beta1/namespaces/${t.ns}/widgets`
    const made = await t.create(beta, { ...widget('w', { size: 4 }), apiVersion: 'example.com/v1beta1' })
    t.match(made.apiVersion, 'example.com/v1beta1', 'apiVersion')
    const same = { uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion, generation: 1 }
    const read = await t.read(`${t.W}/w`)
    t.match(
      read,
      { apiVersion: 'example.com/v1', kind: 'Widget', metadata: same, spec: exactly({ size: 4 }) },
      'the object in v1',
    )
    t.match(read.metadata.managedFields, [{ apiVersion: 'example.com/v1beta1' }], 'managedFields')
    const { items } = (await t.get(beta)).is<{ items: Obj[] }>(200, {
      kind: 'WidgetList',
      apiVersion: 'example.com/v1beta1',
    })
    t.match(items, [{ apiVersion: 'example.com/v1beta1', metadata: same }], 'items')
    const watch = await t.watch(beta, { query: { resourceVersion: made.metadata.resourceVersion } })
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 5 } })).is(200, { apiVersion: 'example.com/v1' })
    await watch.next('MODIFIED', { apiVersion: 'example.com/v1beta1', spec: { size: 5 } })
    // A body in another version than the path is refused, in words that name both.
    ;(await t.post(t.W, { ...widget('v'), apiVersion: 'example.com/v1beta1' })).refuses(400, 'BadRequest', {
      message:
        'the API version in the data (example.com/v1beta1) does not match the expected API version (example.com/v1)',
    })
    unserved(await t.get('/apis/example.com/v3/widgets'))
    // A version that is no longer served is gone, but its objects are not.
    const suffix = `${t.unique('g')}.example.com`
    const versions = (served: boolean): object => ({
      versions: [
        { name: 'v1', served: true, storage: true, ...anything },
        { name: 'v1alpha1', served, storage: false, ...anything, deprecated: true },
      ],
    })
    await t.createGlobal(CRD, definition('foos', suffix, {}, versions(true)))
    const path = (version: string): string => `/apis/${suffix}/${version}/namespaces/${t.ns}/foos`
    await t.eventually(async () => (await t.get(path('v1alpha1'))).is(200))
    const alpha = await t.post(path('v1alpha1'), {
      apiVersion: `${suffix}/v1alpha1`,
      kind: 'Foo',
      metadata: { name: 'f' },
    })
    alpha.header('warning', `299 - "${suffix}/v1alpha1 Foo is deprecated; use ${suffix}/v1 Foo"`).is(201)
    ;(await t.patch(`${CRD}/foos.${suffix}`, 'merge', { spec: versions(false) })).is(200)
    await t.eventually(async () => unserved(await t.get(path('v1alpha1'))))
    ;(await t.get(`${path('v1')}/f`)).header('warning', absent).is(200, { apiVersion: `${suffix}/v1` })
  })

  add('V18', 'a schema that changes', async (t) => {
    const suffix = `${t.unique('g')}.example.com`
    const name = `${CRD}/foos.${suffix}`
    const number = { type: 'integer' }
    await t.createGlobal(
      CRD,
      definition('foos', suffix, specified({ type: 'object', properties: { a: number, b: number } })),
    )
    const path = `/apis/${suffix}/v1/namespaces/${t.ns}/foos`
    await t.eventually(async () => (await t.get(path)).is(200))
    const foo = { apiVersion: `${suffix}/v1`, kind: 'Foo', metadata: { name: 'f' }, spec: { a: 1, b: 2 } }
    const made = await t.create(path, foo)
    const changed = { type: 'object', properties: { a: number, c: { type: 'string', default: 'd' } } }
    const patch = [
      { op: 'replace', path: '/spec/versions/0/schema', value: (specified(changed) as { schema: object }).schema },
    ]
    ;(await t.patch(name, 'json', patch)).is(200)
    // What is stored reads by the new schema: with its defaults, without its unknown fields, and as no new version.
    await t.eventually(async () =>
      (await t.get(`${path}/f`)).is(200, {
        spec: exactly({ a: 1, c: 'd' }),
        metadata: { resourceVersion: made.metadata.resourceVersion, generation: 1 },
      }),
    )
    // Its storage may begin anew more than once.
    const { items } = await t.eventually(async () => (await t.get(path)).is<{ items: Obj[] }>(200))
    t.match(items, [{ spec: exactly({ a: 1, c: 'd' }) }], 'items')
    await t.eventually(async () => {
      const answer = await t.post(path, { ...foo, metadata: { name: 'g' } })
      answer.header('warning', '299 - "unknown field \\"spec.b\\""').is(201, { spec: exactly({ a: 1, c: 'd' }) })
    })
    await t.eventually(async () =>
      (await t.patch(`${path}/f`, 'merge', { spec: { a: 2 } })).is(200, {
        spec: exactly({ a: 2, c: 'd' }),
        metadata: { generation: 2, uid: made.metadata.uid },
      }),
    )
  })

  add('V19', 'columns', async (t) => {
    await t.create(t.W, widget('a', { size: 4, mode: 'A', name: 'x' }))
    await t.create(t.W, widget('b'))
    const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'
    interface Table {
      readonly columnDefinitions: readonly object[]
      readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Obj }[]
    }
    const table = (await t.get(t.W, { accept })).is<Table>(200, { kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    t.match(
      table.columnDefinitions,
      [
        {
          name: 'Name',
          type: 'string',
          format: 'name',
          priority: 0,
          description: /^Name must be unique within a namespace\./,
        },
        {
          name: 'Size',
          type: 'integer',
          format: '',
          priority: 0,
          description: 'Custom resource definition column (in JSONPath format): .spec.size',
        },
        { name: 'Mode', type: 'string', format: '', priority: 0 },
        { name: 'Age', type: 'date', format: '', priority: 0 },
        { name: 'Wide', type: 'string', format: '', priority: 1 },
      ],
      'columns',
    )
    t.match(
      table.rows.map(({ cells }) => cells),
      [
        ['a', 4, 'A', /^\d+s$/, 'x'],
        ['b', 3, null, /^\d+s$/, null],
      ],
      'cells',
    )
    t.match(
      table.rows.map(({ object }) => object),
      [
        { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' }, spec: absent },
        { metadata: { name: 'b' } },
      ],
      'objects',
    )
    const one = (await t.get(`${t.W}/a`, { accept, query: { includeObject: 'Object' } })).is<Table>(200)
    t.match(one.rows, [{ object: { kind: 'Widget', spec: { size: 4 } } }], 'rows')
    const name = t.unique('g')
    await t.createGlobal(GADGETS, gadget(name))
    const gadgets = (await t.get(`${GADGETS}/${name}`, { accept })).is<Table>(200)
    t.match(gadgets.columnDefinitions, [{ name: 'Name' }, { name: 'Age', type: 'date' }], 'columns of gadgets')
    t.match(
      gadgets.rows.map(({ cells }) => cells),
      [[name, /^\d+s$/]],
      'cells of a gadget',
    )
  })

  add(
    'V20',
    'a definition goes with its objects',
    async (t) => {
      const suffix = `${t.unique('g')}.example.com`
      const name = `foos.${suffix}`
      await t.createGlobal(CRD, definition('foos', suffix, anything))
      const path = `/apis/${suffix}/v1/namespaces/${t.ns}/foos`
      await t.eventually(async () => (await t.get(path)).is(200))
      const foo = (foos: string, finalizers?: readonly string[]): object => ({
        apiVersion: `${suffix}/v1`,
        kind: 'Foo',
        metadata: { name: foos, ...(finalizers === undefined ? {} : { finalizers }) },
      })
      t.after(() => t.patch(`${path}/held`, 'merge', { metadata: { finalizers: null } }))
      await t.create(path, foo('held', ['example.com/f']))
      await t.create(path, foo('free'))
      await conditioned(t, name, 'Established', 'True')
      ;(await t.delete(`${CRD}/${name}`)).is(200, {
        metadata: { deletionTimestamp: timestamp, finalizers: ['customresourcecleanup.apiextensions.k8s.io'] },
      })
      await t.eventually(async () => (await t.get(`${path}/free`)).refuses(404, 'NotFound'))
      const ending = await conditioned(t, name, 'Terminating', 'True')
      t.match(conditionsOf(ending)['Terminating'], { reason: not('') }, 'condition')
      ;(await t.post(path, foo('late'))).refuses(403, 'Forbidden', {
        message: `foos.${suffix} "late" is forbidden: create not allowed while custom resource definition is terminating`,
      })
      t.match(await t.read(`${path}/held`), { metadata: { deletionTimestamp: timestamp } }, 'what is held')
      ;(await t.patch(`${path}/held`, 'merge', { metadata: { finalizers: null } })).is(200)
      await t.eventually(async () => (await t.get(`${CRD}/${name}`)).refuses(404, 'NotFound'), 25_000)
      await t.eventually(async () => unserved(await t.get(path)))
      await t.eventually(async () => unserved(await t.get(`/apis/${suffix}`)))
      // Another one of the same name begins empty.
      await t.createGlobal(CRD, definition('foos', suffix, anything))
      await t.eventually(async () => (await t.get(path)).is(200, { items: [] }))
    },
    { timeoutMs: 60_000 },
  )
})
