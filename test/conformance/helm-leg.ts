import { stringify } from 'yaml'
import { helmPath } from '../support/kubectl.ts'
import type { Case, T } from './case.ts'
import { anything, CRD, definition } from './fixtures.ts'
import { environmentOf, leg } from './kubectl-leg.ts'
import type { Kubectl } from './kubectl-leg.ts'
import { checkTable, Program } from './program.ts'

const HEAD = ['NAME', 'NAMESPACE', 'REVISION', 'UPDATED', 'STATUS', 'CHART', 'APP VERSION']

/** What people do with helm, by the version of kubectl it comes with. */
export const helmCases: readonly Case[] = leg((add) => {
  add(
    'H01',
    'helm install, upgrade, rollback, list, uninstall',
    async (t, k) => {
      const { helm, chart, group, other } = await prepare(t, k)
      const toys = `/apis/${group}/v1/namespaces/${t.ns}/toys`
      await helm.says(`template app ${chart}`, /\nkind: Deployment\n/)
      await helm.says(`install app ${chart}`, status('deployed', 1))
      t.match(await t.read(`${t.CM}/app`), { data: { text: 'one' } }, 'the config map')
      t.match((await t.read(`${t.CM}/app`)).metadata.labels, { 'app.kubernetes.io/managed-by': 'Helm' }, 'labels')
      t.match(await t.read(`${toys}/app`), { spec: { text: 'one' } }, 'the toy')
      await t.read(`/api/v1/namespaces/${other}`)
      await helm.fails(
        `install app ${chart}`,
        /^(level=.*\n)?Error: INSTALLATION FAILED: .*cannot re-?use a name that is still in use\n$/,
      )
      await helm.says(`upgrade app ${chart} --set text=two --set extra=true`, status('deployed', 2, 'upgraded'))
      t.match(await t.read(`${t.CM}/app`), { data: { text: 'two' } }, 'the config map')
      t.match(await t.read(`${t.CM}/app-extra`), {}, 'the second config map')
      t.match(await t.read(`${toys}/app`), { spec: { text: 'two' } }, 'the toy')
      const deployment = `/apis/apps/v1/namespaces/${t.ns}/deployments/app`
      t.match(
        await t.read(deployment),
        { spec: { template: { spec: { containers: [{ image: 'app:two' }] } } } },
        'image',
      )
      // What others add to an object stays.
      ;(await t.patch(`${t.CM}/app`, 'merge', { data: { foreign: 'x' } })).is(200)
      await helm.says('rollback app 1', 'Rollback was a success! Happy Helming!\n')
      t.match(await t.read(`${t.CM}/app`), { data: { text: 'one', foreign: 'x' } }, 'the config map')
      ;(await t.get(`${t.CM}/app-extra`)).refuses(404, 'NotFound')
      const chartName = 'toy-0.1.0'
      checkTable('helm list', (await helm.says('list', /[^]/)).replaceAll('\t', '  '), [
        HEAD,
        ['app', t.ns, '3', /^\d{4}-/, 'deployed', chartName, '1.0'],
      ])
      await helm.says('history app -o json', /"revision":3,.*"description":"Rollback to 1"/)
      await helm.says('get manifest app', /\nkind: Toy\n/)
      await helm.says('status app', status('deployed', 3))
      await helm.says('uninstall app --wait', 'release "app" uninstalled\n')
      ;(await t.get(deployment)).refuses(404, 'NotFound')
      ;(await t.get(`${toys}/app`)).refuses(404, 'NotFound')
      await helm.says('list -q', '')
      // Definitions of a chart outlive its releases.
      await t.read(`${CRD}/toys.${group}`)
    },
    { group: 'helm' },
  )

  add(
    'H02',
    'helm --wait until a deployment is available',
    async (t, k) => {
      const { helm, chart } = await prepare(t, k)
      const installing = helm.start(`install app ${chart} --wait --timeout 60s --set replicas=1`)
      let ended = false
      void installing.ended.then(
        () => (ended = true),
        () => undefined,
      )
      await t.eventually(async () => {
        await beController(t)
        t.check(ended, 'helm must see that the deployment is available')
      }, 60_000)
      t.match(await installing.ended, { code: 0, stderr: '', stdout: status('deployed', 1) }, 'helm install --wait')
      await helm.fails(
        `upgrade app ${chart} --wait --timeout 2s --set replicas=3 --set text=two`,
        /^(level=.*\n)?Error: UPGRADE FAILED: .*(timed out waiting for the condition|context deadline exceeded|not ready)/,
      )
      await helm.says('list --failed -q', 'app\n')
      await helm.says('uninstall app', 'release "app" uninstalled\n')
    },
    { group: 'helm' },
  )
})

