import type { Obj, ObjList } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly, including, text } from './match.ts'
import { exhaustHistory } from './history.ts'

const names = (list: ObjList): string[] => list.items.map(({ metadata }) => metadata.name)

/** Reads one list, which must succeed. */
async function list(t: T, path: string, query: Record<string, string | number> = {}): Promise<ObjList> {
  return (await t.get(path, { query })).is<ObjList>(200)
}

/** Names in the list with this selector. */
async function selected(t: T, path: string, query: Record<string, string>): Promise<string> {
  return names(await list(t, path, query)).join(' ')
}

async function make(t: T, ...wanted: readonly string[]): Promise<Obj> {
  let last: Obj | undefined
  for (const name of wanted) last = await t.create(t.W, widget(name))
  return last!
}

export const lists = group('G3', (add) => {
  add('L01', 'order and version of a list', async (t) => {
    const last = await make(t, 'c', 'a', 'b')
    const found = (await t.get(t.W)).is<ObjList>(200, {
      kind: 'WidgetList',
      apiVersion: 'example.com/v1',
      // Lists of custom resources always have it.
      metadata: { continue: '', remainingItemCount: absent },
      items: [
        { metadata: { name: 'a' }, kind: 'Widget', apiVersion: 'example.com/v1' },
        { metadata: { name: 'b' } },
        { metadata: { name: 'c' } },
      ],
    })
    t.check(
      BigInt(found.metadata.resourceVersion) >= BigInt(last.metadata.resourceVersion),
      'the version of a list must not be older than its newest item',
    )
    t.match(found.items[2], exactly(await t.read(`${t.W}/c`)), 'an item')
    ;(await t.get(t.CM)).is(200, { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { continue: absent } })
    const empty = (await t.get(`/apis/coordination.k8s.io/v1/namespaces/${t.ns}/leases`)).is<ObjList>(200)
    t.match(empty.items, exactly([]), 'items of an empty list')
  })

  add('L02', 'all namespaces', async (t) => {
    const other = await t.namespace()
    const labels = { run: t.ns }
    await t.create(t.W, widget('b', {}, { labels }))
    await t.create(t.W, widget('a', {}, { labels }))
    await t.create(`/apis/example.com/v1/namespaces/${other}/widgets`, widget('0', {}, { labels }))
    const found = await list(t, '/apis/example.com/v1/widgets', { labelSelector: `run=${t.ns}` })
    const places = found.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    // Keys are compared byte by byte, and the other namespace has a hyphen where this one ends.
    t.match(places, exactly([`${other}/0`, `${t.ns}/a`, `${t.ns}/b`]), 'items')
  })

  add('L03', 'label selectors', async (t) => {
    await t.create(t.W, widget('one', {}, { labels: { a: '1', b: 'x' } }))
    await t.create(t.W, widget('three', {}, { labels: { b: 'y' } }))
    await t.create(t.W, widget('two', {}, { labels: { a: '2' } }))
    await t.create(t.W, widget('zero', {}, { labels: { a: '' } }))
    const expected: Record<string, string> = {
      '': 'one three two zero',
      'a=1': 'one',
      'a==1': 'one',
      'a!=1': 'three two zero',
      'a in (1,2)': 'one two',
      'a in (1, 2),b': 'one',
      'a notin (1,2)': 'three zero',
      a: 'one two zero',
      '!a': 'three',
      'a,!b': 'two zero',
      'a=1,b=x': 'one',
      'a=1,b=y': '',
      'a=': 'zero',
      'a in ()': 'zero',
      'a>1': 'two',
      'a<2': 'one',
      'b in (y,x),a notin (1)': 'three',
      ' a = 1 ': 'one',
    }
    for (const [labelSelector, wanted] of Object.entries(expected)) {
      t.match(await selected(t, t.W, { labelSelector }), wanted, `names for ${JSON.stringify(labelSelector)}`)
    }
  })

  add('L04', 'label selectors that are none', async (t) => {
    for (const labelSelector of [
      'a in (',
      'a in 1',
      '=',
      'a b',
      'a=b c',
      '!',
      'a in (x',
      'a b=c',
      'a=-x-',
      ',a',
      'a>x',
    ]) {
      const answer = await t.get(t.W, { query: { labelSelector } })
      answer.refuses(400, 'BadRequest', { message: text })
      const watch = await t.watch(t.W, { query: { labelSelector } })
      ;(await watch.refusal()).refuses(400, 'BadRequest')
    }
    const parse = await t.get(t.W, { query: { labelSelector: 'a in (' } })
    parse.refuses(400, 'BadRequest', {
      message: /unable to parse requirement: found '', expected: ',', '\)' or identifier/,
    })
  })

  add('L05', 'field selectors of every kind', async (t) => {
    const other = await t.namespace()
    await make(t, 'x', 'y')
    await t.create(`/apis/example.com/v1/namespaces/${other}/widgets`, widget('x'))
    t.match(await selected(t, t.W, { fieldSelector: 'metadata.name=x' }), 'x', 'by name')
    t.match(await selected(t, t.W, { fieldSelector: 'metadata.name==x' }), 'x', 'by name, ==')
    t.match(await selected(t, t.W, { fieldSelector: 'metadata.name!=x' }), 'y', 'by other names')
    t.match(await selected(t, t.W, { fieldSelector: `metadata.name=x,metadata.namespace=${t.ns}` }), 'x', 'by both')
    t.match(await selected(t, t.W, { fieldSelector: 'metadata.name=x,metadata.name=y' }), '', 'by two names')
    t.match(await selected(t, t.W, { fieldSelector: `metadata.namespace=${other}` }), '', 'by another namespace')
    const all = await list(t, '/apis/example.com/v1/widgets', { fieldSelector: `metadata.namespace=${other}` })
    t.match(names(all), exactly(['x']), 'names in one namespace out of all')
    await t.create(t.CM, configMap('x'))
    t.match(await selected(t, t.CM, { fieldSelector: 'metadata.name=x' }), 'x', 'config maps by name')
    for (const fieldSelector of ['metadata.uid=x', 'spec.nope=1']) {
      ;(await t.get(t.CM, { query: { fieldSelector } })).refuses(400, 'BadRequest', {
        message: /field label not supported|is not a known field selector/,
      })
    }
    ;(await t.get(t.CM, { query: { fieldSelector: 'nonsense' } })).refuses(400, 'BadRequest', {
      message: /invalid (field )?selector/,
    })
    const secrets = `/api/v1/namespaces/${t.ns}/secrets`
    await t.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, type: 'example.com/t' })
    t.match(await selected(t, secrets, { fieldSelector: 'type=example.com/t' }), 's', 'secrets by type')
    t.match(await selected(t, secrets, { fieldSelector: 'type=Opaque' }), '', 'secrets by another type')
    const active = await selected(t, '/api/v1/namespaces', {
      fieldSelector: `status.phase=Active,metadata.name=${t.ns}`,
    })
    t.match(active, t.ns, 'namespaces by phase')
  })

  add('L06', 'selectable fields of a custom resource', async (t) => {
    await t.create(t.W, widget('a', { mode: 'A' }))
    await t.create(t.W, widget('b', { mode: 'B' }))
    await t.create(t.W, widget('none'))
    t.match(await selected(t, t.W, { fieldSelector: 'spec.mode=A' }), 'a', 'mode A')
    t.match(await selected(t, t.W, { fieldSelector: 'spec.mode!=A' }), 'b none', 'not mode A')
    t.match(await selected(t, t.W, { fieldSelector: 'spec.mode=' }), 'none', 'no mode')
    t.match(await selected(t, t.W, { fieldSelector: 'spec.mode=A,metadata.name=b' }), '', 'mode A and name b')
    ;(await t.get(t.W, { query: { fieldSelector: 'spec.size=3' } })).refuses(400, 'BadRequest', {
      message: /field label not supported: spec\.size/,
    })
    const watch = await t.watch(t.W, { query: { fieldSelector: 'spec.mode=B' } })
    await watch.next('ADDED', { metadata: { name: 'b' } })
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { mode: 'B' } })).is(200)
    await watch.next('ADDED', { metadata: { name: 'a' } })
    ;(await t.patch(`${t.W}/b`, 'merge', { spec: { mode: 'A' } })).is(200)
    await watch.next('DELETED', { metadata: { name: 'b' } })
  })

  add('L07', 'pages', async (t) => {
    await make(t, 'a', 'b', 'c', 'd', 'e')
    const first = await list(t, t.W, { limit: 2 })
    t.match(names(first), exactly(['a', 'b']), 'first page')
    t.match(first.metadata, { continue: text, remainingItemCount: 3 }, 'metadata of the first page')
    const second = await list(t, t.W, { limit: 2, continue: first.metadata.continue! })
    t.match(names(second), exactly(['c', 'd']), 'second page')
    const { resourceVersion } = first.metadata
    t.match(second.metadata, { continue: text, remainingItemCount: 1, resourceVersion }, 'metadata of the second page')
    const third = await list(t, t.W, { limit: 2, continue: second.metadata.continue! })
    t.match(names(third), exactly(['e']), 'third page')
    t.match(third.metadata, { remainingItemCount: absent, resourceVersion }, 'metadata of the third page')
    t.match(third.metadata.continue ?? '', '', 'continue of the last page')
    // The limit may change, or go.
    const rest = await list(t, t.W, { continue: first.metadata.continue! })
    t.match(names(rest), exactly(['c', 'd', 'e']), 'the rest')
    const exact = await list(t, t.W, { limit: 5 })
    t.match(exact.metadata.continue ?? '', '', 'continue of a page with everything')
    // How many match a selector is not known in advance.
    const some = await list(t, t.W, { limit: 2, fieldSelector: 'metadata.name!=a' })
    t.match(names(some), exactly(['b', 'c']), 'first page with a selector')
    t.match(some.metadata, { continue: text, remainingItemCount: absent }, 'metadata of a page with a selector')
    const next = { limit: 2, fieldSelector: 'metadata.name!=a', continue: some.metadata.continue! }
    t.match(names(await list(t, t.W, next)), exactly(['d', 'e']), 'second page with a selector')
    const negative = await t.get(t.W, { query: { limit: -1 } })
    t.match(negative.status < 500, true, 'a negative limit is no failure of the server')
  })

  add('L08', 'pages show one moment', async (t) => {
    await make(t, 'a', 'b', 'c', 'd')
    const first = await list(t, t.W, { limit: 2 })
    ;(await t.delete(`${t.W}/c`)).is(200)
    await t.create(t.W, widget('bb'))
    ;(await t.patch(`${t.W}/d`, 'merge', { spec: { size: 42 } })).is(200)
    ;(await t.delete(`${t.W}/a`)).is(200)
    const second = await list(t, t.W, { limit: 2, continue: first.metadata.continue! })
    t.match(names(second), exactly(['c', 'd']), 'second page')
    t.match(second.items[1]!.spec, { size: 3 }, 'spec of an object that has changed since')
    t.match(second.metadata.resourceVersion, first.metadata.resourceVersion, 'version of the second page')
    t.match(names(await list(t, t.W)), exactly(['b', 'bb', 'd']), 'names now')
  })

  add(
    'L09',
    'continue tokens that are broken or too old',
    async (t) => {
      for (const token of ['garbage', '!', Buffer.from('{"v":"meta.k8s.io/v1"}').toString('base64url')]) {
        const answer = await t.get(t.W, { query: { limit: 2, continue: token } })
        answer.refuses(400, 'BadRequest', { message: /continue key is not valid/ })
      }
      await make(t, 'a', 'b', 'c', 'd')
      const first = await list(t, t.W, { limit: 2 })
      await t.create(t.W, widget('cc'))
      const next = { limit: 1, continue: first.metadata.continue! }
      await exhaustHistory(t, async () => (await t.get(t.W, { query: next })).status === 410)
      const expired = await t.get(t.W, { query: next })
      expired.is(410, {
        kind: 'Status',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        metadata: { continue: text },
        message:
          'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
          'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
          'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
          'deleted between the time the first chunk was returned and now may show up in the list.',
      })
      const { metadata } = expired.json<{ metadata: { continue: string } }>()
      const rest = await list(t, t.W, { limit: 2, continue: metadata.continue })
      t.match(names(rest), exactly(['c', 'cc']), 'names with the new token')
      t.match(names(await list(t, t.W, { continue: rest.metadata.continue! })), exactly(['d']), 'the rest')
    },
    { alone: true, timeoutMs: 60_000 },
  )

  add('L10', 'lists at a version', async (t) => {
    const first = await make(t, 'a')
    const old = await list(t, t.W)
    const second = await make(t, 'b')
    const { resourceVersion } = old.metadata
    const any = await list(t, t.W, { resourceVersion: '0' })
    t.check(names(any).length <= 2, 'a list at any version has only what is there')
    const notOlder = [{ resourceVersion }, { resourceVersion, resourceVersionMatch: 'NotOlderThan' }]
    for (const query of notOlder) {
      const { metadata } = await list(t, t.W, query)
      t.check(BigInt(metadata.resourceVersion) >= BigInt(resourceVersion), 'a list must not be older than asked for')
    }
    const at = second.metadata.resourceVersion
    t.match(names(await list(t, t.W, { resourceVersion: at })), exactly(['a', 'b']), 'names not before the second')
    const exact = await list(t, t.W, { resourceVersion, resourceVersionMatch: 'Exact' })
    t.match(names(exact), exactly(['a']), 'names at exactly that version')
    t.match(exact.metadata.resourceVersion, resourceVersion, 'version of an exact list')
    t.match(exact.items[0], exactly(first), 'item of an exact list')
    const zero = await t.get(t.W, { query: { resourceVersion: '0', resourceVersionMatch: 'Exact' } })
    zero.refuses(422, 'Invalid', {
      details: {
        group: 'meta.k8s.io',
        kind: 'ListOptions',
        causes: [
          {
            reason: 'FieldValueForbidden',
            field: 'resourceVersionMatch',
            message: 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
          },
        ],
      },
    })
    const unlimited = await list(t, t.W, { resourceVersion: '0', limit: 1 })
    t.check(names(unlimited).length >= 1, 'a list at any version may ignore the limit')
    ;(await t.get(`${t.W}/b`, { query: { resourceVersion: at } })).is(200)
    ;(await t.get(`${t.W}/b`, { query: { resourceVersion: '0' } })).is(200)
    const nonsense = await t.get(t.W, { query: { resourceVersion: 'abc' } })
    const why = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    nonsense.refuses(400, 'BadRequest', { message: `invalid resource version: ${why}` })
    ;(await t.get(`${t.W}/b`, { query: { resourceVersion: 'abc' } })).is(500, { kind: 'Status', message: why })
  })

  add('L11', 'lists at a version to come', async (t) => {
    const { metadata } = await make(t, 'a')
    const resourceVersion = String(BigInt(metadata.resourceVersion) + 1_000_000n)
    const answers = [t.W, `${t.W}/a`].map((path) => t.get(path, { query: { resourceVersion } }))
    for (const answer of await Promise.all(answers)) {
      answer.refuses(504, 'Timeout', {
        message: /^Timeout: Too large resource version: \d+, current: \d+$/,
        details: {
          retryAfterSeconds: 1,
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        },
      })
    }
    // What comes while it waits is enough.
    const next = await t.create(t.W, widget('b'))
    const soon = BigInt(next.metadata.resourceVersion) + 1n
    const waiting = t.get(t.W, { query: { resourceVersion: String(soon) } })
    await t.create(t.W, widget('c'))
    const found = (await waiting).is<ObjList>(200)
    t.match(names(found), including('a', 'b'), 'names after the wait')
    t.check(BigInt(found.metadata.resourceVersion) >= soon, 'the list must not be older than asked for')
  })

  add('L12', 'options that do not fit together', async (t) => {
    const { metadata } = await make(t, 'a')
    await make(t, 'b')
    const { resourceVersion } = metadata
    const token = (await list(t, t.W, { limit: 1 })).metadata.continue!
    const cases: [Record<string, string | number | boolean>, object][] = [
      [
        { resourceVersionMatch: 'Exact' },
        {
          reason: 'FieldValueForbidden',
          field: 'resourceVersionMatch',
          message: 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
        },
      ],
      [
        { resourceVersion, resourceVersionMatch: 'Nope' },
        {
          reason: 'FieldValueNotSupported',
          field: 'resourceVersionMatch',
          message: /^Unsupported value: "Nope": supported values: "Exact", "NotOlderThan"/,
        },
      ],
      [
        { resourceVersion, resourceVersionMatch: 'NotOlderThan', continue: token },
        {
          reason: 'FieldValueForbidden',
          field: 'resourceVersionMatch',
          message: 'Forbidden: resourceVersionMatch is forbidden when continue is provided',
        },
      ],
      [
        { sendInitialEvents: true },
        {
          reason: 'FieldValueForbidden',
          field: 'sendInitialEvents',
          message: 'Forbidden: sendInitialEvents is forbidden for list',
        },
      ],
    ]
    for (const [query, cause] of cases) {
      const answer = await t.get(t.W, { query })
      answer.refuses(422, 'Invalid', {
        message: /^ListOptions\.meta\.k8s\.io "" is invalid: /,
        details: { group: 'meta.k8s.io', kind: 'ListOptions', causes: [cause] },
      })
    }
    const both = await t.get(t.W, { query: { continue: token, resourceVersion } })
    both.refuses(400, 'BadRequest', { message: 'specifying resource version is not allowed when using continue' })
  })
})
