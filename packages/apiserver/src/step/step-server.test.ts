import { seededRandom } from '@locktender/kube'
import type { KubeObject, Random, TransportRequest } from '@locktender/kube'
import { describe, expect, it } from 'vitest'
import type { Housekeeper } from './housekeeping.ts'
import type { ServerState } from './server-state.ts'
import { StepServer } from './step-server.ts'
import type { ServerStep } from './step-server.ts'

const NOW = Date.UTC(2026, 0, 5, 8)
const MAPS = '/api/v1/namespaces/default/configmaps'

function send(method: TransportRequest['method'], path: string, body?: object, type = 'application/json') {
  const headers = { 'content-type': type, 'user-agent': 'tests' }
  return { method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
}

function create(name: string, metadata: object = {}, data: Record<string, string> = {}): TransportRequest {
  return send('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data })
}

function bodyOf(step: ServerStep): KubeObject {
  return JSON.parse(Buffer.from(step.body).toString('utf8')) as KubeObject
}

async function run(server: StepServer, state: ServerState, ...requests: TransportRequest[]): Promise<ServerStep> {
  let step: ServerStep | undefined
  for (const request of requests) {
    const from: ServerState = step?.state ?? state
    step = server.known(from, request, NOW) ?? (await server.step(from, request, NOW))
  }
  return step!
}

describe('StepServer', () => {
  it('answers as an API server does, from any state it once had', async () => {
    const server = await StepServer.open(NOW)
    const one = await run(server, server.initial, create('a'))
    const two = await run(server, one.state, create('a'))
    expect([one.status, two.status]).toEqual([201, 409])
    expect((await run(server, server.initial, send('GET', `${MAPS}/a`))).status).toBe(404)
    expect((await run(server, one.state, send('GET', `${MAPS}/a`))).status).toBe(200)
    const outdated = bodyOf(one)
    const patched = await run(
      server,
      one.state,
      send('PATCH', `${MAPS}/a`, { data: { x: '1' } }, 'application/merge-patch+json'),
    )
    expect((await run(server, patched.state, send('PUT', `${MAPS}/a`, outdated))).status).toBe(409)
    expect((await run(server, one.state, send('PUT', `${MAPS}/a`, outdated))).status).toBe(200)
  })

  it('comes to the same state whichever of two independent writes is first', async () => {
    const server = await StepServer.open(NOW)
    const one = await run(server, server.initial, create('a'), create('b'))
    const other = await run(server, server.initial, create('b'), create('a'))
    expect(one.state.hash).toBe(other.state.hash)
    expect(one.state.hash).not.toBe((await run(server, server.initial, create('a'), create('c'))).state.hash)
  })

  it('gives an object that is made again another uid and a later version', async () => {
    const server = await StepServer.open(NOW)
    const first = await run(server, server.initial, create('a'))
    const again = await run(server, first.state, send('DELETE', `${MAPS}/a`), create('a'))
    const [before, after] = [bodyOf(first).metadata, bodyOf(again).metadata]
    expect(after.uid).not.toBe(before.uid)
    expect(Number(after.resourceVersion)).toBeGreaterThan(Number(before.resourceVersion))
  })

  it('finds a new name each time it is asked to', async () => {
    const server = await StepServer.open(NOW)
    const request = send('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'a-' } })
    const names = new Set<string>()
    let { initial: state } = server
    for (let count = 0; count < 20; count++) {
      const step = await run(server, state, request)
      names.add(bodyOf(step).metadata.name)
      state = step.state
    }
    expect(names.size).toBe(20)
  })

  it('remembers nothing that depends on something else', async () => {
    const server = await StepServer.open(NOW)
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed)
      const fresh = await StepServer.open(NOW)
      let [mine, theirs] = [server.initial, fresh.initial]
      for (let count = 0; count < 30; count++) {
        const request = anyRequest(random)
        const now = NOW + Math.floor(random.next() * 3) * 1000
        const step = server.known(mine, request, now) ?? (await server.step(mine, request, now))
        const plain = await fresh.step(theirs, request, now)
        expect([step.status, Buffer.from(step.body).toString()]).toEqual([
          plain.status,
          Buffer.from(plain.body).toString(),
        ])
        expect(step.state.hash).toBe(plain.state.hash)
        ;[mine, theirs] = [step.state, plain.state]
      }
    }
  })

  it('collects what has lost its owner, one write at a time', async () => {
    const server = await StepServer.open(NOW)
    const owner = await run(server, server.initial, create('owner'))
    const { uid } = bodyOf(owner).metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }]
    const full = await run(server, owner.state, create('one', { ownerReferences }), create('two', { ownerReferences }))
    expect(await tidied(server, full.state, 'garbage collector')).toEqual([])
    const gone = await run(server, full.state, send('DELETE', `${MAPS}/owner`))
    expect(server.triggered(gone.changes[0]!, gone.state)).toContain('garbage collector')
    expect(await tidied(server, gone.state, 'garbage collector')).toEqual(['one', 'two'])
  })

  it('empties a namespace before it goes', async () => {
    const server = await StepServer.open(NOW)
    const spaces = '/api/v1/namespaces'
    const made = await run(
      server,
      server.initial,
      send('POST', spaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } }),
      send('POST', `${spaces}/n/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
      send('DELETE', `${spaces}/n`),
    )
    expect(server.triggered(made.changes[0]!, made.state)).toContain('namespace controller')
    expect(await tidied(server, made.state, 'namespace controller')).toEqual(['a', 'n'])
  })
})

/** Names of what one of the server's controllers writes until it has nothing to do, in order. */
async function tidied(server: StepServer, start: ServerState, keeper: Housekeeper): Promise<string[]> {
  const names: string[] = []
  for (let state = start; ;) {
    const step = await server.housekeep(state, keeper, NOW)
    if (step.changes.length === 0) return names
    names.push(...step.changes.map(({ key }) => key.slice(key.lastIndexOf('/') + 1)))
    state = step.state
  }
}

function anyRequest(random: Random): TransportRequest {
  const name = 'abc'[Math.floor(random.next() * 3)]!
  const data = { x: String(Math.floor(random.next() * 2)) }
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
  const kinds = [
    () => create(name, {}, data),
    () => create('', { generateName: 'g-' }),
    () => send('GET', MAPS),
    () => send('GET', `${MAPS}/${name}`),
    () => send('DELETE', `${MAPS}/${name}`),
    () => send('DELETE', MAPS),
    () => send('PATCH', `${MAPS}/${name}`, { data }, 'application/merge-patch+json'),
    () => send('PATCH', `${MAPS}/${name}?fieldManager=m&force=true`, applied, 'application/apply-patch+yaml'),
  ]
  return kinds[Math.floor(random.next() * kinds.length)]!()
}
