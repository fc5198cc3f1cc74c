import type { Change } from '@locktender/apiserver'
import { configMaps, type KubeObject } from '@locktender/kube'
import { describe, expect, it } from 'vitest'
import type { Watch } from '../controller.ts'
import { Informer } from './informer.ts'
import { BEGINNING_MS, prepareServers } from './prepared-server.ts'
import { configMap, scenario, type Data } from './scenarios.test-support.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

/** An informer over a server that has made `a`, changed it, deleted it and made it again. */
async function history(more: Partial<Watch> = {}) {
  const prepared = (await prepareServers(scenario([], { clusters: { main: {} } }))).get('main')!
  const changes: Change[] = []
  let { initial: state } = prepared.server
  const send = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const headers = { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }
    const request = { method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const step = await prepared.server.step(state, request, BEGINNING_MS)
    changes.push(...step.changes)
    state = step.state
  }
  const labels = { app: 'one' }
  await send('POST', MAPS, configMap('a', { x: '1' }, { labels }))
  await send('PATCH', `${MAPS}/a`, { data: { x: '2' } })
  await send('DELETE', `${MAPS}/a`)
  await send('POST', MAPS, configMap('a', { x: '3' }, { labels }))
  await send('PATCH', `${MAPS}/a`, { metadata: { labels: { app: 'two' } } })
  const watch: Watch = { cluster: 'main', resource: configMaps, keys: () => [], ...more }
  const informer = new Informer(watch, prepared, watch.fields)
  const heard: string[] = []
  informer.listeners.push((event, initial) => {
    const { data } = event.object() as Data
    heard.push(`${initial ? 'at first ' : ''}${event.type} ${data?.['x'] ?? ''}`.trimEnd())
  })
  return { informer, changes, heard, state }
}

describe('Informer', () => {
  it('hears of changes as they come', async () => {
    const { informer, changes, heard } = await history()
    for (const change of changes) informer.hear(change)
    expect(heard).toEqual(['ADDED 1', 'MODIFIED 2', 'DELETED 2', 'ADDED 3', 'MODIFIED 3'])
    expect(informer.cache.get('default/a')?.metadata.labels).toEqual({ app: 'two' })
  })

  it('lists what is there', async () => {
    const { informer, heard, state } = await history()
    informer.list(state)
    expect(heard).toEqual(['at first ADDED 3'])
  })

  it('keeps changes back, and tells all of them or only where they led', async () => {
    for (const [lastOnly, expected] of [
      [false, ['ADDED 1', 'MODIFIED 2', 'DELETED 2', 'ADDED 3', 'MODIFIED 3']],
      // It was another object of the name, which is told by a deletion.
      [true, ['ADDED 1', 'DELETED 1', 'ADDED 3']],
    ] as const) {
      const { informer, changes, heard } = await history()
      informer.hear(changes[0]!)
      informer.keep(changes[1]!, 'idle', 0, lastOnly)
      for (const change of changes.slice(2)) informer.keepToo(change)
      expect(heard).toEqual(['ADDED 1'])
      informer.release()
      expect(heard).toEqual(expected)
      expect(informer.hold).toBeUndefined()
    }
  })

  it('takes what no longer has the label for deleted', async () => {
    const { informer, changes, heard } = await history({ labelSelector: 'app=one' })
    for (const change of changes) if (informer.concerns(change)) informer.hear(change)
    expect(heard).toEqual(['ADDED 1', 'MODIFIED 2', 'DELETED 2', 'ADDED 3', 'DELETED 3'])
  })

  it('shows only the fields that were declared, frozen', async () => {
    const { informer, state } = await history({ fields: ['data.y'] })
    informer.list(state)
    const seen = informer.cache.get('default/a') as Data & KubeObject
    expect(seen.data).toEqual({})
    expect(Object.isFrozen(seen.metadata)).toBe(true)
  })
})