/** Of a deployment that is done. */
const CONDITIONS = [
  { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
  { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
]

function status(state: string, revision: number, action = ''): RegExp {
  const first = action === '' ? '' : `Release "app" has been ${action}\\. Happy Helming!\n`
  return new RegExp(`^${first}NAME: app\nLAST DEPLOYED: .*\nNAMESPACE: t-.*\nSTATUS: ${state}\nREVISION: ${revision}\n`)
}

interface Prepared {
  readonly helm: Program
  readonly chart: string
  /** API group of the chart's own kind. */
  readonly group: string
  /** The namespace the chart makes. */
  readonly other: string
}

async function prepare(t: T, k: Kubectl): Promise<Prepared> {
  const group = `${t.unique('toys')}.example.com`
  const other = t.unique('n')
  const helm = new Program(helmPath(`v${k.minor}` as Parameters<typeof helmPath>[0]), environmentOf(k.folder), t.signal)
  t.after(() => t.delete(`${CRD}/toys.${group}`))
  t.after(() => t.delete(`/api/v1/namespaces/${other}`))
  const labels = { app: 'app' }
  const metadata = { name: '{{ .Release.Name }}' }
  const container = { name: 'app', image: 'app:{{ .Values.text }}' }
  const templates: Readonly<Record<string, object>> = {
    namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: other } },
    config: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: '{{ .Values.text }}' } },
    service: { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 80 }] } },
    toy: { apiVersion: `${group}/v1`, kind: 'Toy', metadata, spec: { text: '{{ .Values.text }}' } },
    deployment: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
  }
  await k.file('toy/Chart.yaml', stringify({ apiVersion: 'v2', name: 'toy', version: '0.1.0', appVersion: '1.0' }))
  await k.file('toy/values.yaml', stringify({ text: 'one', extra: false, replicas: 0 }))
  await k.file('toy/crds/toys.yaml', stringify(definition('toys', group, anything)))
  for (const [name, object] of Object.entries(templates)) {
    // The template of a number cannot be YAML itself.
    const text = stringify(object).replace(
      'spec:\n  selector:\n    match',
      'spec:\n  replicas: {{ .Values.replicas }}\n  selector:\n    match',
    )
    await k.file(`toy/templates/${name}.yaml`, text)
  }
  const extra = stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-extra' } })
  await k.file('toy/templates/extra.yaml', `{{ if .Values.extra }}\n${extra}{{ end }}\n`)
  return { helm, chart: `${k.folder}/toy`, group, other }
}

/** Does what is left to do for the deployment: its replica set where nobody makes one, and pods that are ready. */
async function beController(t: T): Promise<void> {
  const apps = `/apis/apps/v1/namespaces/${t.ns}`
  const found = await t.get(`${apps}/deployments/app`)
  if (found.status !== 200) return
  const deployment = found.is(200)
  const { uid, generation } = deployment.metadata
  const { template } = deployment.spec as { template: { metadata: object; spec: object } }
  const labels = { app: 'app', 'pod-template-hash': 'one' }
  const ready = { replicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 }
  const sets = await t.read<{ items: { metadata: { name: string } }[] }>(`${apps}/replicasets`)
  if (sets.items.length === 0) {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', uid, controller: true }]
    const made = await t.post(`${apps}/replicasets`, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'app-one', labels, ownerReferences, annotations: { 'deployment.kubernetes.io/revision': '1' } },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
    })
    // A controller may have been faster.
    if (made.status !== 409) made.is(201)
  }
  for (const { metadata } of sets.items) {
    ;(await t.patch(`${apps}/replicasets/${metadata.name}/status`, 'merge', { status: ready })).is(200)
  }
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }]
  const pods = await t.read<{ items: { metadata: { name: string } }[] }>(`/api/v1/namespaces/${t.ns}/pods`)
  for (const { metadata } of pods.items) {
    await t.patch(`/api/v1/namespaces/${t.ns}/pods/${metadata.name}/status`, 'merge', { status: { conditions } })
  }
  const status = { ...ready, updatedReplicas: 1, observedGeneration: generation, conditions: CONDITIONS }
  ;(await t.patch(`${apps}/deployments/app/status`, 'merge', { status })).is(200)
}
