import { group } from './case.ts'
import { applier, conflicts, item, nothing, owned, spec, timeless, updater, V1 } from './field-owners.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly, not } from './match.ts'

export const apply = group('G6', (add) => {
  add('S01', 'apply creates', async (t) => {
    const body = widget(
      'w',
      {
        name: 'x',
        replicas: 2,
        tags: ['a', 'b'],
        items: [{ name: 'i', value: 'v' }],
        steps: ['s'],
        labelsAtomic: { k: 'v' },
        port: '80%',
        blob: { x: { y: 1 }, list: [1, { z: 2 }], empty: {} },
        template: { apiVersion: 'v1', kind: 'Any', metadata: { name: 'n', labels: { l: 'm' } }, spec: { a: true } },
        nul: null,
        when: '2024-01-01T00:00:00Z',
      },
      { labels: { a: '1' }, annotations: { 'example.com/a': '' }, finalizers: ['example.com/f'] },
    )
    t.after(() => t.patch(`${t.W}/w`, 'merge', { metadata: { finalizers: null } }))
    const made = (await t.apply(`${t.W}/w`, 'm1', body)).is(201, {
      apiVersion: V1,
      kind: 'Widget',
      metadata: { generation: 1, labels: exactly({ a: '1' }) },
      spec: { ...(body['spec'] as object), size: 3, items: [exactly({ name: 'i', value: 'v', port: 80 })] },
    })
    owned(t, made, [
      applier('m1', {
        'f:metadata': {
          'f:annotations': { 'f:example.com/a': {} },
          'f:finalizers': { 'v:"example.com/f"': {} },
          'f:labels': { 'f:a': {} },
        },
        'f:spec': {
          'f:blob': { 'f:empty': {}, 'f:list': {}, 'f:x': { '.': {}, 'f:y': {} } },
          'f:items': { 'k:{"name":"i"}': item('name', 'value') },
          'f:labelsAtomic': {},
          'f:name': {},
          'f:nul': {},
          'f:port': {},
          'f:replicas': {},
          'f:steps': {},
          'f:tags': { 'v:"a"': {}, 'v:"b"': {} },
          'f:template': {
            'f:apiVersion': {},
            'f:kind': {},
            'f:metadata': { 'f:labels': { 'f:l': {} }, 'f:name': {} },
            'f:spec': item('a'),
          },
          'f:when': {},
        },
      }),
    ])
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object read again')
    const yaml = `# With a comment.\napiVersion: ${V1}\nkind: Widget\nmetadata: {name: wy}\nspec:\n  size: 4\n  steps: [one, "2"]\n`
    const fromYaml = (await t.apply(`${t.W}/wy`, 'm1', yaml)).is(201, {
      spec: exactly({ size: 4, steps: ['one', '2'] }),
    })
    owned(t, fromYaml, [applier('m1', spec({ 'f:size': {}, 'f:steps': {} }))])
    const core = (await t.apply(`${t.CM}/c`, 'm1', configMap('c', { k: 'v' }))).is(201, { data: exactly({ k: 'v' }) })
    owned(t, core, [applier('m1', { 'f:data': { 'f:k': {} } }, { apiVersion: 'v1' })])
  })

  add('S02', 'apply the same again', async (t) => {
    const body = widget('w', { size: 4, items: [{ name: 'a' }], nul: null, tags: [] }, { labels: { a: '1' } })
    const made = (await t.apply(`${t.W}/w`, 'm1', body)).is(201)
    const watch = await t.watch(t.W, { query: { resourceVersion: made.metadata.resourceVersion } })
    const again = (await t.apply(`${t.W}/w`, 'm1', body)).is(200)
    t.match(again, exactly(made), 'the answer')
    // The time of the entry may not be the reason for a write either.
    await t.pause(1_100)
    t.match((await t.apply(`${t.W}/w`, 'm1', body)).is(200), exactly(made), 'the answer a second later')
    ;(await t.apply(`${t.W}/w`, 'm1', body, { query: { force: true } })).is(200, {
      metadata: { resourceVersion: made.metadata.resourceVersion },
    })
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    await t.create(t.W, widget('marker'))
    await watch.next('ADDED', { metadata: { name: 'marker' } })
    // Somebody else who applies the same changes only who owns what.
    const shared = (await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 4 }))).is(200, {
      metadata: { generation: 1, resourceVersion: not(made.metadata.resourceVersion) },
    })
    t.match(shared.metadata.managedFields?.length, 2, 'number of managers')
    await watch.next('MODIFIED', { metadata: { name: 'w', resourceVersion: shared.metadata.resourceVersion } })
  })

  add('S03', 'apply adds a field', async (t) => {
    const made = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 4 }))).is(201)
    const more = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 4, mode: 'B' }, { labels: { a: '1' } }))).is(
      200,
      {
        metadata: {
          labels: exactly({ a: '1' }),
          generation: 2,
          resourceVersion: not(made.metadata.resourceVersion),
          uid: made.metadata.uid,
        },
        spec: exactly({ size: 4, mode: 'B' }),
      },
    )
    owned(t, more, [
      applier('m1', { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:mode': {}, 'f:size': {} } }),
    ])
    const second = (await t.apply(`${t.W}/w`, 'm2', widget('w', { replicas: 1 }, { labels: { b: '2' } }))).is(200, {
      metadata: { labels: exactly({ a: '1', b: '2' }), generation: 3 },
      spec: exactly({ size: 4, mode: 'B', replicas: 1 }),
    })
    owned(t, second, [
      applier('m1', { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:mode': {}, 'f:size': {} } }),
      applier('m2', { 'f:metadata': { 'f:labels': { 'f:b': {} } }, 'f:spec': { 'f:replicas': {} } }),
    ])
    // A version in what is applied is checked.
    const { resourceVersion } = made.metadata
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5 }, { resourceVersion }))).refuses(409, 'Conflict', {
      message:
        'Operation cannot be fulfilled on widgets.example.com "w": the object has been modified; please apply your changes to the latest version and try again',
    })
    const current = { resourceVersion: second.metadata.resourceVersion }
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5 }, current))).is(200, { spec: { size: 5 } })
  })

  add('S04', 'apply no longer has a field', async (t) => {
    const first = { size: 7, replicas: 2, mode: 'A', blob: { a: 1, b: { c: 2, d: 3 } }, labelsAtomic: { k: 'v' } }
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', first, { labels: { a: '1', b: '2' } }))).is(201)
    ;(await t.apply(`${t.W}/w`, 'm2', widget('w', { replicas: 2, blob: { b: { d: 3 } } }))).is(200)
    const rest = (await t.apply(`${t.W}/w`, 'm1', widget('w', { blob: { a: 1 } }, { labels: { b: '2' } }))).is(200, {
      metadata: { labels: exactly({ b: '2' }) },
      // The size goes back to its default; what somebody else owns stays.
      spec: exactly({ size: 3, replicas: 2, blob: { a: 1, b: { d: 3 } } }),
    })
    owned(t, rest, [
      applier('m1', { 'f:metadata': { 'f:labels': { 'f:b': {} } }, 'f:spec': { 'f:blob': { 'f:a': {} } } }),
      applier('m2', spec({ 'f:blob': { 'f:b': item('d') }, 'f:replicas': {} }), timeless),
    ])
    const none = (await t.apply(`${t.W}/w`, 'm1', nothing)).is(200, {
      metadata: { labels: absent },
      spec: exactly({ size: 3, replicas: 2, blob: { b: { d: 3 } } }),
    })
    owned(t, none, [applier('m2', spec({ 'f:blob': { 'f:b': item('d') }, 'f:replicas': {} }), timeless)])
    // What the manager never applied, it does not remove.
    await t.create(t.CM, configMap('c', { a: '1' }))
    ;(await t.apply(`${t.CM}/c`, 'm1', configMap('c', { b: '2' }))).is(200, { data: exactly({ a: '1', b: '2' }) })
    ;(await t.apply(`${t.CM}/c`, 'm1', configMap('c', { c: '3' }))).is(200, { data: exactly({ a: '1', c: '3' }) })
  })

  add('S05', 'conflict with somebody who applies', async (t) => {
    const made = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A', replicas: 1 }))).is(201)
    const one = await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 6 }))
    conflicts(one, ['"m1"', '.spec.size'])
    const two = await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 6, mode: 'B', replicas: 1 }))
    conflicts(two, ['"m1"', '.spec.mode'], ['"m1"', '.spec.size'])
    two.has({ message: 'Apply failed with 2 conflicts: conflicts with "m1":\n- .spec.mode\n- .spec.size' })
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    ;(await t.apply(`${t.W}/w`, 'm3', widget('w', { tags: ['x'], blob: { a: { b: 1 } } }))).is(200)
    const three = await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 6, blob: { a: 1 } }))
    t.match(three.status, 409, 'status')
    three.has({
      message:
        'Apply failed with 2 conflicts: conflicts with "m1":\n- .spec.size\nconflicts with "m3":\n- .spec.blob.a',
    })
    const labels = { 'example.com/a.b': '1' }
    ;(await t.apply(`${t.W}/l`, 'm1', widget('l', {}, { labels }))).is(201)
    conflicts(await t.apply(`${t.W}/l`, 'm2', widget('l', {}, { labels: { 'example.com/a.b': '2' } })), [
      '"m1"',
      '.metadata.labels.example.com/a.b',
    ])
  })

  add('S06', 'conflict with somebody who updates', async (t) => {
    const query = { fieldManager: 'u1' }
    ;(await t.post(t.W, widget('w', { size: 5 }), { query: { fieldManager: 'u0' } })).is(201)
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 6, mode: 'A' } }, { query })).is(200)
    const refused = await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 7 }))
    conflicts(refused, ['"u1" using example.com/v1', '.spec.size'])
    // The same value is no conflict.
    const same = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 6 }))).is(200)
    owned(t, same, [
      applier('m1', spec({ 'f:size': {} }), timeless),
      updater('u0', spec({})),
      updater('u1', spec({ 'f:mode': {}, 'f:size': {} })),
    ])
    // One name may apply and update; these are two managers.
    conflicts(await t.apply(`${t.W}/w`, 'u1', widget('w', { mode: 'B' })), ['"u1" using example.com/v1', '.spec.mode'])
    await t.create(t.CM, configMap('c', { a: '1' }))
    conflicts(await t.apply(`${t.CM}/c`, 'm1', configMap('c', { a: '2' })), ['"conformance" using v1', '.data.a'])
  })

  add('S07', 'force', async (t) => {
    const force = { query: { force: true } }
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A' }))).is(201)
    const patched = { query: { fieldManager: 'u1' } }
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { replicas: 4 } }, patched)).is(200)
    const forced = (await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 6, replicas: 5 }), force)).is(200, {
      spec: exactly({ size: 6, mode: 'A', replicas: 5 }),
      metadata: { generation: 3 },
    })
    owned(t, forced, [applier('m1', spec({ 'f:mode': {} })), applier('m2', spec({ 'f:replicas': {}, 'f:size': {} }))])
    // Now the first one is refused.
    conflicts(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A' })), ['"m2"', '.spec.size'])
    // It had lost the field, so that not applying it removes nothing.
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { mode: 'A' }))).is(200, { spec: { size: 6 } })
    const no = await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A' }), { query: { force: false } })
    conflicts(no, ['"m2"', '.spec.size'])
    const bad = await t.apply(`${t.W}/w`, 'm1', widget('w'), { query: { force: 'perhaps' } })
    t.check(bad.status === 400 || bad.status === 200, `a force that is no boolean: ${bad.status}`)
  })

  add('S08', 'two who apply the same value', async (t) => {
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A' }))).is(201)
    const both = (await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 5 }))).is(200, { metadata: { generation: 1 } })
    owned(t, both, [
      applier('m1', spec({ 'f:mode': {}, 'f:size': {} })),
      applier('m2', spec({ 'f:size': {} }), timeless),
    ])
    conflicts(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 6, mode: 'A' })), ['"m2"', '.spec.size'])
    const one = (await t.apply(`${t.W}/w`, 'm1', widget('w', { mode: 'A' }))).is(200, {
      spec: exactly({ size: 5, mode: 'A' }),
    })
    owned(t, one, [applier('m1', spec({ 'f:mode': {} })), applier('m2', spec({ 'f:size': {} }), timeless)])
    ;(await t.apply(`${t.W}/w`, 'm2', widget('w', { size: 8 }))).is(200, { spec: { size: 8 } })
    // The last one who drops it removes it.
    const last = (await t.apply(`${t.W}/w`, 'm2', nothing)).is(200, {
      spec: exactly({ size: 3, mode: 'A' }),
    })
    owned(t, last, [applier('m1', spec({ 'f:mode': {} }))])
  })

  add('S09', 'list with keys', async (t) => {
    const items = (...list: readonly object[]): object => widget('w', { items: list })
    ;(await t.apply(`${t.W}/w`, 'm1', items({ name: 'a', value: '1' }, { name: 'b' }))).is(201)
    const both = (await t.apply(`${t.W}/w`, 'm2', items({ name: 'c', port: 1 }, { name: 'b', value: '2' }))).is(200)
    t.match(
      both.spec?.['items'],
      exactly([
        { name: 'a', value: '1', port: 80 },
        { name: 'c', port: 1 },
        { name: 'b', value: '2', port: 80 },
      ]),
      'items',
    )
    owned(t, both, [
      applier('m1', spec({ 'f:items': { 'k:{"name":"a"}': item('name', 'value'), 'k:{"name":"b"}': item('name') } })),
      applier(
        'm2',
        spec({ 'f:items': { 'k:{"name":"b"}': item('name', 'value'), 'k:{"name":"c"}': item('name', 'port') } }),
      ),
    ])
    conflicts(
      await t.apply(`${t.W}/w`, 'm3', items({ name: 'b', value: '3' }, { name: 'a', value: '4' })),
      ['"m1"', '.spec.items[name="a"].value'],
      ['"m2"', '.spec.items[name="b"].value'],
    )
    const dropped = (await t.apply(`${t.W}/w`, 'm1', items({ name: 'b' }))).is(200)
    t.match(
      dropped.spec?.['items'],
      exactly([
        { name: 'c', port: 1 },
        { name: 'b', value: '2', port: 80 },
      ]),
      'items without a',
    )
    const left = (await t.apply(`${t.W}/w`, 'm2', items())).is(200)
    t.match(left.spec?.['items'], exactly([{ name: 'b', port: 80 }]), 'what is left')
  })

  add('S10', 'keys of a list that have defaults', async (t) => {
    const path = `/api/v1/namespaces/${t.ns}/services/s`
    const service = (...ports: readonly object[]): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { selector: { app: 'a' }, ports },
    })
    const v1 = { apiVersion: 'v1' }
    const tcp = 'k:{"port":53,"protocol":"TCP"}'
    const made = (await t.apply(path, 'm1', service({ name: 'tcp', port: 53 }))).is(201, {
      spec: { ports: [{ name: 'tcp', port: 53, protocol: 'TCP', targetPort: 53 }] },
    })
    owned(t, made, [applier('m1', spec({ 'f:ports': { [tcp]: item('name', 'port') }, 'f:selector': {} }), v1)])
    const udp = 'k:{"port":53,"protocol":"UDP"}'
    const both = (await t.apply(path, 'm2', service({ name: 'udp', port: 53, protocol: 'UDP' }))).is(200)
    t.match(
      both.spec?.['ports'],
      [
        { name: 'tcp', protocol: 'TCP' },
        { name: 'udp', protocol: 'UDP' },
      ],
      'ports',
    )
    owned(t, both, [
      applier('m1', spec({ 'f:ports': { [tcp]: item('name', 'port') }, 'f:selector': {} }), v1),
      applier('m2', spec({ 'f:ports': { [udp]: item('name', 'port', 'protocol') }, 'f:selector': {} }), v1),
    ])
    // With its default given, it is still the same item.
    const same = await t.apply(path, 'm3', service({ port: 53, protocol: 'TCP', name: 'other' }))
    conflicts(same, ['"m1"', '.spec.ports[port=53,protocol="TCP"].name'])
    const missing = await t.apply(path, 'm3', service({ name: 'none' }))
    missing.invalid('Service', 's', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.ports[2].port',
        message: 'Invalid value: 0: must be between 1 and 65535, inclusive',
      },
      {
        reason: 'FieldValueInvalid',
        field: 'spec.ports[2].targetPort',
        message: 'Invalid value: 0: must be between 1 and 65535, inclusive',
      },
    ])
  })
})
