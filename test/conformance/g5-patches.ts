import type { Obj } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, gadget, GADGETS, widget } from './fixtures.ts'
import { absent, exactly, including, not } from './match.ts'

const labels = { app: 'a' }

function deployments(t: T): string {
  return `/apis/apps/v1/namespaces/${t.ns}/deployments`
}

function deployment(name: string, containers: readonly object[], more: object = {}, metadata: object = {}): Deployment {
  const template = { metadata: { labels }, spec: { containers } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...metadata },
    spec: { replicas: 1, selector: { matchLabels: labels }, template, ...more },
  }
}

interface Deployment {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: object
}

interface Container {
  readonly name: string
  readonly image?: string
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

function containersOf(object: Obj): readonly Container[] {
  return (object.spec as { template: { spec: { containers: Container[] } } }).template.spec.containers
}

const image = (name: string, tag = '1'): { name: string; image: string } => ({
  name,
  image: `registry.example/${name}:${tag}`,
})

export const patches = group('G5', (add) => {
  add('P01', 'JSON patch', async (t) => {
    const made = await t.create(t.CM, configMap('c', { a: '1', b: '2' }, { annotations: { 'example.com/x': '3' } }))
    const path = `${t.CM}/c`
    const patched = (
      await t.patch(path, 'json', [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/c', value: '4' },
        { op: 'replace', path: '/data/b', value: '5' },
        { op: 'remove', path: '/data/a' },
        { op: 'copy', from: '/data/b', path: '/data/d' },
        { op: 'move', from: '/data/c', path: '/data/e' },
        { op: 'replace', path: '/metadata/annotations/example.com~1x', value: '6' },
        { op: 'add', path: '/metadata/labels', value: { l: 'm' } },
      ])
    ).is(200, {
      data: exactly({ b: '5', d: '5', e: '4' }),
      metadata: {
        labels: exactly({ l: 'm' }),
        annotations: exactly({ 'example.com/x': '6' }),
        uid: made.metadata.uid,
        resourceVersion: not(made.metadata.resourceVersion),
      },
    })
    t.match(await t.read(path), exactly(patched), 'the object read again')
    await t.create(t.W, widget('w', { steps: ['a', 'b', 'c'] }))
    const list = await t.patch(`${t.W}/w`, 'json', [
      { op: 'add', path: '/spec/steps/1', value: 'x' },
      { op: 'add', path: '/spec/steps/-', value: 'y' },
      { op: 'remove', path: '/spec/steps/0' },
    ])
    list.is(200, { spec: { steps: exactly(['x', 'b', 'c', 'y']) }, metadata: { generation: 2 } })
    ;(await t.patch(`${t.W}/w`, 'json', [])).is(200, { metadata: { generation: 2 } })
    const escaped = [
      { op: 'add', path: '/spec/blob', value: {} },
      { op: 'add', path: '/spec/blob/a~1b~0c', value: 1 },
    ]
    ;(await t.patch(`${t.W}/w`, 'json', escaped)).is(200, { spec: { blob: exactly({ 'a/b~c': 1 }) } })
  })

  add('P02', 'JSON patch whose test fails', async (t) => {
    const made = await t.create(t.CM, configMap('c', { a: '1' }))
    const answer = await t.patch(`${t.CM}/c`, 'json', [
      { op: 'replace', path: '/data/a', value: '2' },
      { op: 'test', path: '/data/a', value: '1' },
    ])
    answer.refuses(422, 'Invalid', { message: 'the server rejected our request due to an error in our request' })
    t.match(await t.read(`${t.CM}/c`), exactly(made), 'the object')
  })

  add('P03', 'JSON patch of what is not there', async (t) => {
    await t.create(t.CM, configMap('c', { a: '1' }))
    for (const operation of [
      { op: 'replace', path: '/nope/nope', value: '1' },
      { op: 'jump', path: '/data' },
      { op: 'remove', path: '/data/nope' },
      { op: 'add', path: '/nope/deeper/x', value: '1' },
      { op: 'move', from: '/data/nope', path: '/data/b' },
      { op: 'test', path: '/data/nope', value: '1' },
    ]) {
      ;(await t.patch(`${t.CM}/c`, 'json', [operation])).refuses(422, 'Invalid')
    }
    const replaced = await t.patch(`${t.CM}/c`, 'json', [{ op: 'replace', path: '/data/new', value: '2' }])
    replaced.is(200, { data: exactly({ a: '1', new: '2' }) })
    ;(await t.patch(`${t.CM}/c`, 'json', [{ op: 'test', path: '/data/nope', value: null }])).is(200)
    ;(await t.patch(`${t.CM}/c`, 'json', 'null')).is(200)
    for (const broken of ['{', '{"op":"add"}', '"text"', '']) {
      const answer = await t.patch(`${t.CM}/c`, 'json', broken)
      answer.refuses(400, 'BadRequest', {
        message: /^error decoding patch: (unexpected end of JSON input|json: cannot)/,
      })
    }
  })

  add('P04', 'merge patch', async (t) => {
    await t.create(
      t.W,
      widget(
        'w',
        { size: 7, mode: 'A', steps: ['a', 'b'], blob: { x: 1, y: { z: 2 } } },
        { labels: { a: '1', b: '2' } },
      ),
    )
    const patch = {
      metadata: { labels: { a: null, c: '3', d: null } },
      spec: { size: null, mode: 'B', steps: ['c'], blob: { x: null, y: { w: [null, 1] } } },
    }
    const patched = (await t.patch(`${t.W}/w`, 'merge', patch)).is(200, {
      metadata: { labels: exactly({ b: '2', c: '3' }), generation: 2 },
      spec: { mode: 'B', steps: ['c'], blob: exactly({ y: { z: 2, w: [null, 1] } }) },
    })
    // The default comes back.
    t.match(patched.spec?.['size'], 3, 'size')
    ;(await t.patch(`${t.W}/w`, 'merge', { metadata: { labels: null } })).is(200, { metadata: { labels: absent } })
    for (const broken of ['[]', '"text"', '{']) {
      const answer = await t.patch(`${t.W}/w`, 'merge', broken)
      t.check(answer.status === 400 || answer.status === 422, `a patch that is none is refused, not ${answer.status}`)
      t.match(answer.json(), { kind: 'Status', status: 'Failure' }, 'the refusal')
    }
    ;(await t.patch(`${t.W}/w`, 'merge', { metadata: { name: 'other' } })).refuses(400, 'BadRequest', {
      message: 'the name of the object (other) does not match the name on the URL (w)',
    })
    const invalid = await t.patch(`${t.W}/w`, 'merge', { spec: { size: 1000 } })
    invalid.refuses(422, 'Invalid', {
      details: { name: 'w', group: 'example.com', kind: 'Widget', causes: including({ field: 'spec.size' }) },
    })
  })

  add('P05', 'strategic merge patch of a custom resource', async (t) => {
    await t.create(t.W, widget('w'))
    const answer = await t.patch(`${t.W}/w`, 'strategic', { spec: { size: 4 } })
    answer.refuses(415, 'UnsupportedMediaType', {
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    })
    t.match((await t.read(`${t.W}/w`)).spec, { size: 3 }, 'spec')
  })

  add('P06', 'strategic merge patch of containers', async (t) => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ]
    await t.create(deployments(t), deployment('d', [{ ...image('main'), env }, image('side')]))
    const path = `${deployments(t)}/d`
    const patch = (containers: readonly object[]) => ({ spec: { template: { spec: { containers } } } })
    const added = (await t.patch(path, 'strategic', patch([image('extra')]))).is(200)
    t.match(
      containersOf(added)
        .map(({ name }) => name)
        .sort(),
      exactly(['extra', 'main', 'side']),
      'containers',
    )
    const changed = (
      await t.patch(
        path,
        'strategic',
        patch([
          {
            ...image('main', '2'),
            env: [
              { name: 'B', value: '3' },
              { name: 'C', value: '4' },
            ],
          },
        ]),
      )
    ).is(200, { metadata: { generation: 3 } })
    const main = containersOf(changed).find(({ name }) => name === 'main')!
    t.match(main.image, 'registry.example/main:2', 'image')
    t.match(
      Object.fromEntries(main.env!.map(({ name, value }) => [name, value])),
      exactly({ A: '1', B: '3', C: '4' }),
      'variables of the container',
    )
    t.match(containersOf(changed).length, 3, 'number of containers')
    // Without its key, an item of such a list cannot be told from the others.
    const keyless = await t.patch(path, 'strategic', patch([{ image: 'x' }]))
    t.check(keyless.status >= 400 && keyless.status < 600, 'an item without a key must be refused')
    t.match(keyless.json(), { kind: 'Status', status: 'Failure' }, 'the refusal')
    // A map merges, null deletes.
    await t.create(t.CM, configMap('c', { a: '1', b: '2' }))
    ;(await t.patch(`${t.CM}/c`, 'strategic', { data: { a: null, c: '3' } })).is(200, {
      data: exactly({ b: '2', c: '3' }),
    })
  })

