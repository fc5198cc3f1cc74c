import { parse } from 'yaml'
import type { Case } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { leg } from './kubectl-leg.ts'
import { age, checkTable } from './program.ts'

const WIDGETS = ['NAME', 'SIZE', 'MODE', 'AGE']

/** Reading: tables, formats, selections, watches, descriptions. */
export const gets: readonly Case[] = leg((add) => {
  add('K01', 'get in every format', async (t, k) => {
    await t.create(t.W, widget('w1', { size: 5, mode: 'A', name: 'abc' }))
    await t.create(t.W, widget('w2'))
    const rows = [
      ['w1', '5', 'A', age],
      ['w2', '3', age],
    ]
    await k.table('get widgets', [WIDGETS, ...rows])
    await k.table('get widget w2', [WIDGETS, rows[1]!])
    await k.table('get widgets.example.com -o wide', [
      [...WIDGETS, 'WIDE'],
      ['w1', '5', 'A', age, 'abc'],
      ['w2', '3', age],
    ])
    await k.table('get widgets --no-headers', rows)
    await k.table('get widgets --show-labels', [
      [...WIDGETS, 'LABELS'],
      ['w1', '5', 'A', age, '<none>'],
      ['w2', '3', age, '<none>'],
    ])
    await k.says('get widgets -o name', 'widget.example.com/w1\nwidget.example.com/w2\n')
    await k.says('get widget w1 -o jsonpath={.spec.size}{.metadata.namespace}', `5${t.ns}`)
    await k.says('get widgets -o custom-columns=N:.metadata.name,S:.spec.size', /^N +S\nw1 +5\nw2 +3\n$/)
    await k.says(['get', 'widgets', '-o', 'go-template={{range .items}}{{.metadata.name}} {{end}}'], 'w1 w2 ')
    const list = JSON.parse(await k.says('get widgets -o json', /[^]/)) as unknown
    t.match(list, { apiVersion: 'v1', kind: 'List', items: [{ kind: 'Widget' }, { kind: 'Widget' }] }, 'the list')
    const one = parse(await k.says('get widget w1 -o yaml', /[^]/)) as unknown
    t.match(one, { kind: 'Widget', metadata: { name: 'w1' }, spec: { size: 5, mode: 'A' } }, 'the widget')
    await k.says('get -o name -f -', 'widget.example.com/w1\n', { input: widget('w1') })
  })

  add('K02', 'get what is selected', async (t, k) => {
    await t.create(t.W, widget('w1', { size: 9, mode: 'A' }, { labels: { app: 'x', tier: 'one' } }))
    await t.create(t.W, widget('w2', { size: 2, mode: 'B' }, { labels: { app: 'y' } }))
    await t.create(t.W, widget('w3', { size: 5, mode: 'A' }, { labels: { app: 'x' } }))
    const names = (...list: string[]): string => list.map((name) => `widget.example.com/${name}\n`).join('')
    await k.says('get widgets -o name -l app=x', names('w1', 'w3'))
    await k.says(['get', 'widgets', '-o', 'name', '-l', 'app in (x, y),!tier'], names('w2', 'w3'))
    await k.says('get widgets -o name --field-selector=metadata.name=w2', names('w2'))
    await k.says('get widgets -o name --field-selector=spec.mode=A', names('w1', 'w3'))
    await k.says('get widgets -o name --field-selector=spec.mode!=A', names('w2'))
    await k.says('get widgets -o name --sort-by=.spec.size', names('w2', 'w3', 'w1'))
    await k.table('get widgets --sort-by=.spec.size', [
      WIDGETS,
      ['w2', '2', 'B', age],
      ['w3', '5', 'A', age],
      ['w1', '9', 'A', age],
    ])
    await k.says('get widgets -o name --chunk-size=1', names('w1', 'w2', 'w3'))
    await k.table('get widgets -L app', [
      [...WIDGETS, 'APP'],
      ['w1', '9', 'A', age, 'x'],
      ['w2', '2', 'B', age, 'y'],
      ['w3', '5', 'A', age, 'x'],
    ])
    await k.table(`get widgets -A --field-selector=metadata.namespace=${t.ns},metadata.name=w1`, [
      ['NAMESPACE', ...WIDGETS],
      [t.ns, 'w1', '9', 'A', age],
    ])
    await k.says('get widgets,cm -l app=y -o name', names('w2'))
    await k.says('get widgets -l app=z', '', { stderr: `No resources found in ${t.ns} namespace.\n` })
    await k.fails(
      'get widgets --field-selector=spec.size=9',
      /^Error from server \(BadRequest\): Unable to find "example\.com\/v1, Resource=widgets" that match label selector "", field selector "spec\.size=9": field label not supported: spec\.size\n$/,
    )
    await k.fails(
      ['get', 'widgets', '-l', 'a=b=c'],
      /found '=', expected: ',' or 'end of string'|unable to parse requirement/,
    )
  })

  add('K03', 'get what is not there', async (_t, k) => {
    await k.fails('get widget none', 'Error from server (NotFound): widgets.example.com "none" not found\n')
    await k.fails('get cm none', 'Error from server (NotFound): configmaps "none" not found\n')
    await k.fails('get deploy none', 'Error from server (NotFound): deployments.apps "none" not found\n')
    await k.fails('get things', 'error: the server doesn\'t have a resource type "things"\n')
    await k.says('get widget none --ignore-not-found', '')
    await k.fails(
      'get widget w1 w2',
      /^Error from server \(NotFound\): widgets\.example\.com "w1" not found\nError .*"w2" not found\n$/,
    )
    await k.says('get cm -n nowhere-at-all', '', { stderr: 'No resources found in nowhere-at-all namespace.\n' })
  })

  add('K04', 'get -w and --watch-only', async (t, k) => {
    await t.create(t.W, widget('w1', { size: 5, mode: 'A' }))
    const all = k.start('get widgets -w')
    const only = k.start('get widgets --watch-only --output-watch-events')
    const json = k.start('get widgets -w -o jsonpath={.metadata.name}={.spec.size};')
    await all.printed((text) => text.includes('w1'))
    await json.printed((text) => text.includes(';'))
    // The list of --watch-only says nothing; the object is changed until the watch is on.
    let watching = false
    void only
      .printed((text) => text.includes('w1'))
      .then(
        () => (watching = true),
        () => undefined,
      )
    await t.eventually(async () => {
      ;(await t.patch(`${t.W}/w1`, 'merge', { metadata: { annotations: { at: t.unique('n') } } })).is(200)
      await t.pause(100)
      t.check(watching, '--watch-only must print the changes')
    })
    ;(await t.patch(`${t.W}/w1`, 'merge', { spec: { size: 6 } })).is(200)
    await t.create(t.W, widget('w2', { size: 7 }))
    ;(await t.delete(`${t.W}/w1`)).is(200)
    await all.printed((text) => /\nw1 +6 +A +\S+\nw2 +7 +\S+\nw1 +6 +A +\S+\n$/.test(text))
    const lines = (await only.printed((text) => /\nDELETED .*\n/.test(text))).trim().split('\n')
    t.match(lines[0], /^EVENT +NAME +SIZE +MODE +AGE$/, 'the head of --watch-only')
    t.match(
      lines.slice(-3),
      [/^MODIFIED +w1 +6 +A /, /^ADDED +w2 +7 /, /^DELETED +w1 +6 +A /],
      'events of --watch-only',
    )
    await json.printed((text) => text.endsWith('w1=6;w2=7;w1=6;'))
    await Promise.all([all.interrupt(), only.interrupt(), json.interrupt()])
  })

  add(
    'K05',
    'get and patch --subresource',
    async (t, k) => {
      await t.create(t.W, widget('w1', { size: 5, replicas: 2 }))
      await k.says(
        ['patch', 'widget', 'w1', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Up"}}'],
        'widget.example.com/w1 patched\n',
      )
      await k.says('get widget w1 --subresource=status -o jsonpath={.status.phase}', 'Up')
      await k.says('get widget w1 --subresource=scale -o jsonpath={.kind}{.spec.replicas}', 'Scale2')
      await k.table('get widget w1 --subresource=status', [WIDGETS, ['w1', '5', age]])
      await k.fails('get cm any --subresource=status', /NotFound|could not find the requested resource/)
    },
    { since: 24 },
  )

  add('K06', 'describe', async (t, k) => {
    await t.create(t.W, widget('w1', { size: 5, mode: 'A' }, { labels: { app: 'x' }, annotations: { note: 'hello' } }))
    await t.create(`/api/v1/namespaces/${t.ns}/events`, event('w1.1', t.ns, 'Widget', 'w1'))
    const described = await k.says(
      'describe widget w1',
      /^Name: +w1\nNamespace: +t-.*\nLabels: +app=x\nAnnotations: +note[:=] ?hello\nAPI Version: +example.com\/v1\nKind: +Widget\n/,
    )
    t.match(described, /\nSpec:\n {2}Mode: +A\n {2}Size: +5\nEvents:/, 'the description')
    await t.create(t.CM, configMap('cm', { a: '1' }))
    await k.says(
      'describe cm cm',
      new RegExp(`^Name: +cm\nNamespace: +${t.ns}\nLabels: +<none>\nAnnotations: +<none>\n\nData\n====\na:\n----\n1\n`),
    )
    await k.says(
      `describe ns ${t.ns}`,
      new RegExp(
        `^Name: +${t.ns}\nLabels: +kubernetes.io/metadata.name=${t.ns}\nAnnotations: +<none>\nStatus: +Active\n\nNo resource quota\\.\n\nNo LimitRange resource\\.\n$`,
      ),
    )
    await k.says('create quota q --hard=pods=2,services=3', 'resourcequota/q created\n')
    await k.says(`describe ns ${t.ns}`, /\nResource Quotas\n {2}Name: +q\n {2}Resource +Used +Hard\n/)
    await k.says('create deploy web --image=nginx:1 --replicas=0', 'deployment.apps/web created\n')
    await k.says(
      'describe deploy web',
      /^Name: +web\nNamespace: +t-[^\n]*\nCreationTimestamp: +[A-Z][^\n]*\nLabels: +app=web\n[^]*\nSelector: +app=web\nReplicas: +0 desired \| 0 updated \| 0 total \| 0 available \| 0 unavailable\nStrategyType: +RollingUpdate\nMinReadySeconds: +0\nRollingUpdateStrategy: +25% max unavailable, 25% max surge\nPod Template:\n {2}Labels: +app=web\n {2}Containers:\n {3}nginx:\n {4}Image: +nginx:1\n/,
    )
    await k.says('run one --image=nginx:1', 'pod/one created\n')
    await k.says(
      'describe pod one',
      /^Name: +one\nNamespace: +t-[^\n]*\n[^]*\nLabels: +run=one\n[^]*\nStatus: +Pending\n[^]*\n {2}one:\n {4}Image: +nginx:1\n[^]*\nQoS Class: +BestEffort\n/,
    )
    await k.says('create svc clusterip web --tcp=80:8080', 'service/web created\n')
    const stderr =
      k.minor < 33 ? 'Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n' : ''
    await k.says(
      'describe svc web',
      /^Name: +web\n[^]*\nSelector: +app=web\nType: +ClusterIP\n[^]*\nPort: +80-8080 +80\/TCP\nTargetPort: +8080\/TCP\n/,
      { stderr },
    )
    await k.says('create secret generic s --from-literal=p=abc', 'secret/s created\n')
    await k.says('describe secret s', /\nType: +Opaque\n\nData\n====\np: +3 bytes\n$/)
    await k.fails('describe widget none', 'Error from server (NotFound): widgets.example.com "none" not found\n')
    await k.says(
      'describe crd widgets.example.com',
      /^Name: +widgets\.example\.com\n[^]*\nKind: +CustomResourceDefinition\n/,
    )
  })

  add(
    'K07',
    'events',
    async (t, k) => {
      await t.create(t.W, widget('w1'))
      await t.create(`/api/v1/namespaces/${t.ns}/events`, event('w1.1', t.ns, 'Widget', 'w1'))
      await t.create(`/api/v1/namespaces/${t.ns}/events`, event('w2.1', t.ns, 'Widget', 'w2', 'Warning'))
      const head = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
      const of = (name: string, type: string): (string | RegExp)[] => [
        /^\S+$/,
        type,
        'Tested',
        `Widget/${name}`,
        'it was tested',
      ]
      await k.table('events --for widget/w1', [head, of('w1', 'Normal')])
      await k.table('events --types=Warning', [head, of('w2', 'Warning')])
      await k.says('events --for widget/w3', '', { stderr: `No events found in ${t.ns} namespace.\n` })
    },
    { since: 26 },
  )

  add('K08', 'get events', async (t, k) => {
    await t.create(`/api/v1/namespaces/${t.ns}/events`, event('w1.1', t.ns, 'Widget', 'w1'))
    const rows = [
      ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
      [/^\S+$/, 'Normal', 'Tested', 'widget/w1', 'it was tested'],
    ]
    await k.table('get events', rows)
    await k.table('get events.events.k8s.io', rows)
    const stderr = /^(Warning: short name "ev" could also match lower priority resource events\.events\.k8s\.io\n)?$/
    await k.table('get ev --field-selector=involvedObject.name=w1,type=Normal', rows, { stderr })
    await k.says('get events --field-selector=reason=Other -o name', '')
  })

  add('K09', 'get of built-in kinds', async (t, k) => {
    await t.create(t.CM, configMap('cm', { a: '1', b: '2' }, { labels: { x: 'y' } }))
    await k.table('get cm -l x=y', [
      ['NAME', 'DATA', 'AGE'],
      ['cm', '2', age],
    ])
    await k.table(`get ns ${t.ns}`, [
      ['NAME', 'STATUS', 'AGE'],
      [t.ns, 'Active', age],
    ])
    await k.says('create deploy web --image=nginx:1 --replicas=0', 'deployment.apps/web created\n')
    await k.table('get deploy -o wide', [
      ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR'],
      ['web', '0/0', '0', '0', age, 'nginx', 'nginx:1', 'app=web'],
    ])
    await k.says('get deploy,cm -l app=web -o name', 'deployment.apps/web\n')
    const out = await k.says('get cm,secret,sa,role -o name', /^configmap\/cm\n/)
    t.check(!out.includes('role'), 'there is no role')
    await k.says('create secret generic s --from-literal=p=1', 'secret/s created\n')
    checkTable('secrets', await k.says('get secrets', /[^]/), [
      ['NAME', 'TYPE', 'DATA', 'AGE'],
      ['s', 'Opaque', '1', age],
    ])
    await k.table('get crd widgets.example.com', [
      ['NAME', 'CREATED AT'],
      ['widgets.example.com', /^\d{4}-\d\d-\d\dT[\d:]+Z$/],
    ])
    await k.table('get clusterrole view', [
      ['NAME', 'CREATED AT'],
      ['view', /^\d{4}-\d\d-\d\dT[\d:]+Z$/],
    ])
    await k.says('get all -l app=nothing', '', { stderr: `No resources found in ${t.ns} namespace.\n` })
  })

  add('K10', 'get --raw and other raw requests', async (t, k) => {
    await k.says('get --raw /healthz', 'ok')
    await k.says('get --raw /readyz?verbose', /^\[\+\]ping ok\n[^]*readyz check passed\n$/)
    t.match(JSON.parse(await k.says('get --raw /version', /gitVersion/)), { major: '1' }, '/version')
    await k.says(`create --raw ${t.CM} -f -`, /"kind":"ConfigMap"/, { input: configMap('raw', { a: '1' }) })
    t.match(JSON.parse(await k.says(`get --raw ${t.CM}/raw`, /[^]/)), { data: { a: '1' } }, 'the config map')
    await k.says(`replace --raw ${t.CM}/raw -f -`, /"data":{"b":"2"}/, { input: configMap('raw', { b: '2' }) })
    await k.says(`delete --raw ${t.CM}/raw`, /"status":"Success"/)
    await k.fails(`get --raw ${t.CM}/raw`, 'Error from server (NotFound): configmaps "raw" not found\n')
    await k.fails(
      'get --raw /nothing/here',
      'Error from server (NotFound): the server could not find the requested resource\n',
    )
  })
})

function event(name: string, namespace: string, kind: string, of: string, type = 'Normal'): object {
  const at = new Date().toISOString().replace(/\.\d+/, '')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: { apiVersion: 'example.com/v1', kind, name: of, namespace },
    type,
    reason: 'Tested',
    message: 'it was tested',
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    source: { component: 'conformance' },
  }
}
