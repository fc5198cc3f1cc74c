import { configMaps, type KubeObject, type TransportRequest } from '@locktender/kube'
import { describe, expect, it } from 'vitest'
import { describeDifference, endHash, type HeldState } from './end-state.ts'
import { Normaliser } from './normal-form.ts'
import { BEGINNING_MS, prepareServers, type PreparedServer } from './prepared-server.ts'
import type { IgnoredField } from './scenario.ts'
import { configMap, scenario } from './scenarios.test-support.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

async function server(ignoredFields: readonly IgnoredField[] = []): Promise<PreparedServer> {
  return (await prepareServers(scenario([], { ignoredFields }))).get('main')!
}

/** What the server holds after it was asked to make these objects, one second after the other, and to delete others. */
async function after(prepared: PreparedServer, objects: readonly KubeObject[], deleted: readonly string[] = []) {
  let { initial: state } = prepared.server
  const headers = { 'content-type': 'application/json' }
  const requests: TransportRequest[] = [
    ...objects.map((object) => ({ method: 'POST', path: MAPS, headers, body: JSON.stringify(object) }) as const),
    ...deleted.map((name) => ({ method: 'DELETE', path: `${MAPS}/${name}`, headers }) as const),
  ]
  for (const [second, request] of requests.entries()) {
    const step = await prepared.server.step(state, request, BEGINNING_MS + second * 1000)
    expect(step.status).toBeLessThan(300)
    state = step.state
  }
  return [{ prepared, state }]
}

function uidOf([held]: readonly HeldState[], name: string): string {
  const { prepared, state } = held!
  return prepared.objects(() => state).get(configMaps, name, 'default')!.metadata.uid!
}

describe('the end of a schedule', () => {
  it('is the same whatever the order and the time', async () => {
    const prepared = await server()
    const one = await after(prepared, [configMap('b'), configMap('c')])
    expect(endHash(await after(prepared, [configMap('c'), configMap('b')]))).toBe(endHash(one))
    const other = await after(prepared, [configMap('b')])
    expect(endHash(other)).not.toBe(endHash(one))
    expect(describeDifference(one, other)).toBe('configmaps default/c is missing')
    expect(describeDifference(other, one)).toBe('configmaps default/c should not be there')
  })

  it('differs by the content, and says where', async () => {
    const prepared = await server()
    const [one, other] = [
      await after(prepared, [configMap('b', { x: '1' })]),
      await after(prepared, [configMap('b', { x: '2' })]),
    ]
    expect(endHash(one)).not.toBe(endHash(other))
    expect(describeDifference(one, other)).toBe('configmaps default/b differs: data.x is "2" instead of "1"')
    const lenient = await server([{ kind: 'ConfigMap', path: 'data.*' }])
    const again = [
      await after(lenient, [configMap('b', { x: '1' })]),
      await after(lenient, [configMap('b', { x: '2' })]),
    ]
    expect(endHash(again[0]!)).toBe(endHash(again[1]!))
  })

  it('takes generated names for one another', async () => {
    const prepared = await server()
    const made = (x: string) => configMap('', { x }, { generateName: 'made-' })
    const one = await after(prepared, [made('1'), made('2')])
    expect(endHash(await after(prepared, [made('2'), made('1')]))).toBe(endHash(one))
    expect(endHash(await after(prepared, [made('1'), made('1')]))).not.toBe(endHash(one))
  })

  it('tells a reference to what is there from one to what is gone', async () => {
    const prepared = await server()
    const uid = uidOf(await after(prepared, [configMap('owner')]), 'owner')
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }]
    const owned = configMap('owned', {}, { ownerReferences })
    const kept = await after(prepared, [configMap('owner'), owned, configMap('last')])
    const replaced = await after(prepared, [configMap('owner'), owned], ['owner'])
    const again = await prepared.server.step(
      replaced[0]!.state,
      {
        method: 'POST',
        path: MAPS,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(configMap('owner')),
      },
      BEGINNING_MS,
    )
    const last = await prepared.server.step(
      again.state,
      {
        method: 'POST',
        path: MAPS,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(configMap('last')),
      },
      BEGINNING_MS,
    )
    const end = [{ prepared, state: last.state }]
    expect(endHash(end)).not.toBe(endHash(kept))
    expect(describeDifference(kept, end)).toContain('gone')
  })
})

describe('Normaliser', () => {
  it('says whether a generation is the present one, not which it is', () => {
    const normal = (generation: number, observedGeneration: number) =>
      new Normaliser().normalise({
        ...configMap('a', {}, { generation }),
        status: { observedGeneration },
      } as KubeObject)
    expect(normal(1, 1).hash).toBe(normal(3, 3).hash)
    expect(normal(3, 2).hash).not.toBe(normal(3, 3).hash)
  })
})