  add('P07', 'strategic merge patch deletes', async (t) => {
    const finalizers = ['example.com/a', 'example.com/b', 'example.com/c']
    await t.create(
      deployments(t),
      deployment('d', [image('main'), image('side')], {}, { finalizers, labels: { a: '1', b: '2' } }),
    )
    t.after(() => t.patch(`${deployments(t)}/d`, 'merge', { metadata: { finalizers: null } }))
    const path = `${deployments(t)}/d`
    const removed = await t.patch(path, 'strategic', {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/b'] },
      spec: { template: { spec: { containers: [{ $patch: 'delete', name: 'side' }] } } },
    })
    const object = removed.is(200, { metadata: { finalizers: exactly(['example.com/a', 'example.com/c']) } })
    t.match(containersOf(object), [{ name: 'main' }], 'containers')
    // Primitive lists merge as sets; what only the server has comes after what the patch says.
    ;(await t.patch(path, 'strategic', { metadata: { finalizers: ['example.com/a', 'example.com/d'] } })).is(200, {
      metadata: { finalizers: exactly(['example.com/a', 'example.com/d', 'example.com/c']) },
    })
    const replaced = await t.patch(path, 'strategic', {
      spec: { template: { spec: { containers: [{ $patch: 'replace' }, image('only')] } } },
    })
    t.match(containersOf(replaced.is(200)), [{ name: 'only' }], 'containers after a replacement')
    ;(await t.patch(path, 'strategic', { metadata: { labels: { $patch: 'replace', c: '3' } } })).is(200, {
      metadata: { labels: exactly({ c: '3' }) },
    })
    ;(await t.patch(path, 'strategic', { metadata: { labels: { $patch: 'delete' } } })).is(200, {
      metadata: { labels: absent },
    })
  })

