import { configMaps, type KubeObject, type Resource } from '@locktender/kube'
import type { Controller, World } from '../controller.ts'
import type { Scenario } from './scenario.ts'

/** A ConfigMap in the default namespace. */
export interface Data extends KubeObject {
  data?: Record<string, string>
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): Data {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data }
}

export function target(name: string): { resource: Resource; name: string; namespace: string } {
  return { resource: configMaps, name, namespace: 'default' }
}

/** A controller of ConfigMaps: whatever changes, it reconciles the keys named. */
export function controller(
  name: string,
  keys: readonly string[],
  reconcile: (world: World, key: string) => Promise<{ requeueAfterMs?: number } | void>,
  more: Partial<Controller> = {},
): Controller {
  return {
    name,
    reads: [{ cluster: 'main', resource: configMaps, keys: () => keys }],
    writes: [{ cluster: 'main', resource: configMaps }],
    reconcile: (key, world) => reconcile(world, key),
    ...more,
  }
}

/** What `name` holds, as the cache of the controller has it. */
export function cached(world: World, name: string): Data | undefined {
  return world.cluster('main').cache<Data>(configMaps).get(`default/${name}`)
}

export async function put(world: World, name: string, data: Record<string, string>): Promise<void> {
  const { client } = world.cluster('main')
  await client.apply(configMaps, configMap(name, data), { fieldManager: name, force: true })
}

/** Copies `from` to `to` whenever they differ in its cache. */
export function copier(name: string, from: string, to: string): Controller {
  return controller(name, [to], async (world) => {
    const source = cached(world, from)
    if (source === undefined || cached(world, to)?.data?.['x'] === source.data?.['x']) return
    await put(world, to, { x: source.data?.['x'] ?? '' })
  })
}

export function scenario(controllers: readonly (() => Controller)[], more: Partial<Scenario> = {}): Scenario {
  return {
    name: 'test',
    clusters: { main: { objects: [configMap('a', { x: '1' })] } },
    processes: Object.fromEntries(controllers.map((make) => [make().name, () => [make()]])),
    ...more,
  }
}
