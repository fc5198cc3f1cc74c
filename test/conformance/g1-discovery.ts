import type { Answer, Obj } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { anything, configMap, CRD, definition, widget } from './fixtures.ts'
import { absent, exactly, including, present, text } from './match.ts'
import { envelope, flag, message, metadata, protobufType, text as textField, textMap, whole } from './protobuf.ts'

const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

interface GroupDiscoveryList {
  readonly items: readonly { readonly metadata: { readonly name?: string } }[]
}

interface ResourceList {
  readonly resources: readonly { readonly name: string }[]
}

const served = { verbs: including('create', 'delete', 'get', 'list', 'patch', 'update', 'watch') }

/** Aggregated discovery as kubectl asks for it. */
function discover(t: T, path: string, version = 'v2'): Promise<Answer> {
  return t.get(path, { accept: `${aggregated(version)},application/json` })
}

const perObject = new Set(['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'managedFields'])

/** Two objects are the same but for what every write makes anew. */
function twins(t: T, one: Obj, other: Obj): void {
  const plain = ({ metadata, ...rest }: Obj): object => {
    const common = Object.entries(metadata).filter(([field]) => !perObject.has(field))
    return { ...rest, metadata: Object.fromEntries(common) }
  }
  t.match(plain(one), exactly(plain(other)), 'the object made from protobuf')
}

export const discovery = group('G1', (add) => {
  add('D01', 'version', async (t) => {
    const found = (await t.get('/version')).is<Record<string, string>>(200, {
      major: /^\d+$/,
      minor: /^\d+\+?$/,
      gitVersion: /^v\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]*)?$/,
      gitCommit: present,
      buildDate: text,
      goVersion: text,
      platform: text,
    })
    const [major, minor] = found['gitVersion']!.slice(1).split('.')
    t.match(found['major'], major, 'major')
    t.match(found['minor']!.replace('+', ''), minor, 'minor')
  })

  add('D02', 'legacy discovery of the core group', async (t) => {
    const versions = await t.get('/api')
    versions.header('content-type', /^application\/json/)
    versions.is(200, { kind: 'APIVersions', versions: ['v1'] })
    const answer = await t.get('/api/v1')
    const list = answer.is<ResourceList>(200, {
      kind: 'APIResourceList',
      groupVersion: 'v1',
      resources: including(
        {
          name: 'configmaps',
          singularName: 'configmap',
          namespaced: true,
          kind: 'ConfigMap',
          shortNames: ['cm'],
          ...served,
        },
        { name: 'namespaces', namespaced: false, kind: 'Namespace', shortNames: ['ns'] },
        { name: 'namespaces/status', namespaced: false, kind: 'Namespace' },
        { name: 'secrets', namespaced: true, kind: 'Secret' },
        { name: 'serviceaccounts/token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1' },
      ),
    })
    const names = list.resources.map(({ name }) => name)
    t.match(new Set(names).size, names.length, 'number of different names')
  })

  add('D03', 'legacy discovery of groups', async (t) => {
    const apps = {
      name: 'apps',
      versions: including({ groupVersion: 'apps/v1', version: 'v1' }),
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    }
    ;(await t.get('/apis')).is(200, {
      kind: 'APIGroupList',
      groups: including(apps, {
        name: 'example.com',
        // The stable version goes before the beta.
        versions: [
          { groupVersion: 'example.com/v1', version: 'v1' },
          { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
        ],
        preferredVersion: { groupVersion: 'example.com/v1', version: 'v1' },
      }),
    })
    ;(await t.get('/apis/apps')).is(200, { kind: 'APIGroup', ...apps })
    ;(await t.get('/apis/apps/v1')).is(200, {
      kind: 'APIResourceList',
      groupVersion: 'apps/v1',
      resources: including(
        { name: 'deployments', singularName: 'deployment', namespaced: true, kind: 'Deployment', ...served },
        { name: 'deployments/status', kind: 'Deployment' },
        { name: 'deployments/scale', kind: 'Scale', group: 'autoscaling', version: 'v1' },
      ),
    })
    ;(await t.get('/apis/example.com/v1')).is(200, {
      kind: 'APIResourceList',
      resources: including(
        { name: 'widgets', singularName: 'widget', namespaced: true, kind: 'Widget', ...served },
        { name: 'widgets/status', namespaced: true, kind: 'Widget', verbs: including('get', 'patch', 'update') },
        { name: 'widgets/scale', kind: 'Scale', group: 'autoscaling', version: 'v1' },
        { name: 'gadgets', namespaced: false, kind: 'Gadget' },
      ),
    })
  })

  add('D04', 'aggregated discovery', async (t) => {
    for (const path of ['/api', '/apis']) {
      const answer = await discover(t, path)
      answer.is(200, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
      answer.header('etag', /^"[^"]+"$/)
      const parameters = new Set((answer.headers['content-type'] ?? '').split(';').map((part) => part.trim()))
      t.match(
        [...parameters],
        including('application/json', 'g=apidiscovery.k8s.io', 'v=v2', 'as=APIGroupDiscoveryList'),
        'content type',
      )
    }
    const kind = (of: string, group = 'example.com') => ({ group, version: 'v1', kind: of })
    const widgets = {
      resource: 'widgets',
      responseKind: kind('Widget'),
      scope: 'Namespaced',
      singularResource: 'widget',
      ...served,
      subresources: including(
        { subresource: 'status', responseKind: kind('Widget'), verbs: including('get', 'patch', 'update') },
        {
          subresource: 'scale',
          responseKind: kind('Scale', 'autoscaling'),
          verbs: including('get', 'patch', 'update'),
        },
      ),
    }
    const gadgets = { resource: 'gadgets', responseKind: kind('Gadget'), scope: 'Cluster', subresources: absent }
    const groups = (await discover(t, '/apis')).is<GroupDiscoveryList>(200, {
      items: including({
        metadata: { name: 'example.com' },
        versions: [
          { version: 'v1', freshness: 'Current', resources: including(widgets, gadgets) },
          { version: 'v1beta1', freshness: 'Current', resources: including({ resource: 'widgets' }) },
        ],
      }),
    })
    t.check(
      groups.items.every(({ metadata }) => (metadata.name ?? '') !== ''),
      'the core group must not be listed at /apis',
    )
    const core = (await discover(t, '/api')).is<GroupDiscoveryList>(200, {
      items: [{ versions: [{ version: 'v1', resources: including({ resource: 'configmaps', scope: 'Namespaced' }) }] }],
    })
    t.match(core.items[0]?.metadata.name ?? '', '', 'name of the core group')
  })

  add(
    'D05',
    'aggregated discovery has an ETag',
    async (t) => {
      for (const path of ['/api', '/apis']) {
        const etag = (await discover(t, path)).headers['etag'] ?? ''
        const options = { accept: aggregated('v2'), headers: { 'if-none-match': etag } }
        const again = await t.get(path, options)
        t.check(again.status === 304, `an unchanged ${path} must be answered with 304, but is ${again.status}`)
        t.match(again.text, '', 'the body of a 304')
      }
      const etag = (await discover(t, '/apis')).headers['etag'] ?? ''
      const plural = `${t.unique('things').replaceAll(/[^a-z]/g, 'x')}s`
      await t.createGlobal(CRD, definition(plural, 'etag.example.com', anything))
      await t.eventually(async () => {
        const changed = await t.get('/apis', { accept: aggregated('v2'), headers: { 'if-none-match': etag } })
        changed.is(200, { items: including({ metadata: { name: 'etag.example.com' } }) })
        t.check(changed.headers['etag'] !== etag, 'the ETag must change with the content')
      })
    },
    { alone: true },
  )

  add('D06', 'aggregated discovery in an older version only', async (t) => {
    for (const path of ['/api', '/apis']) {
      const answer = await discover(t, path, 'v2beta1')
      const type = answer.headers['content-type'] ?? ''
      const { kind, apiVersion } = answer.is(200)
      if (kind === 'APIGroupDiscoveryList') {
        answer.header('content-type', /v=v2beta1/)
        t.match(apiVersion, 'apidiscovery.k8s.io/v2beta1', 'apiVersion')
      } else {
        t.match(kind, path === '/api' ? 'APIVersions' : 'APIGroupList', 'kind')
        t.check(!type.includes('apidiscovery'), `the legacy document must not be called ${type}`)
      }
      // The newest clients ask for a profile that older servers do not know.
      const profile = `${aggregated('v2')};profile=nopeer,${aggregated('v2')},application/json`
      ;(await t.get(path, { accept: profile })).is(200, { kind: 'APIGroupDiscoveryList' })
      // A version nobody serves is passed over.
      ;(await discover(t, path, 'v9')).is(200, { kind: path === '/api' ? 'APIVersions' : 'APIGroupList' })
    }
  })

  add('D07', 'a CustomResourceDefinition comes and goes', async (t) => {
    const groupName = `${t.ns}.example.com`
    const wanted = definition('sprockets', groupName, anything)
    await t.create(CRD, wanted)
    t.after(() => t.delete(`${CRD}/${wanted.metadata.name}`))
    const listed = { resources: including({ name: 'sprockets', kind: 'Sprocket', namespaced: true }) }
    await t.eventually(async () => {
      const conditions = including({ type: 'Established', status: 'True' }, { type: 'NamesAccepted', status: 'True' })
      ;(await t.get(`${CRD}/${wanted.metadata.name}`)).is(200, { status: { conditions } })
      ;(await t.get(`/apis/${groupName}/v1`)).is(200, listed)
      ;(await discover(t, '/apis')).is(200, { items: including({ metadata: { name: groupName } }) })
      ;(await t.get('/apis')).is(200, { groups: including({ name: groupName }) })
      ;(await t.get(`/apis/${groupName}/v1/sprockets`)).is(200, { kind: 'SprocketList', items: [] })
    })
    ;(await t.delete(`${CRD}/${wanted.metadata.name}`)).is(200)
    await t.eventually(async () => {
      ;(await t.get(`${CRD}/${wanted.metadata.name}`)).refuses(404, 'NotFound')
      const all = await discover(t, '/apis')
      const names = all.is<GroupDiscoveryList>(200).items.map(({ metadata }) => metadata.name)
      if (names.includes(groupName)) all.fail(`${groupName} must not be listed any more`)
      const gone = await t.get(`/apis/${groupName}/v1/sprockets`)
      if (gone.status !== 404) gone.fail(`the status must be 404, but is ${gone.status}`)
    })
  })

  add('D08', 'OpenAPI v3', async (t) => {
    interface Index {
      readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>
    }
    interface Operation {
      readonly parameters?: readonly { readonly name: string }[]
      readonly 'x-kubernetes-group-version-kind'?: unknown
      readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
    }
    interface Document {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
      readonly components: { readonly schemas: Readonly<Record<string, Record<string, unknown>>> }
    }
    const url = { serverRelativeURL: /\/openapi\/v3\/apis?\/.*\?hash=[0-9A-Za-z%]+/ }
    const index = await t.eventually(async () =>
      (await t.get('/openapi/v3')).is<Index>(200, {
        paths: { 'api/v1': url, 'apis/apps/v1': url, 'apis/example.com/v1': url, 'apis/example.com/v1beta1': url },
      }),
    )
    const answer = await t.get(t.relative(index.paths['apis/example.com/v1']!.serverRelativeURL))
    answer.header('etag', present)
    const document = answer.is<Document>(200, { openapi: /^3\.0/, info: { title: text, version: text } })
    const gvk = { group: 'example.com', kind: 'Widget', version: 'v1' }
    const schema = Object.values(document.components.schemas).find((one) =>
      JSON.stringify(one['x-kubernetes-group-version-kind'] ?? '').includes('"Widget"'),
    )
    t.match(schema?.['x-kubernetes-group-version-kind'], including(gvk), 'x-kubernetes-group-version-kind')
    const spec = { type: 'object', properties: { size: { type: 'integer' }, mode: { type: 'string' } } }
    t.match(schema, { type: 'object', properties: { spec, status: present } }, 'schema of widgets')
    const item = document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}']
    t.match(item?.['patch']?.['x-kubernetes-group-version-kind'], gvk, 'kind of the PATCH operation')
    t.match(item?.['patch']?.parameters ?? [], including({ name: 'fieldValidation' }), 'parameters of PATCH')
    const types = Object.keys(item?.['patch']?.requestBody?.content ?? {})
    t.check(!types.includes('application/strategic-merge-patch+json'), 'custom resources have no strategic merge patch')
    const coreUrl = t.relative(index.paths['api/v1']!.serverRelativeURL)
    const coreAnswer = await t.get(coreUrl)
    const core = coreAnswer.is<Document>(200)
    const maps = core.paths['/api/v1/namespaces/{namespace}/configmaps/{name}']
    t.match(
      Object.keys(maps?.['patch']?.requestBody?.content ?? {}),
      including('application/strategic-merge-patch+json', 'application/apply-patch+yaml'),
      'content types of PATCH of config maps',
    )
    const unchanged = await t.get(coreUrl, { headers: { 'if-none-match': coreAnswer.headers['etag'] ?? '' } })
    t.match(unchanged.status, 304, 'status of an unchanged document')
    const missing = await t.get('/openapi/v3/apis/nobody.example.com/v1')
    t.match(missing.status, 404, 'status of a document that is not there')
  })

  add('D09', 'OpenAPI v2 as protobuf', async (t) => {
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
    const answer = await t.get('/openapi/v2', { accept })
    t.match(answer.status, 200, 'status')
    answer.header('content-type', /^application\/com\.github\.proto-openapi\.spec\.v2\.v1\.0\+protobuf(;|$)/)
    const json = await t.get('/openapi/v2', { accept: 'application/json' })
    json.is(200, { swagger: '2.0', info: { title: text, version: text }, paths: present, definitions: present })
  })

  add('D15', 'the root names what is served', async (t) => {
    ;(await t.get('/')).is(200, {
      paths: including(
        '/api',
        '/api/v1',
        '/apis',
        '/apis/apps',
        '/apis/apps/v1',
        '/apis/example.com/v1',
        '/openapi/v3',
        '/version',
      ),
    })
  })

  add('D10', 'unknown groups, versions and resources', async (t) => {
    for (const path of [
      '/apis/nope/v1/x',
      '/apis/nope.example.com',
      '/apis/apps/v9',
      '/apis/example.com/v1/nope',
      '/api/v1/nope',
      `/api/v1/namespaces/${t.ns}/nope/x`,
      '/api/v2',
      '/nope',
    ]) {
      for (const method of ['GET', 'POST']) {
        const answer = await t.send(method, path, method === 'POST' ? { body: configMap('x') } : {})
        if (answer.status !== 404) answer.fail(`the status must be 404, but is ${answer.status}`)
        // Aggregating servers say it in plain text.
        if (answer.headers['content-type']?.startsWith('application/json') === true) {
          answer.refuses(404, 'NotFound', { message: 'the server could not find the requested resource' })
        } else {
          t.match(answer.text.trim(), '404 page not found', 'the body')
        }
      }
    }
  })

  add('D11', 'a type nobody can answer with', async (t) => {
    await t.create(t.CM, configMap('a'))
    for (const path of [t.CM, `${t.CM}/a`]) {
      const answer = await t.get(path, { accept: 'text/csv' })
      answer.refuses(406, 'NotAcceptable', {
        message: /^406: Not Acceptable\n\nAvailable representations: application\/json\b/,
      })
      ;(await t.get(path, { accept: 'text/csv, application/json;q=0.5' })).is(200)
      ;(await t.get(path, { accept: '*/*' })).is(200)
    }
    const list = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    ;(await t.get(`${t.CM}/a`, { accept: list })).refuses(406, 'NotAcceptable')
    ;(await t.get(t.CM, { accept: list })).is(200, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    // A clause that cannot be satisfied is passed over.
    const unknown = 'application/json;as=Nope;g=meta.k8s.io;v=v1'
    ;(await t.get(`${t.CM}/a`, { accept: `${unknown},application/json` })).is(200, { kind: 'ConfigMap' })
    ;(await t.get(`${t.CM}/a`, { accept: unknown })).refuses(406, 'NotAcceptable')
    const one = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    ;(await t.get(t.CM, { accept: one })).refuses(406, 'NotAcceptable')
  })

  add('D12', 'a body of a type nobody reads', async (t) => {
    const answer = await t.post(t.CM, JSON.stringify(configMap('a')), { type: 'text/plain' })
    answer.refuses(415, 'UnsupportedMediaType', {
      message: /^the body of the request was in an unknown format - accepted media types include: .*application\/json/,
    })
    ;(await t.get(`${t.CM}/a`)).refuses(404, 'NotFound')
    const charset = await t.post(t.CM, configMap('b'), { type: 'application/json; charset=utf-8' })
    charset.is(201)
    const yaml = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n`
    ;(await t.post(t.CM, yaml, { type: 'application/yaml' })).is(201, { data: { k: 'v' } })
    // Without a type it is JSON.
    ;(await t.post(t.CM, configMap('d'), { type: '' })).is(201)
    const patch = await t.send('PATCH', `${t.CM}/b`, { body: { data: { k: 'v' } }, type: 'application/json' })
    patch.refuses(415, 'UnsupportedMediaType', {
      message: '415: Unsupported Media Type',
      details: exactly({}),
    })
    await t.create(t.W, widget('w'))
    const custom = await t.send('PATCH', `${t.W}/w`, { body: {}, type: 'application/json' })
    custom.refuses(415, 'UnsupportedMediaType', {
      message: /accepted media types include: .*application\/merge-patch\+json/,
    })
    ;(await t.get(`${t.W}/w`, { accept: 'text/csv' })).refuses(406, 'NotAcceptable', {
      message: /^only the following media types are accepted: application\/json\b/,
    })
  })

  add('D13', 'bodies as protobuf', async (t) => {
    const bodies = protobufBodies(t)
    for (const { path, bytes, twin, remove } of bodies) {
      const accept = `${protobufType},application/json`
      const made = await t.post(path, bytes, { type: protobufType, accept: 'application/json' })
      const object = made.is(201)
      const { metadata } = object
      if (remove) t.after(() => t.delete(`${path}/${metadata.name}`))
      const other = await t.create(path, twin)
      if (remove) t.after(() => t.delete(`${path}/${other.metadata.name}`))
      const plain = (object: Obj): Obj => {
        const { spec, ...rest } = object
        // Names of definitions are part of their spec.
        return remove
          ? ({ ...rest, spec: { scope: spec!['scope'], versions: spec!['versions'] }, status: {} } as Obj)
          : object
      }
      // As they were created: controllers soon know them apart.
      twins(t, plain(object), plain(other))
      const again = await t.get(`${path}/${metadata.name}`, { accept })
      t.match(again.status, 200, 'status of a GET that prefers protobuf')
    }
    const options = envelope('v1', 'DeleteOptions', textField(4, 'Background'))
    const gone = await t.send('DELETE', `${t.CM}/proto`, { body: options, type: protobufType })
    gone.is(200, { kind: 'Status', status: 'Success' })
    const broken = await t.post(t.CM, Buffer.from('k8s\0\x0a\xff', 'latin1'), { type: protobufType })
    broken.refuses(400, 'BadRequest')
  })

  add('D14', 'health', async (t) => {
    for (const path of ['/readyz', '/livez', '/healthz']) {
      const answer = await t.get(path, { accept: '*/*' })
      t.match(answer.status, 200, `status of ${path}`)
      t.match(answer.text, 'ok', `body of ${path}`)
      const verbose = await t.get(`${path}?verbose`, { accept: '*/*' })
      t.match(verbose.text, /^\[\+\][^]* check passed\n?$/, `body of ${path}?verbose`)
    }
    t.match((await t.get('/readyz/ping', { accept: '*/*' })).text, 'ok', 'body of /readyz/ping')
  })
})

/** The same objects as bytes of protobuf and as JSON. */
function protobufBodies(t: T): { path: string; bytes: Uint8Array; twin: unknown; remove: boolean }[] {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'json' },
    spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-05T08:00:00.000123Z' },
  }
  const labels = { app: 'a' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.example/a:1' }] } }
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'json', labels },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  }
  const groupName = `${t.ns}.example.com`
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } }
  const container = [
    textField(1, 'main'),
    textField(2, 'registry.example/a:1'),
    textField(5, ''),
    message(8),
    textField(14, ''),
    flag(16, false),
  ]
  const unnamed = [...[1, 2, 3, 4, 5, 6].map((number) => textField(number, '')), whole(7, 0), message(8)]
  return [
    {
      path: t.CM,
      bytes: envelope('v1', 'ConfigMap', metadata('proto', { a: 'b' }), textMap(2, { key: 'value', empty: '' })),
      twin: configMap('json', { key: 'value', empty: '' }, { labels: { a: 'b' } }),
      remove: false,
    },
    {
      path: `/apis/coordination.k8s.io/v1/namespaces/${t.ns}/leases`,
      bytes: envelope(
        'coordination.k8s.io/v1',
        'Lease',
        metadata('proto'),
        message(2, textField(1, 'me'), whole(2, 15), message(4, whole(1, 1_767_600_000), whole(2, 123_000))),
      ),
      twin: lease,
      remove: false,
    },
    {
      path: `/apis/apps/v1/namespaces/${t.ns}/deployments`,
      bytes: envelope(
        'apps/v1',
        'Deployment',
        metadata('proto', labels),
        message(
          2,
          whole(1, 2),
          message(2, textMap(1, labels)),
          message(
            3,
            message(1, ...unnamed, textMap(11, labels)),
            message(2, message(2, ...container), textField(3, '')),
          ),
          message(4, textField(1, '')),
          whole(5, 0),
          flag(7, false),
        ),
        message(3, whole(1, 0), whole(2, 0)),
      ),
      twin: deployment,
      remove: false,
    },
    {
      path: CRD,
      bytes: envelope(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        metadata(`protos.${groupName}`),
        message(
          2,
          textField(1, groupName),
          message(3, textField(1, 'protos'), textField(2, ''), textField(4, 'Proto'), textField(5, '')),
          textField(4, 'Namespaced'),
          message(
            7,
            textField(1, 'v1'),
            flag(2, true),
            flag(3, true),
            message(
              4,
              message(1, textField(5, 'object'), message(29, textField(1, 'spec'), message(2, textField(5, 'object')))),
            ),
          ),
          flag(10, false),
        ),
        message(3),
      ),
      twin: definition('jsons', groupName, { schema }),
      remove: true,
    },
  ]
}
