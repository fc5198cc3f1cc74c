import { group } from './case.ts'
import { applier, conflicts, item, owned, spec, timeless, updater, V1 } from './field-owners.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly, including } from './match.ts'

export const applyEndpoints = group('G6', (add) => {
  add('S11', 'set', async (t) => {
    const tags = (...list: readonly string[]): object => widget('w', { tags: list })
    ;(await t.apply(`${t.W}/w`, 'm1', tags('b', 'a'))).is(201)
    const both = (await t.apply(`${t.W}/w`, 'm2', tags('c', 'a'))).is(200)
    t.match(both.spec?.['tags'], exactly(['b', 'c', 'a']), 'tags')
    owned(t, both, [
      applier('m1', spec({ 'f:tags': { 'v:"a"': {}, 'v:"b"': {} } })),
      applier('m2', spec({ 'f:tags': { 'v:"a"': {}, 'v:"c"': {} } })),
    ])
    const less = (await t.apply(`${t.W}/w`, 'm1', tags())).is(200)
    t.match(less.spec?.['tags'], exactly(['c', 'a']), 'tags without b')
    owned(t, less, [applier('m2', spec({ 'f:tags': { 'v:"a"': {}, 'v:"c"': {} } }))])
    // Finalizers are a set as well.
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }
    const finalizers = (...list: readonly string[]): object => ({ ...map, metadata: { name: 'c', finalizers: list } })
    t.after(() => t.patch(`${t.CM}/c`, 'merge', { metadata: { finalizers: null } }))
    ;(await t.apply(`${t.CM}/c`, 'm1', finalizers('example.com/a'))).is(201)
    ;(await t.apply(`${t.CM}/c`, 'm2', finalizers('example.com/b'))).is(200)
    ;(await t.apply(`${t.CM}/c`, 'm1', map)).is(200, { metadata: { finalizers: exactly(['example.com/b']) } })
  })

  add('S12', 'atomic list and map', async (t) => {
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { steps: ['a', 'b'], labelsAtomic: { k: 'v' } }))).is(201)
    const other = widget('w', { steps: ['a', 'b', 'c'], labelsAtomic: { k: 'v', l: 'w' } })
    conflicts(await t.apply(`${t.W}/w`, 'm2', other), ['"m1"', '.spec.labelsAtomic'], ['"m1"', '.spec.steps'])
    const forced = (await t.apply(`${t.W}/w`, 'm2', other, { query: { force: true } })).is(200, {
      spec: { steps: ['a', 'b', 'c'], labelsAtomic: exactly({ k: 'v', l: 'w' }) },
    })
    owned(t, forced, [applier('m2', spec({ 'f:labelsAtomic': {}, 'f:steps': {} }))])
    ;(await t.apply(`${t.W}/w`, 'm2', widget('w', { steps: ['c'] }))).is(200, {
      spec: exactly({ size: 3, steps: ['c'] }),
    })
    // A selector is atomic in the kinds of Kubernetes, too.
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${t.ns}/roles/r`
    const role = (resource: string): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r' },
      rules: [{ apiGroups: [''], resources: [resource], verbs: ['get'] }],
    })
    ;(await t.apply(rbac, 'm1', role('pods'))).is(201)
    conflicts(await t.apply(rbac, 'm2', role('secrets')), ['"m1"', '.rules'])
  })

  add('S13', 'update takes fields', async (t) => {
    const query = { fieldManager: 'u1' }
    const made = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A', tags: ['a'] }))).is(201)
    const put = { ...made, spec: { ...made.spec, size: 6, tags: ['a', 'b'] } }
    const changed = (await t.put(`${t.W}/w`, put, { query })).is(200)
    owned(t, changed, [
      applier('m1', spec({ 'f:mode': {}, 'f:tags': { 'v:"a"': {} } })),
      updater('u1', spec({ 'f:size': {}, 'f:tags': { 'v:"b"': {} } })),
    ])
    // What is written with the value it has makes nobody an owner.
    const same = (
      await t.put(`${t.W}/w`, { ...changed, spec: { ...changed.spec, replicas: 1 } }, { query: { fieldManager: 'u2' } })
    ).is(200)
    owned(t, same, [
      applier('m1', spec({ 'f:mode': {}, 'f:tags': { 'v:"a"': {} } })),
      updater('u1', spec({ 'f:size': {}, 'f:tags': { 'v:"b"': {} } })),
      updater('u2', spec({ 'f:replicas': {} })),
    ])
    // What the applier lost, it does not remove; and it conflicts.
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { mode: 'A', tags: ['a'] }))).is(200, { spec: { size: 6 } })
    conflicts(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, mode: 'A', tags: ['a'] })), [
      '"u1" using example.com/v1',
      '.spec.size',
    ])
    // More than ten who update: the oldest ones become one.
    const names = Array.from({ length: 12 }, (_, index) => `u${index + 10}`)
    await t.create(t.CM, configMap('c', { a: '1' }))
    for (const name of names) {
      ;(await t.patch(`${t.CM}/c`, 'merge', { data: { [name]: name } }, { query: { fieldManager: name } })).is(200)
    }
    const { metadata } = await t.read(`${t.CM}/c`)
    t.match(
      metadata.managedFields?.map(({ manager }) => manager).toSorted(),
      exactly([...names.slice(3), 'ancient-changes'].toSorted()),
      'managers',
    )
  })

  add('S14', 'update removes fields', async (t) => {
    const query = { fieldManager: 'u1' }
    const body = widget('w', { size: 5, mode: 'A', items: [{ name: 'a' }, { name: 'b' }] }, { labels: { a: '1' } })
    const made = (await t.apply(`${t.W}/w`, 'm1', body)).is(201)
    const { labels: _, ...metadata } = made.metadata
    const put = { ...made, metadata, spec: { size: 5, items: [{ name: 'b', port: 80 }] } }
    const changed = (await t.put(`${t.W}/w`, put, { query })).is(200, {
      metadata: { labels: absent },
      spec: exactly({ size: 5, items: [{ name: 'b', port: 80 }] }),
    })
    owned(t, changed, [applier('m1', spec({ 'f:items': { 'k:{"name":"b"}': item('name') }, 'f:size': {} }))])
    // A default that comes back where something was removed belongs to nobody.
    const merged = (await t.patch(`${t.W}/w`, 'merge', { spec: { size: null } }, { query })).is(200, {
      spec: { size: 3 },
    })
    owned(t, merged, [
      applier('m1', spec({ 'f:items': { 'k:{"name":"b"}': item('name') } })),
      updater('u1', spec({ 'f:size': {} })),
    ])
    const again = (await t.apply(`${t.W}/w`, 'm2', widget('w', { mode: 'B' }))).is(200)
    t.match(again.spec, { mode: 'B' }, 'spec')
  })

  add('S15', 'apply to an object nobody is known to own', async (t) => {
    await t.create(t.W, widget('w', { size: 5, mode: 'A' }, { labels: { a: '1' } }))
    const strip = [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]
    ;(await t.patch(`${t.W}/w`, 'json', strip)).is(200, { metadata: { managedFields: absent } })
    // An update does not begin to keep account.
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { replicas: 1 } })).is(200, { metadata: { managedFields: absent } })
    const before = {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
      'f:spec': { '.': {}, 'f:mode': {}, 'f:replicas': {}, 'f:size': {} },
    }
    conflicts(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 6 })), [
      '"before-first-apply" using example.com/v1',
      '.spec.size',
    ])
    const applied = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5, replicas: 1 }))).is(200)
    owned(t, applied, [
      applier('m1', spec({ 'f:replicas': {}, 'f:size': {} }), timeless),
      updater('before-first-apply', before),
    ])
    // An empty list does the same, in every way of writing.
    const listed = { metadata: { managedFields: [{}] } }
    ;(await t.patch(`${t.W}/w`, 'merge', listed)).is(200, { metadata: { managedFields: absent } })
    await t.create(t.CM, configMap('c', { a: '1' }))
    const map = await t.read(`${t.CM}/c`)
    ;(await t.put(`${t.CM}/c`, { ...map, metadata: { ...map.metadata, managedFields: [] } })).is(200, {
      metadata: { managedFields: absent },
    })
    // Absent in what is put, it stays.
    const { managedFields: _, ...metadata } = (await t.apply(`${t.CM}/c`, 'm1', configMap('c', { b: '2' }))).is(
      200,
    ).metadata
    ;(await t.put(`${t.CM}/c`, { ...map, metadata, data: { a: '1', b: '2', c: '3' } })).is(200, {
      metadata: {
        managedFields: including({ manager: 'm1' }, { manager: 'before-first-apply' }, { manager: 'conformance' }),
      },
    })
  })

  add('S16', 'apply to status', async (t) => {
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5 }))).is(201)
    const body = {
      ...widget('w', { size: 9, mode: 'B' }, { labels: { a: '1' } }),
      status: { phase: 'Ready', replicas: 2 },
    }
    const applied = (await t.apply(`${t.W}/w/status`, 'm1', body)).is(200, {
      metadata: { labels: absent, generation: 1 },
      spec: exactly({ size: 5 }),
      status: exactly({ phase: 'Ready', replicas: 2 }),
    })
    const status = { 'f:status': { 'f:phase': {}, 'f:replicas': {} } }
    owned(t, applied, [
      applier('m1', spec({ 'f:size': {} })),
      applier('m1', { 'f:metadata': { 'f:labels': { 'f:a': {} } }, ...status }, { subresource: 'status' }),
    ])
    conflicts(await t.apply(`${t.W}/w/status`, 'm2', { ...widget('w'), status: { phase: 'Other' } }), [
      '"m1" with subresource "status"',
      '.status.phase',
    ])
    const query = { fieldManager: 'u1' }
    ;(await t.patch(`${t.W}/w/status`, 'merge', { status: { replicas: 3 } }, { query })).is(200)
    conflicts(await t.apply(`${t.W}/w/status`, 'm1', { ...widget('w'), status: { phase: 'Ready', replicas: 2 } }), [
      '"u1" with subresource "status" using example.com/v1',
      '.status.replicas',
    ])
    const dropped = (await t.apply(`${t.W}/w/status`, 'm1', { ...widget('w'), status: { selector: 'a=b' } })).is(200, {
      status: exactly({ replicas: 3, selector: 'a=b' }),
    })
    owned(t, dropped, [
      applier('m1', spec({ 'f:size': {} })),
      applier('m1', { 'f:status': { 'f:selector': {} } }, { subresource: 'status' }),
      updater('u1', { 'f:status': { 'f:replicas': {} } }, { subresource: 'status' }),
    ])
    ;(await t.apply(`${t.W}/absent/status`, 'm1', { ...widget('absent'), status: {} })).refuses(404, 'NotFound', {
      message: 'widgets.example.com "absent" not found',
    })
  })

  add('S17', 'the main path has no status', async (t) => {
    const body = { ...widget('w', { size: 5 }), status: { phase: 'Ready' } }
    const made = (await t.apply(`${t.W}/w`, 'm1', body)).is(201, { status: absent })
    owned(t, made, [applier('m1', spec({ 'f:size': {} }))])
    ;(await t.patch(`${t.W}/w/status`, 'merge', { status: { phase: 'Done' } })).is(200)
    // Another value is no conflict, because it is not looked at.
    const again = (await t.apply(`${t.W}/w`, 'm1', body)).is(200, { status: exactly({ phase: 'Done' }) })
    owned(t, again, [
      applier('m1', spec({ 'f:size': {} })),
      updater('conformance', { 'f:status': { '.': {}, 'f:phase': {} } }, { subresource: 'status' }),
    ])
    const put = { ...again, status: { phase: 'Other' } }
    ;(await t.put(`${t.W}/w`, put, { query: { fieldManager: 'u1' } })).is(200, {
      status: { phase: 'Done' },
      metadata: { resourceVersion: again.metadata.resourceVersion },
    })
  })

  add('S18', 'scale owns the replicas', async (t) => {
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { replicas: 2, size: 5 }))).is(201)
    const query = { fieldManager: 'u1' }
    ;(await t.patch(`${t.W}/w/scale`, 'merge', { spec: { replicas: 5 } }, { query })).is(200, {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 5 },
    })
    const scaled = await t.read(`${t.W}/w`)
    t.match(scaled, { spec: { replicas: 5 }, metadata: { generation: 2 } }, 'the scaled object')
    owned(t, scaled, [
      applier('m1', spec({ 'f:size': {} })),
      updater('u1', spec({ 'f:replicas': {} }), { subresource: 'scale', timeless: true }),
    ])
    conflicts(await t.apply(`${t.W}/w`, 'm1', widget('w', { replicas: 2, size: 5 })), [
      '"u1" with subresource "scale" using example.com/v1',
      '.spec.replicas',
    ])
    ;(await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 5 }))).is(200, { spec: { replicas: 5 } })
    // It is seen in the Scale of a kind that has one compiled in, and applied there.
    const deployments = `/apis/apps/v1/namespaces/${t.ns}/deployments`
    const labels = { app: 'a' }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'registry.example/a' }] } }
    const paused = { paused: true, replicas: 0, selector: { matchLabels: labels }, template }
    await t.create(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: paused })
    ;(await t.patch(`${deployments}/d/scale`, 'merge', { spec: { replicas: 2 } }, { query })).is(200)
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 3 } }
    const refused = await t.apply(`${deployments}/d/scale`, 'm2', scale)
    conflicts(refused, ['"u1" with subresource "scale" using autoscaling/v1', '.spec.replicas'])
    const forced = (await t.apply(`${deployments}/d/scale`, 'm2', scale, { query: { force: true } })).is(200, {
      kind: 'Scale',
      spec: { replicas: 3 },
      metadata: { managedFields: absent },
    })
    const { metadata } = await t.read(`${deployments}/d`)
    t.match(metadata.uid, forced.metadata.uid, 'uid')
    const scalers = metadata.managedFields?.filter(({ subresource }) => subresource === 'scale')
    t.match(scalers, [{ manager: 'm2', operation: 'Apply', apiVersion: 'apps/v1', time: absent }], 'who scaled')
    const again = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 4 } }
    conflicts(await t.apply(`${deployments}/d`, 'm1', again), ['"m2" with subresource "scale"', '.spec.replicas'])
  })

  add('S19', 'apply refused', async (t) => {
    const path = `${t.W}/w`
    ;(await t.patch(path, 'apply', widget('w'))).refuses(422, 'Invalid', {
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    })
    const managedFields = [{ manager: 'm', operation: 'Apply', apiVersion: V1, fieldsType: 'FieldsV1', fieldsV1: {} }]
    const bad: readonly (readonly [body: unknown, message: string | RegExp])[] = [
      [widget('w', {}, { managedFields }), 'metadata.managedFields must be nil'],
      [{ ...widget('w'), apiVersion: 'example.com/v1beta1' }, 'invalid object type: example.com/v1beta1, Kind=Widget'],
      [{ ...widget('w'), kind: 'Gadget' }, 'invalid object type: example.com/v1, Kind=Gadget'],
      [{ metadata: { name: 'w' } }, 'invalid object type: /, Kind='],
      [{ apiVersion: 'v1', metadata: { name: 'w' } }, 'invalid object type: /v1, Kind='],
      ['', 'invalid object type: /, Kind='],
      [
        { apiVersion: V1, kind: 'Widget' },
        'the name of the object (w based on URL) was undeterminable: name must be provided',
      ],
      [widget('other'), 'the name of the object (other) does not match the name on the URL (w)'],
      [
        widget('w', {}, { namespace: 'other' }),
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
      ['{', /^error decoding YAML: error converting YAML to JSON: yaml: /],
      ['[]', /^error decoding YAML: error unmarshaling JSON: /],
    ]
    for (const [body, message] of bad) (await t.apply(path, 'm1', body)).refuses(400, 'BadRequest', { message })
    // What the schema cannot take has no reason.
    const untyped: readonly (readonly [spec: object, message: string])[] = [
      [{ nope: 1 }, '.spec.nope: field not declared in schema'],
      [{ size: '1' }, '.spec.size: expected numeric (int or float), got string'],
      [{ blob: 'a' }, '.spec.blob: expected map, got &{a}'],
      [{ items: 'a' }, '.spec.items: expected list, got &{a}'],
      [{ mode: 1 }, '.spec.mode: expected string, got &value.valueUnstructured{Value:1}'],
      [{ items: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] }, '.spec.items: duplicate entries for key [name="a"]'],
      [{ tags: ['a', 'a'] }, '.spec.tags: duplicate entries for key [="a"]'],
      [
        { items: [{ value: 'a' }] },
        '.spec.items: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
      ],
      [{ items: ['a'] }, '.spec.items: element 0: associative list with keys may not have non-map elements'],
    ]
    const typed = 'failed to create typed patch object (/w; example.com/v1, Kind=Widget): '
    for (const [fields, message] of untyped) {
      const answer = await t.apply(path, 'm1', widget('w', fields), { query: { fieldValidation: 'Ignore' } })
      answer.is(500, { kind: 'Status', status: 'Failure', reason: absent, message: typed + message, code: 500 })
    }
    ;(await t.apply(`${t.CM}/c`, 'm1', { ...configMap('c'), nope: 1 })).is(500, {
      message: 'failed to create typed patch object (/c; /v1, Kind=ConfigMap): .nope: field not declared in schema',
    })
    ;(await t.apply(path, 'm1', widget('w', { size: 1000, mode: 'A' }))).invalid('Widget.example.com', 'w', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.size',
        message: 'Invalid value: 1000: spec.size in body should be less than or equal to 100',
      },
    ])
    const uid = '11111111-2222-3333-4444-555555555555'
    ;(await t.apply(path, 'm1', widget('w', {}, { uid }))).refuses(409, 'Conflict', {
      message: `Operation cannot be fulfilled on widgets.example.com "w": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    })
    const absentNamespace = '/apis/example.com/v1/namespaces/absent/widgets/w'
    ;(await t.apply(absentNamespace, 'm1', widget('w'))).refuses(404, 'NotFound', {
      message: 'namespaces "absent" not found',
    })
    ;(await t.get(path)).refuses(404, 'NotFound')
    // A field given twice is only warned about, the last one counts; of several documents the first one counts.
    const yaml = `apiVersion: ${V1}\nkind: Widget\nmetadata: {name: w}\nspec: {size: 1}\n`
    const twice = await t.apply(path, 'm1', `${yaml}spec: {size: 2}\n---\nspec: {size: 4}\n`)
    twice.header('warning', '299 - "line 5: key \\"spec\\" already set in map"')
    twice.is(201, { spec: exactly({ size: 2 }) })
    const strict = await t.apply(path, 'm1', `${yaml}spec: {size: 2}\n`, { query: { fieldValidation: 'Strict' } })
    strict.refuses(400, 'BadRequest', {
      message:
        'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 5: key "spec" already set in map',
    })
    // Booleans are those of YAML 1.1.
    ;(await t.apply(`${t.W}/y`, 'm1', yaml.replace('name: w', 'name: y'))).is(500, {
      message: /\.metadata\.name: expected string, got &value\.valueUnstructured\{Value:true\}$/,
    })
    // A version that the object cannot have yet is not looked at.
    ;(await t.apply(`${t.W}/v`, 'm1', widget('v', {}, { resourceVersion: '1' }))).is(201)
  })

  add('S20', 'apply in one version, then in another', async (t) => {
    const beta = `/apis/example.com/v1beta1/namespaces/${t.ns}/widgets/w`
    const old = { ...widget('w', { size: 5, mode: 'A' }), apiVersion: 'example.com/v1beta1' }
    const made = (await t.apply(beta, 'm1', old)).is(201, { apiVersion: 'example.com/v1beta1' })
    owned(t, made, [applier('m1', spec({ 'f:mode': {}, 'f:size': {} }), { apiVersion: 'example.com/v1beta1' })])
    const moved = (await t.apply(`${t.W}/w`, 'm1', widget('w', { size: 6 }))).is(200, {
      apiVersion: V1,
      spec: exactly({ size: 6 }),
      metadata: { uid: made.metadata.uid },
    })
    owned(t, moved, [applier('m1', spec({ 'f:size': {} }))])
    // Who updates in two versions is two managers.
    const query = { fieldManager: 'u1' }
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { replicas: 1 } }, { query })).is(200)
    const both = (await t.patch(beta, 'merge', { spec: { mode: 'B' } }, { query })).is(200)
    owned(t, both, [
      applier('m1', spec({ 'f:size': {} })),
      updater('u1', spec({ 'f:replicas': {} })),
      updater('u1', spec({ 'f:mode': {} }), { apiVersion: 'example.com/v1beta1' }),
    ])
    conflicts(
      await t.apply(beta, 'm2', { ...old, spec: { mode: 'A', replicas: 2 } }),
      ['"u1" using example.com/v1beta1', '.spec.mode'],
      ['"u1" using example.com/v1', '.spec.replicas'],
    )
  })
})
