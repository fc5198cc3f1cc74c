import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { controlPlanes, hostedClusters, type ControlPlane } from '@locktender/fleet'
import { loadKubeconfig, systemClock, transportFromKubeconfig, VirtualClock } from '@locktender/kube'
import type { Client, KubeObject, Transport } from '@locktender/kube'
import { administrator, agentIdentity, type Demo } from '@locktender/simulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from './support/simulator-process.ts'
import { openDemo } from './support/virtual-demo.ts'

const own = 'mc-prod-1'
const other = 'mc-prod-2'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let demo: Demo
let admin: Client
let mine: ControlPlane
let foreign: ControlPlane
/** The agent's way to the hub and to two management clusters: HTTPS with its client certificate, as in production. */
const transports = new Map<string, Transport>()

beforeAll(async () => {
  // The machine's time, since it is the machine that judges certificates.
  demo = (await openDemo({ clusters: 12 }, new VirtualClock(Date.now()))).demo
  folder = await temporaryFolder()
  const path = join(folder.path, 'agent')
  await writeFile(path, await demo.kubeconfigOf(agentIdentity(own), ['hub', own, other]), { mode: 0o600 })
  const clock = systemClock()
  for (const context of ['hub', own, other]) {
    transports.set(context, await transportFromKubeconfig(await loadKubeconfig({ path, context }), { clock }))
  }
  admin = demo.client('hub', administrator)
  const all = (await admin.listAll<ControlPlane>(controlPlanes)).items
  mine = all.find(({ metadata }) => metadata.namespace === own)!
  foreign = all.find(({ metadata }) => metadata.namespace === other)!
})

afterAll(async () => {
  for (const transport of transports.values()) await transport.close()
  await demo.close()
  await folder[Symbol.asyncDispose]()
})

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'apply', 'delete', 'deletecollection'] as const
type Verb = (typeof verbs)[number]