  add('P08', 'strategic merge patch keeps order and drops old keys', async (t) => {
    await t.create(deployments(t), deployment('d', [image('a'), image('b'), image('c')]))
    const path = `${deployments(t)}/d`
    const patch = {
      spec: {
        template: {
          spec: {
            '$setElementOrder/containers': [{ name: 'c' }, { name: 'x' }, { name: 'a' }, { name: 'b' }],
            containers: [image('x')],
          },
        },
      },
    }
    const ordered = (await t.patch(path, 'strategic', patch)).is(200)
    t.match(
      containersOf(ordered).map(({ name }) => name),
      exactly(['c', 'x', 'a', 'b']),
      'containers',
    )
    const strategy = { $retainKeys: ['type'], type: 'Recreate' }
    ;(await t.patch(path, 'strategic', { spec: { strategy } })).is(200, {
      spec: { strategy: exactly({ type: 'Recreate' }) },
    })
    const rolling = { $retainKeys: ['type', 'rollingUpdate'], type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } }
    ;(await t.patch(path, 'strategic', { spec: { strategy: rolling } })).is(200, {
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } } },
    })
  })

  add('P09', 'patch of what is not there', async (t) => {
    for (const type of ['merge', 'json'] as const) {
      ;(await t.patch(`${t.W}/x`, type, type === 'json' ? [] : {})).refuses(404, 'NotFound', {
        message: 'widgets.example.com "x" not found',
        details: exactly({ name: 'x', group: 'example.com', kind: 'widgets' }),
      })
    }
    ;(await t.patch(`${t.CM}/x`, 'strategic', {})).refuses(404, 'NotFound', { message: 'configmaps "x" not found' })
    ;(await t.patch(`${t.W}/x/status`, 'merge', {})).refuses(404, 'NotFound')
    ;(await t.patch('/apis/example.com/v1/namespaces/absent/widgets/x', 'merge', {})).refuses(404, 'NotFound')
  })

  add('P10', 'patch with a version', async (t) => {
    const first = await t.create(t.W, widget('w'))
    const path = `${t.W}/w`
    const { resourceVersion } = first.metadata
    const second = (await t.patch(path, 'merge', { metadata: { resourceVersion }, spec: { size: 4 } })).is(200)
    const message =
      'Operation cannot be fulfilled on widgets.example.com "w": the object has been modified; please apply your changes to the latest version and try again'
    ;(await t.patch(path, 'merge', { metadata: { resourceVersion }, spec: { size: 5 } })).refuses(409, 'Conflict', {
      message,
      details: exactly({ name: 'w', group: 'example.com', kind: 'widgets' }),
    })
    const json = [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }]
    ;(await t.patch(path, 'json', [...json, { op: 'add', path: '/spec/size', value: 6 }])).refuses(409, 'Conflict', {
      message,
    })
    const uid = '11111111-2222-3333-4444-555555555555'
    ;(await t.patch(path, 'merge', { metadata: { uid }, spec: { size: 7 } })).invalid('Widget.example.com', 'w', [
      { reason: 'FieldValueInvalid', field: 'metadata.uid', message: `Invalid value: "${uid}": field is immutable` },
    ])
    t.match(await t.read(path), exactly(second), 'the object')
    const map = await t.create(t.CM, configMap('c', { a: '1' }))
    ;(await t.patch(`${t.CM}/c`, 'merge', { data: { a: '2' } })).is(200)
    const stale = { metadata: { resourceVersion: map.metadata.resourceVersion }, data: { a: '3' } }
    ;(await t.patch(`${t.CM}/c`, 'strategic', stale)).refuses(409, 'Conflict')
  })

  add('P11', 'dry run', async (t) => {
    const query = { dryRun: 'All' }
    const made = await t.create(t.W, widget('w', { size: 1 }))
    const path = `${t.W}/w`
    const watch = await t.watch(t.W, { query: { resourceVersion: made.metadata.resourceVersion } })
    const created = (await t.post(t.W, widget('new'), { query })).is(201, {
      metadata: { name: 'new', generation: 1 },
      spec: { size: 3 },
    })
    t.match(created.metadata.resourceVersion ?? '', '', 'version of what was not created')
    ;(await t.put(path, { ...made, spec: { size: 2 } }, { query })).is(200, {
      spec: { size: 2 },
      metadata: { generation: 2, resourceVersion: made.metadata.resourceVersion },
    })
    ;(await t.patch(path, 'merge', { spec: { size: 3 } }, { query })).is(200, { spec: { size: 3 } })
    const applied = { ...widget('w'), spec: { mode: 'A' } }
    ;(await t.apply(path, 'somebody', applied, { query })).is(200, { spec: { mode: 'A' } })
    ;(await t.apply(`${t.W}/fresh`, 'somebody', widget('fresh'), { query })).is(201)
    ;(await t.patch(`${path}/status`, 'merge', { status: { phase: 'x' } }, { query })).is(200, {
      status: { phase: 'x' },
    })
    ;(await t.delete(path, undefined, { query })).is(200)
    ;(await t.delete(path, { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] })).is(200)
    ;(await t.delete(t.W, undefined, { query })).is(200)
    // What is wrong is told as without it.
    ;(await t.post(t.W, widget('w'), { query })).refuses(409, 'AlreadyExists')
    ;(await t.post(t.W, widget('bad', { size: 1000 }), { query })).refuses(422, 'Invalid')
    ;(await t.put(path, { ...made, metadata: { ...made.metadata, resourceVersion: '1' } }, { query })).refuses(
      409,
      'Conflict',
    )
    t.match(await t.read(path), exactly(made), 'the object')
    for (const name of ['new', 'fresh']) (await t.get(`${t.W}/${name}`)).refuses(404, 'NotFound')
    await t.create(t.W, widget('marker'))
    await watch.next('ADDED', { metadata: { name: 'marker' } })
    const name = t.unique('g')
    ;(await t.post(GADGETS, gadget(name), { query })).is(201)
    ;(await t.get(`${GADGETS}/${name}`)).refuses(404, 'NotFound')
  })

  add('P12', 'dry run of an unknown kind', async (t) => {
    const made = await t.create(t.W, widget('w'))
    const query = { dryRun: 'Yes' }
    const answers: [string, Awaited<ReturnType<T['get']>>][] = [
      ['CreateOptions', await t.post(t.W, widget('new'), { query })],
      ['UpdateOptions', await t.put(`${t.W}/w`, { ...made, spec: { size: 9 } }, { query })],
      ['PatchOptions', await t.patch(`${t.W}/w`, 'merge', { spec: { size: 9 } }, { query })],
      ['DeleteOptions', await t.delete(`${t.W}/w`, undefined, { query })],
    ]
    for (const [kind, answer] of answers) {
      answer.refuses(422, 'Invalid', {
        message: new RegExp(`^${kind}\\.meta\\.k8s\\.io "" is invalid: dryRun: Unsupported value: `),
        details: {
          group: 'meta.k8s.io',
          kind,
          causes: [
            {
              reason: 'FieldValueNotSupported',
              field: 'dryRun',
              message: /^Unsupported value: (\["Yes"\]|\[\]string\{"Yes"\}): supported values: "All"$/,
            },
          ],
        },
      })
    }
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    ;(await t.get(`${t.W}/new`)).refuses(404, 'NotFound')
  })

  add('P13', 'options of a patch that are wrong', async (t) => {
    await t.create(t.W, widget('w'))
    const path = `${t.W}/w`
    const patch = (query: Record<string, string | boolean>) => t.patch(path, 'merge', { spec: { size: 4 } }, { query })
    const refused = (reason: string, field: string, message: string | RegExp) => ({
      message: new RegExp(`^PatchOptions\\.meta\\.k8s\\.io "" is invalid: ${field}: `),
      details: { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [{ reason, field, message }] },
    })
    ;(await patch({ fieldManager: 'x'.repeat(129) })).refuses(
      422,
      'Invalid',
      refused(
        'FieldValueTooLong',
        'fieldManager',
        /^Too long: (may not be more than|must have at most) 128 (bytes|characters)$/,
      ),
    )
    ;(await patch({ fieldManager: 'a\u0007b' })).refuses(
      422,
      'Invalid',
      refused('FieldValueInvalid', 'fieldManager', /invalid character U\+0007 \(at position 1\)$/),
    )
    ;(await patch({ force: true })).refuses(
      422,
      'Invalid',
      refused('FieldValueForbidden', 'force', 'Forbidden: may not be specified for non-apply patch'),
    )
    ;(await patch({ fieldValidation: 'Nope' })).refuses(
      422,
      'Invalid',
      refused(
        'FieldValueNotSupported',
        'fieldValidation',
        'Unsupported value: "Nope": supported values: "", "Ignore", "Strict", "Warn"',
      ),
    )
    ;(await t.patch(path, 'apply', widget('w'))).refuses(
      422,
      'Invalid',
      refused('FieldValueRequired', 'fieldManager', 'Required value: is required for apply patch'),
    )
    ;(await patch({ fieldManager: 'x'.repeat(128) })).is(200, {
      metadata: { managedFields: including({ manager: 'x'.repeat(128) }) },
    })
    const posted = await t.post(t.W, widget('v'), { query: { fieldManager: 'x'.repeat(129) } })
    posted.refuses(422, 'Invalid', { details: { kind: 'CreateOptions', causes: [{ field: 'fieldManager' }] } })
  })

  add('P14', 'patches at the same time', async (t) => {
    await t.create(t.CM, configMap('c'))
    await t.create(t.W, widget('w', { blob: {} }))
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
    const all = Object.fromEntries(keys.map((key) => [key, key]))
    const answers = await Promise.all(
      keys.flatMap((key) => [
        t.patch(`${t.CM}/c`, 'merge', { data: { [key]: key } }),
        t.patch(`${t.W}/w`, 'merge', { spec: { blob: { [key]: key } } }),
      ]),
    )
    for (const answer of answers) answer.is(200)
    const versions = answers.map((answer) => answer.json().metadata.resourceVersion)
    t.match(new Set(versions).size, versions.length, 'number of different versions')
    t.match((await t.read(`${t.CM}/c`)).data, exactly(all), 'data')
    const found = await t.read(`${t.W}/w`)
    t.match(found.spec?.['blob'], exactly(all), 'blob')
    t.match(found.metadata.generation, 21, 'generation')
  })
})
