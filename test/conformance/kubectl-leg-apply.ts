import type { Case } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { leg } from './kubectl-leg.ts'

interface Data {
  readonly data: Record<string, string>
}

/** apply on either side, and diff. */
export const applies: readonly Case[] = leg((add) => {
  add('K20', 'apply: created, unchanged, configured, a field pruned', async (t, k) => {
    const apply = (input: object, word: string): Promise<string> =>
      k.says('apply -f -', `configmap/c ${word}\n`, { input })
    await apply(configMap('c', { a: '1', b: '2' }), 'created')
    await apply(configMap('c', { a: '1', b: '2' }), 'unchanged')
    ;(await t.patch(`${t.CM}/c`, 'merge', { data: { foreign: 'x' } })).is(200)
    await apply(configMap('c', { a: '3' }), 'configured')
    t.match((await t.read(`${t.CM}/c`)).data, { a: '3', foreign: 'x', b: undefined }, 'data')
    t.check(!('b' in (await t.read<Data>(`${t.CM}/c`)).data), 'b is no longer applied')
    const { metadata } = await t.read(`${t.CM}/c`)
    t.match(
      metadata.annotations,
      { 'kubectl.kubernetes.io/last-applied-configuration': /^\{"apiVersion":"v1","data":\{"a":"3"\},.*\}\n$/ },
      'annotations',
    )
    t.match(
      metadata.managedFields!.map(({ manager, operation }) => `${manager} ${operation}`).sort(),
      ['conformance Update', 'kubectl-client-side-apply Update'],
      'managers',
    )
    await k.says('apply view-last-applied cm c -o json', /"a": "3"/)
    await t.create(t.CM, configMap('bare'))
    await k.says('apply -f -', 'configmap/bare configured\n', {
      input: configMap('bare', { a: '1' }),
      stderr:
        /^Warning: resource configmaps\/bare is missing the kubectl\.kubernetes\.io\/last-applied-configuration annotation/,
    })
  })

  add('K21', 'apply of a custom resource and of a deployment', async (t, k) => {
    const apply = (input: object, line: string): Promise<string> => k.says('apply -f -', `${line}\n`, { input })
    await apply(widget('w', { size: 5, mode: 'A', tags: ['x'] }), 'widget.example.com/w created')
    await apply(widget('w', { size: 5, mode: 'A', tags: ['x'] }), 'widget.example.com/w unchanged')
    await apply(widget('w', { size: 5, tags: ['x', 'y'] }), 'widget.example.com/w configured')
    t.match((await t.read(`${t.W}/w`)).spec, { size: 5, tags: ['x', 'y'] }, 'spec')
    const containers = (...list: object[]): object => deployment({ containers: list })
    const a = {
      name: 'a',
      image: 'a:1',
      env: [
        { name: 'X', value: '1' },
        { name: 'Y', value: '2' },
      ],
    }
    await apply(containers(a, { name: 'b', image: 'b:1' }), 'deployment.apps/d created')
    await apply(containers(a, { name: 'b', image: 'b:1' }), 'deployment.apps/d unchanged')
    const path = `/apis/apps/v1/namespaces/${t.ns}/deployments/d`
    await k.says('set env deploy/d -c a Z=3', 'deployment.apps/d env updated\n')
    await apply(containers({ ...a, image: 'a:2', env: [{ name: 'Y', value: '2' }] }), 'deployment.apps/d configured')
    const { spec } = await t.read<{ spec: { template: { spec: { containers: object[] } } } }>(path)
    t.match(
      spec.template.spec.containers,
      [
        {
          name: 'a',
          image: 'a:2',
          env: [
            { name: 'Y', value: '2' },
            { name: 'Z', value: '3' },
          ],
        },
      ],
      'containers',
    )
  })

  add('K22', 'apply: dry runs and refusals', async (t, k) => {
    await k.says('apply -f - --dry-run=client', 'configmap/c created (dry run)\n', { input: configMap('c') })
    await k.says('apply -f - --dry-run=server', 'configmap/c created (server dry run)\n', { input: configMap('c') })
    ;(await t.get(`${t.CM}/c`)).refuses(404, 'NotFound')
    await k.fails(
      'apply -f -',
      new RegExp(
        `^The Widget "w" is invalid: spec\\.size: Invalid value: 200: spec\\.size in body should be less than or equal to 100\n$`,
      ),
      {
        input: widget('w', { size: 200, mode: 'A' }),
      },
    )
    // Many are a list, in any order.
    await k.fails(
      'apply -f -',
      /^The Widget "w" is invalid: \n(?=[^]*\* spec\.mode: Unsupported value: "C": supported values: "A", "B"\n)(?=[^]*\* spec\.size: Invalid value: -1: spec\.size in body should be greater than or equal to 0\n)/,
      {
        input: widget('w', { size: -1, mode: 'C' }),
      },
    )
    await k.fails(
      'apply -f -',
      /^The Widget "w" is invalid: spec: Invalid value: ("object": )?large widgets must have mode A\n$/,
      {
        input: widget('w', { size: 60, mode: 'B' }),
      },
    )
    const unknown = { input: { ...configMap('c'), dat: { a: '1' } } }
    if (k.minor < 25) {
      await k.fails(
        'apply -f -',
        /^error: error validating "STDIN": error validating data: ValidationError\(ConfigMap\): unknown field "dat" in io\.k8s\.api\.core\.v1\.ConfigMap; /,
        unknown,
      )
    } else {
      await k.fails(
        'apply -f -',
        'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dat"\n',
        unknown,
      )
      await k.says('apply -f - --validate=warn --dry-run=server', 'configmap/c created (server dry run)\n', {
        ...unknown,
        stderr: 'Warning: unknown field "dat"\n',
      })
    }
    const ignored = k.minor < 25 ? 'Warning: unknown field "dat"\n' : ''
    await k.says('apply -f - --validate=false', 'configmap/c created\n', { ...unknown, stderr: ignored })
    await k.fails('apply -f -', /no matches for kind "Thing" in version "example\.com\/v1"/, {
      input: { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' } },
    })
    await k.fails(
      'apply -f -',
      /Error from server \(NotFound\): error when creating "STDIN": namespaces "nowhere-at-all" not found\n/,
      {
        input: configMap('c', {}, { namespace: 'nowhere-at-all' }),
      },
    )
    await k.fails(
      'apply -f -',
      /^The ConfigMap "Bad_Name" is invalid: metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of/,
      {
        input: configMap('Bad_Name'),
      },
    )
  })

  add('K23', 'apply of many, and --prune', async (t, k) => {
    const labels = { app: 'many' }
    const list = (...names: string[]): object => ({
      apiVersion: 'v1',
      kind: 'List',
      items: names.map((name) => configMap(name, {}, { labels })),
    })
    await k.says('apply -f -', 'configmap/a created\nconfigmap/b created\n', { input: list('a', 'b') })
    const stdout = /^configmap\/a (unchanged|configured)\nconfigmap\/b pruned\n$/
    const allow = k.minor < 26 ? '--prune-whitelist=core/v1/ConfigMap' : '--prune-allowlist=core/v1/ConfigMap'
    await k.says(`apply -f - --prune -l app=many ${allow}`, stdout, { input: list('a'), stderr: /^(Warning: .*\n)?$/ })
    ;(await t.get(`${t.CM}/b`)).refuses(404, 'NotFound')
    const first = await k.file('dir/1.yaml', configMap('f1', { a: '1' }))
    await k.file('dir/2.yaml', configMap('f2', { a: '1' }))
    await k.says(['apply', '-f', first.replace('/1.yaml', '')], 'configmap/f1 created\nconfigmap/f2 created\n')
    await k.file('dir/kustomization.yaml', { namePrefix: 'my-', resources: ['1.yaml'] })
    await k.says(['apply', '-k', first.replace('/1.yaml', '')], 'configmap/my-f1 created\n')
  })

  add('K24', 'apply --server-side: created, again, conflict, forced', async (t, k) => {
    const apply = 'apply --server-side -f -'
    const done = 'configmap/c serverside-applied\n'
    await k.says(apply, done, { input: configMap('c', { a: '1', b: '2' }) })
    const { metadata } = await t.read(`${t.CM}/c`)
    await k.says(apply, done, { input: configMap('c', { a: '1', b: '2' }) })
    t.match((await t.read(`${t.CM}/c`)).metadata.resourceVersion, metadata.resourceVersion, 'resourceVersion')
    const other = { input: configMap('c', { a: '9' }) }
    await k.fails(
      `${apply} --field-manager=other`,
      /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.a\nPlease review the fields above--they currently have other managers\. Here\n/,
      other,
    )
    await k.says(`${apply} --field-manager=other --force-conflicts`, done, other)
    await k.says(apply, done, { input: configMap('c', {}) })
    t.match((await t.read(`${t.CM}/c`)).data, { a: '9' }, 'data')
    t.check(!('b' in (await t.read<Data>(`${t.CM}/c`)).data), 'b has no owner left')
    await k.says(`${apply} --dry-run=server`, 'configmap/c serverside-applied (server dry run)\n', {
      input: configMap('c', { z: '1' }),
    })
    await k.says(apply, 'widget.example.com/w serverside-applied\n', { input: widget('w', { size: 5, tags: ['a'] }) })
    await k.says(`${apply} --field-manager=other`, 'widget.example.com/w serverside-applied\n', {
      input: widget('w', { tags: ['b'] }),
    })
    t.match((await t.read(`${t.W}/w`)).spec, { tags: ['a', 'b'] }, 'tags')
    await k.fails(
      `${apply} --field-manager=other`,
      /^error: Apply failed with 1 conflict: conflict with "kubectl"( using example\.com\/v1)?: \.spec\.size\n/,
      {
        input: widget('w', { size: 6 }),
      },
    )
    await k.fails(apply, /unknown field "(spec\.)?colour"|\.spec\.colour: field not declared in schema/, {
      input: widget('w', { colour: 'red' }),
    })
  })

  add(
    'K25',
    'apply --server-side after client-side apply',
    async (t, k) => {
      await k.says('apply -f -', 'configmap/c created\n', { input: configMap('c', { a: '1', b: '2' }) })
      await k.says('apply --server-side -f -', 'configmap/c serverside-applied\n', {
        input: configMap('c', { a: '3' }),
      })
      const { data, metadata } = await t.read(`${t.CM}/c`)
      t.match(data, { a: '3' }, 'data')
      t.check(!('b' in data!), 'what was applied by the client is owned by the server-side applier')
      t.match(
        metadata.managedFields!.map(({ manager, operation }) => `${manager} ${operation}`).sort(),
        ['kubectl Apply', 'kubectl-last-applied Apply'],
        'managers',
      )
      await k.says('apply -f -', 'configmap/c configured\n', { input: configMap('c', { a: '4' }) })
      t.match((await t.read(`${t.CM}/c`)).data, { a: '4' }, 'data')
    },
    { since: 26 },
  )

  add('K26', 'diff', async (t, k) => {
    const input = configMap('c', { a: '1' })
    await k.says('diff -f -', /^diff -u -N [^]*\n\+ {2}a: "1"\n[^]*\n\+ {2}name: c\n/, { code: 1, input })
    await k.says('apply -f -', 'configmap/c created\n', { input })
    await k.says('diff -f -', '', { input })
    await k.says('diff -f -', /\n-  a: "1"\n\+  a: "2"\n/, { code: 1, input: configMap('c', { a: '2' }) })
    await k.says('diff -f - --server-side --force-conflicts', /\n-  a: "1"\n\+  a: "2"\n/, {
      code: 1,
      input: configMap('c', { a: '2' }),
    })
    await t.create(t.W, widget('w', { size: 5 }))
    await k.says('diff -f -', /\n-  size: 5\n\+  size: 6\n/, {
      code: 1,
      input: widget('w', { size: 6 }),
      stderr: /^(Warning: .*\n)?$/,
    })
    await k.fails(
      'diff -f -',
      'The Widget "w" is invalid: spec.size: Invalid value: 600: spec.size in body should be less than or equal to 100\n',
      { code: 2, input: widget('w', { size: 600, mode: 'A' }) },
    )
    t.match((await t.read(`${t.W}/w`)).spec, { size: 5 }, 'spec')
  })
})

function deployment(podSpec: object): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'd' } },
      template: { metadata: { labels: { app: 'd' } }, spec: podSpec },
    },
  }
}
