import type { Obj, ObjList } from './answer.ts'
import { group } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly } from './match.ts'

/** How objects and lists look on the wire. */
export const representations = group('G3', (add) => {
  add('L13', 'lists that are always written', async (t) => {
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${t.ns}/roles`
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${t.ns}/endpointslices`
    const ranges = `/api/v1/namespaces/${t.ns}/limitranges`
    const role = (name: string, more: object): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name },
      ...more,
    })
    const slice = (name: string, more: object): object => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name },
      addressType: 'IPv4',
      ...more,
    })
    const range = (name: string, more: object): object => ({
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name },
      ...more,
    })
    t.match(await t.create(roles, role('absent', {})), { rules: null }, 'a role without rules')
    t.match(await t.create(roles, role('empty', { rules: [] })), { rules: null }, 'a role with no rule')
    t.match(await t.read(`${roles}/empty`), { rules: null }, 'a role with no rule, later')
    const found = (await t.get(roles)).is<{ items: Obj[] }>(200)
    t.match(found.items, [{ rules: null }, { rules: null }], 'roles of a list')
    const nobody = { endpoints: null, ports: null }
    t.match(await t.create(slices, slice('absent', {})), nobody, 'a slice without endpoints')
    t.match(await t.create(slices, slice('empty', { endpoints: [], ports: [] })), nobody, 'a slice with no endpoint')
    t.match(await t.create(ranges, range('absent', {})), { spec: exactly({ limits: null }) }, 'a range without limits')
    const dry = await t.post(ranges, range('dry', { spec: { limits: [] } }), { query: { dryRun: 'All' } })
    dry.is(201, { spec: exactly({ limits: null }) })
    // Who states an empty list owns it, and it is another value than what becomes of it.
    const stated = await t.apply(`${roles}/applied`, 'one', role('applied', { rules: [] }))
    stated.is(201, { rules: null, metadata: { managedFields: [{ fieldsV1: exactly({ 'f:rules': {} }) }] } })
    const other = await t.apply(`${roles}/applied`, 'two', role('applied', { rules: [] }))
    other.refuses(409, 'Conflict', { details: { causes: [{ field: '.rules' }] } })
    ;(await t.apply(`${roles}/applied`, 'one', role('applied', {}))).is(200, {
      rules: null,
      metadata: { managedFields: absent },
    })
  })

  add('L14', 'types of the items of a list', async (t) => {
    const type = { apiVersion: 'v1', kind: 'ConfigMap' }
    const untyped = { apiVersion: absent, kind: absent }
    await t.create(t.CM, configMap('a', { k: 'v' }))
    // As clients write it who sort the fields.
    await t.create(t.CM, '{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"b"}}')
    await t.create(t.CM, '{"metadata":{"name":"c"},"kind":"ConfigMap","apiVersion":"v1"}')
    const mine = { fieldSelector: 'metadata.name!=kube-root-ca.crt' }
    const items = ['a', 'b', 'c'].map((name) => ({ ...untyped, metadata: { name } }))
    const found = (await t.get(t.CM, { query: mine })).is<ObjList>(200, { ...type, kind: 'ConfigMapList', items })
    const { apiVersion: _version, kind: _kind, ...whole } = await t.read(`${t.CM}/b`)
    t.match(found.items[1], exactly(whole), 'an item')
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    ;(await t.get(t.CM, { query: { ...mine, includeObject: 'Object' }, accept: table })).is(200, {
      rows: ['a', 'b', 'c'].map((name) => ({ object: { ...type, metadata: { name } } })),
    })
    const watch = await t.watch(t.CM, { query: mine })
    await watch.next('ADDED', { ...type, metadata: { name: 'a' } })
    ;(await t.delete(t.CM, undefined, { query: { ...mine, dryRun: 'All' } })).is(200, { kind: 'ConfigMapList', items })
    await t.create(t.W, widget('a'))
    ;(await t.get(t.W)).is(200, { items: [{ apiVersion: 'example.com/v1', kind: 'Widget' }] })
  })

  add('L15', 'words for selectors and tokens that cannot be read', async (t) => {
    const refused: [query: Record<string, string>, message: string][] = [
      [{ labelSelector: ',' }, "found ',', expected: !, identifier, or 'end of string'"],
      [{ labelSelector: 'a,' }, "found '', expected: identifier after ','"],
      [{ labelSelector: 'a b' }, "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
      [{ labelSelector: 'a in x' }, "unable to parse requirement: found 'x' expected: '('"],
      [
        { labelSelector: '/a' },
        'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty',
      ],
      [{ fieldSelector: 'a=b=c' }, 'invalid field selector: unescaped character in value: 61'],
      [{ fieldSelector: 'a=b\\x' }, 'invalid field selector: invalid escape sequence: \\x'],
      [
        { continue: 'abc' },
        "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
      ],
      [
        { continue: 'e30' },
        'invalid continue token: continue key is not valid: server does not recognize this encoded version ',
      ],
      [{ limit: '' }, 'strconv.ParseInt: parsing "": invalid syntax'],
      [{ limit: '9223372036854775808' }, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ]
    for (const path of [t.W, t.CM]) {
      for (const [query, message] of refused) (await t.get(path, { query })).refuses(400, 'BadRequest', { message })
    }
  })

  add('L16', 'a version that is too new or too old', async (t) => {
    const { resourceVersion } = (await t.get(t.W)).is<ObjList>(200).metadata
    const future = String(Number(resourceVersion) + 1e6)
    const message = new RegExp(`^Timeout: Too large resource version: ${future}, current: \\d+$`)
    const tooNew = { reason: 'Timeout', code: 504, message, details: { retryAfterSeconds: 1 } }
    const watch = await t.watch(t.W, {
      query: { resourceVersion: future, timeoutSeconds: 4, allowWatchBookmarks: true },
    })
    const initial = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: future }
    const state = await t.watch(t.W, { query: initial })
    const list = t.get(t.W, { query: { resourceVersion: future } })
    const exact = t.get(t.W, { query: { resourceVersion: future, resourceVersionMatch: 'Exact' } })
    await t.create(t.W, widget('unseen'))
    for (const answer of await Promise.all([list, exact])) {
      answer.is(504, tooNew)
      answer.header('retry-after', '1')
    }
    await state.next('ERROR', tooNew)
    // Nothing is said of what comes before the version that is waited for.
    t.match(await watch.rest(), exactly([]), 'events')
    const gone = await t.get(t.W, { query: { resourceVersion: 1, resourceVersionMatch: 'Exact' } })
    gone.refuses(410, 'Expired', { message: 'The resourceVersion for the provided list is too old.' })
    const old = await t.watch(t.W, { query: { resourceVersion: 1 } })
    await old.next('ERROR', { code: 410, reason: 'Expired', message: /^too old resource version: 1 \(\d+\)$/ })
  })

  add('L17', 'versions of tables and metadata', async (t) => {
    await t.create(t.W, widget('a'))
    const form = (as: string, version: string): string => `application/json;as=${as};g=meta.k8s.io;v=${version}`
    for (const version of ['v1', 'v1beta1']) {
      const partial = { apiVersion: `meta.k8s.io/${version}`, kind: 'PartialObjectMetadata', metadata: { name: 'a' } }
      const table = { apiVersion: partial.apiVersion, kind: 'Table', rows: [{ object: partial }] }
      ;(await t.get(t.W, { accept: form('Table', version) })).is(200, table)
      ;(await t.get(`${t.W}/a`, { accept: form('Table', version) })).is(200, table)
      ;(await t.get(`${t.W}/a`, { accept: form('PartialObjectMetadata', version) })).is(200, partial)
      ;(await t.get(t.W, { accept: form('PartialObjectMetadataList', version) })).is(200, {
        apiVersion: partial.apiVersion,
        items: [partial],
      })
      const watch = await t.watch(t.W, { accept: form('Table', version) })
      await watch.next('ADDED', table)
    }
    for (const none of [form('Table', 'v2'), 'application/json;as=Table;g=meta.k8s.io', 'application/json;v=v1']) {
      ;(await t.get(t.W, { accept: none })).refuses(406, 'NotAcceptable')
      ;(await t.get(t.W, { accept: `${none}, application/json` })).is(200, { kind: 'WidgetList' })
    }
  })
})