/** The HTTP status of `verb` on what `collection` holds: on `name`, and on `subresource` of it. */
async function answer(
  cluster: string,
  verb: Verb,
  { collection, name, subresource }: Target,
): Promise<{ status: number; message: string }> {
  const object = `${collection}/${name}${subresource === undefined ? '' : `/${subresource}`}`
  const onCollection = verb === 'list' || verb === 'watch' || verb === 'create' || verb === 'deletecollection'
  // An empty object: whoever is let through changes nothing by it.
  const [method, contentType] = methods[verb]
  const abort = new AbortController()
  const response = await transports.get(cluster)!.request({
    method,
    path: (onCollection ? collection : object) + (verb === 'watch' ? '?watch=true' : '') + queries[verb],
    headers: contentType === undefined ? {} : { 'content-type': contentType },
    ...(contentType === undefined ? {} : { body: '{}' }),
    signal: abort.signal,
  })
  if (verb === 'watch' && response.status === 200) {
    abort.abort()
    return { status: 200, message: '' }
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return { status: response.status, message: Buffer.concat(chunks).toString() }
}

const json = 'application/json'
const methods: Readonly<Record<Verb, readonly ['GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', string?]>> = {
  get: ['GET'],
  list: ['GET'],
  watch: ['GET'],
  create: ['POST', json],
  update: ['PUT', json],
  patch: ['PATCH', 'application/merge-patch+json'],
  apply: ['PATCH', 'application/apply-patch+yaml'],
  delete: ['DELETE'],
  deletecollection: ['DELETE'],
}
const queries: Readonly<Record<Verb, string>> = {
  get: '',
  list: '',
  watch: '',
  create: '',
  update: '',
  patch: '',
  apply: '?fieldManager=agent',
  delete: '',
  deletecollection: '',
}

interface Target {
  readonly collection: string
  readonly name: string
  readonly subresource?: string
  /** What the agent may do; everything else must be forbidden. */
  readonly may: readonly Verb[]
}

const read: readonly Verb[] = ['get', 'list', 'watch']
const locktender = '/apis/locktender.dev/v1alpha1'
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const core = '/api/v1'
const nothing = (collection: string, name: string, subresource?: string): Target => ({
  collection,
  name,
  ...(subresource !== undefined && { subresource }),
  may: [],
})

/** Of a subresource only the verbs of one object mean anything; the others are those of the collection. */
function verbsOf({ subresource }: Target): readonly Verb[] {
  return subresource === undefined ? verbs : ['get', 'update', 'patch', 'apply']
}

async function letThrough(cluster: string, target: Target): Promise<Verb[]> {
  const passed: Verb[] = []
  for (const verb of verbsOf(target)) {
    const { status, message } = await answer(cluster, verb, target)
    expect(status, `${verb} ${target.collection}/${target.name}: ${message}`).not.toBe(401)
    if (status === 403) expect(message).toContain(`User \\"locktender:agent:${own}\\" cannot`)
    else passed.push(verb)
  }
  return passed
}

const path = ({ collection, name, subresource }: Target) => [collection, name, subresource].filter(Boolean).join('/')

describe('on the hub an agent', () => {
  const targets = (): Target[] => [
    { collection: `${locktender}/namespaces/${own}/controlplanes`, name: mine.metadata.name, may: read },
    {
      collection: `${locktender}/namespaces/${own}/controlplanes`,
      name: mine.metadata.name,
      subresource: 'status',
      may: ['get', 'update', 'patch', 'apply'],
    },
    {
      collection: `/apis/coordination.k8s.io/v1/namespaces/${own}/leases`,
      name: 'agent',
      may: ['get', 'update', 'patch', 'apply'],
    },
    nothing(`/apis/coordination.k8s.io/v1/namespaces/${own}/leases`, 'another'),
    nothing(`/apis/coordination.k8s.io/v1/namespaces/${other}/leases`, 'agent'),
    nothing('/apis/coordination.k8s.io/v1/namespaces/locktender-system/leases', 'locktender-manager'),
    nothing(`${locktender}/namespaces/${other}/controlplanes`, foreign.metadata.name),
    nothing(`${locktender}/namespaces/${other}/controlplanes`, foreign.metadata.name, 'status'),
    ...['managementclusters', 'componentfixes', 'rollouts'].flatMap((plural) => [
      nothing(`${locktender}/${plural}`, own),
      nothing(`${locktender}/${plural}`, own, 'status'),
    ]),
    ...['rolloutstrategies', 'releases', 'approvals'].map((plural) => nothing(`${locktender}/${plural}`, 'x')),
    ...['secrets', 'configmaps', 'serviceaccounts', 'events'].map((plural) =>
      nothing(`${core}/namespaces/${own}/${plural}`, 'x'),
    ),
    nothing(`${core}/namespaces`, own),
    nothing(`${rbac}/namespaces/${own}/roles`, 'locktender-agent'),
    nothing(`${rbac}/namespaces/${own}/rolebindings`, 'locktender-agent'),
    nothing(`${rbac}/clusterroles`, 'locktender-manager'),
    nothing(`${rbac}/clusterrolebindings`, 'locktender-manager'),
    nothing('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'controlplanes.locktender.dev'),
  ]

  test('may read its own control planes, write their status and renew its lease, and nothing else', async () => {
    const before = await admin.listAll<KubeObject>(controlPlanes)
    for (const target of targets()) {
      expect([path(target), await letThrough('hub', target)]).toEqual([path(target), target.may])
    }
    // Not even by the way of all namespaces at once.
    const everywhere = nothing(`${locktender}/controlplanes`, mine.metadata.name)
    for (const verb of ['list', 'watch', 'deletecollection'] as const) {
      expect((await answer('hub', verb, everywhere)).status).toBeGreaterThanOrEqual(403)
    }
    const after = await admin.listAll<KubeObject>(controlPlanes)
    const specs = (list: typeof before) => list.items.map(({ metadata }) => [metadata.name, metadata.generation])
    expect(specs(after)).toEqual(specs(before))
  })

  test('changes no spec by way of the status, and no other control plane by naming it in the body', async () => {
    const status = fullStatus()
    const hold = [{ name: 'mine', reason: 'none', owner: 'agent' }]
    const transport = transports.get('hub')!
    const write = async (body: object) =>
      transport.request({
        method: 'PATCH',
        path: `${locktender}/namespaces/${own}/controlplanes/${mine.metadata.name}/status`,
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify(body),
      })
    const labels = { stolen: 'yes' }
    expect((await write({ status, spec: { holds: hold }, metadata: { labels } })).status).toBe(200)
    const { spec, metadata } = await admin.get<ControlPlane>(controlPlanes, mine.metadata.name, own)
    expect(spec).toEqual(mine.spec)
    expect(metadata.labels ?? {}).toEqual({})
    expect(metadata.generation).toBe(mine.metadata.generation)
    const elsewhere = await write({ metadata: { name: foreign.metadata.name, namespace: other }, status })
    expect(elsewhere.status).toBeGreaterThanOrEqual(400)
    const untouched = await admin.get<ControlPlane>(controlPlanes, foreign.metadata.name, other)
    expect(untouched.metadata.resourceVersion).toBe(foreign.metadata.resourceVersion)
  })

  test('gets no further by asking for the rights of somebody else', async () => {
    const response = await transports.get('hub')!.request({
      method: 'GET',
      path: `${locktender}/rollouts`,
      headers: { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' },
    })
    expect(response.status).toBe(403)
  })

  function fullStatus(): object {
    const place = { environment: 'production', sector: 'main', region: 'eu-1', platform: 'AWS' }
    return {
      identity: { ...place, architecture: 'amd64', topology: 'HighlyAvailable', customer: 'a', tier: 'gold' },
      version: { controlPlane: '4.20.6', dataPlane: '4.20.6' },
      images: [],
      health: { state: 'Healthy', since: '2026-01-01T00:00:00Z' },
      nodeFingerprint: 'n',
    }
  }
})

describe('on its management cluster an agent', () => {
  test('may read what HyperShift has and annotate HostedClusters, and nothing else', async () => {
    const local = demo.client(own, administrator)
    const cluster = (await local.list(hostedClusters)).items[0]!.metadata
    const hypershift = '/apis/hypershift.openshift.io/v1beta1'
    const parts = `${cluster.namespace}-${cluster.name}`
    const targets: readonly Target[] = [
      {
        collection: `${hypershift}/namespaces/${cluster.namespace}/hostedclusters`,
        name: cluster.name,
        may: [...read, 'patch', 'apply'],
      },
      nothing(`${hypershift}/namespaces/${cluster.namespace}/hostedclusters`, cluster.name, 'status'),
      {
        collection: `${hypershift}/namespaces/${cluster.namespace}/nodepools`,
        name: `${cluster.name}-workers`,
        may: read,
      },
      nothing(`${hypershift}/namespaces/${cluster.namespace}/nodepools`, `${cluster.name}-workers`, 'status'),
      { collection: `${hypershift}/namespaces/${parts}/controlplanecomponents`, name: 'etcd', may: read },
      { collection: `/apis/apps/v1/namespaces/${parts}/deployments`, name: 'control-plane-operator', may: read },
      nothing(`/apis/apps/v1/namespaces/${parts}/deployments`, 'control-plane-operator', 'status'),
      ...['secrets', 'configmaps', 'serviceaccounts'].map((plural) =>
        nothing(`${core}/namespaces/${parts}/${plural}`, 'x'),
      ),
      nothing(`${core}/namespaces`, parts),
      nothing(`${rbac}/clusterrolebindings`, 'locktender-agent'),
    ]
    for (const target of targets) {
      expect([path(target), await letThrough(own, target)]).toEqual([path(target), target.may])
    }
  })

  test('is nobody on another one', async () => {
    const target = nothing('/apis/hypershift.openshift.io/v1beta1/namespaces/clusters/hostedclusters', 'x')
    expect(await letThrough(other, target)).toEqual([])
  })
})

test('the same person over the loopback transport is confined in the same way', async () => {
  const agent = demo.client('hub', agentIdentity(own))
  await expect(agent.get(controlPlanes, mine.metadata.name, own)).resolves.toBeDefined()
  const hold = { spec: { holds: [{ name: 'mine', reason: 'none', owner: 'agent' }] } }
  await expect(agent.patch(controlPlanes, mine.metadata, hold, { type: 'merge' })).rejects.toMatchObject({ code: 403 })
  await expect(agent.get(controlPlanes, foreign.metadata.name, other)).rejects.toMatchObject({ code: 403 })
})
