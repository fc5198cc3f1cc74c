import { isNotFound } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import type { Controller, ReconcileResult, World } from '@locktender/runtime'
import { definitionOf } from '@locktender/runtime/explore'
import type { Scenario } from '@locktender/runtime/explore'

interface Sized extends KubeObject {
  spec: { size: number }
  status?: { ready: number }
}

const claims = resource('Claim', 'claims')
const configs = resource('Config', 'configs')

function resource(kind: string, plural: string): Resource {
  return { group: 'bench.example.com', version: 'v1', plural, kind, namespaced: true }
}

function named(key: string): { name: string; namespace: string } {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** Gives each Claim a Config of its size. */
function claimController(): Controller {
  return {
    name: 'claim',
    reads: [
      { cluster: 'main', resource: claims, keys: ({ key }) => [key] },
      { cluster: 'main', resource: configs, keys: ({ key }) => [key] },
    ],
    writes: [{ cluster: 'main', resource: configs }],
    async reconcile(key, world) {
      const main = world.cluster('main')
      const claim = main.cache<Sized>(claims).get(key)
      const config = main.cache<Sized>(configs).get(key)
      if (claim === undefined) {
        if (config !== undefined) await main.client.delete(configs, config.metadata).catch(ignoreNotFound)
        return
      }
      if (config?.spec.size === claim.spec.size) return
      const { name, namespace, uid = '' } = claim.metadata
      const ownerReferences = [{ apiVersion: claim.apiVersion, kind: claim.kind, name, uid, controller: true }]
      const metadata = { name, namespace: namespace!, ownerReferences }
      const wanted = { apiVersion: 'bench.example.com/v1', kind: 'Config', metadata, spec: { size: claim.spec.size } }
      await main.client.apply(configs, wanted, { fieldManager: 'claim', force: true })
    },
  }
}

/** Makes Configs ready one by one, as a system that scales would. */
function configController(): Controller {
  return {
    name: 'config',
    reads: [{ cluster: 'main', resource: configs, keys: ({ key }) => [key] }],
    writes: [{ cluster: 'main', resource: configs, subresource: 'status' }],
    async reconcile(key, world): Promise<ReconcileResult | void> {
      const config = world.cluster('main').cache<Sized>(configs).get(key)
      if (config === undefined) return
      const ready = config.status?.ready ?? 0
      if (ready === config.spec.size) return
      await writeReady(world, configs, key, ready + Math.sign(config.spec.size - ready))
    },
  }
}

/** Says in each Claim how much of it is ready. */
function statusController(): Controller {
  return {
    name: 'status',
    reads: [
      { cluster: 'main', resource: claims, keys: ({ key }) => [key] },
      { cluster: 'main', resource: configs, keys: ({ key }) => [key] },
    ],
    writes: [{ cluster: 'main', resource: claims, subresource: 'status' }],
    async reconcile(key, world) {
      const main = world.cluster('main')
      const claim = main.cache<Sized>(claims).get(key)
      const ready = main.cache<Sized>(configs).get(key)?.status?.ready ?? 0
      if (claim === undefined || claim.status?.ready === ready) return
      await writeReady(world, claims, key, ready)
    },
  }
}

async function writeReady(world: World, resource: Resource, key: string, ready: number): Promise<void> {
  const options = { type: 'merge', subresource: 'status' } as const
  await world.cluster('main').client.patch(resource, named(key), { status: { ready } }, options).catch(ignoreNotFound)
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error
}

/** Three controllers that hand work on: a claim leads to a config, the config gets ready, the claim says so. */
export const chain: Scenario = {
  name: 'claim, config, status',
  clusters: { main: { definitions: [definitionOf(claims), definitionOf(configs)] } },
  processes: {
    claim: () => [claimController()],
    config: () => [configController()],
    status: () => [statusController()],
  },
  steps: [
    { create: claim('a', 2) },
    { change: { resource: claims, name: 'a', namespace: 'default' }, to: { spec: { size: 1 } } },
  ],
}

function claim(name: string, size: number): Sized {
  return { apiVersion: 'bench.example.com/v1', kind: 'Claim', metadata: { name, namespace: 'default' }, spec: { size } }
}
