import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpsTransport, seededRandom, systemClock } from '@locktender/kube'
import type { Random, Transport } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { isLinearizable } from './testing/linearizability.ts'
import type { Operation, SequentialModel } from './testing/linearizability.ts'
import { ApiServer } from './server.ts'
import { admin, CM } from './testing/test-cluster.ts'
import type { TestObject } from './testing/test-cluster.ts'

/** What a client asks of one object. */
type Input =
  | { readonly verb: 'get' | 'delete' }
  | { readonly verb: 'create' | 'patch'; readonly value: string }
  | { readonly verb: 'update'; readonly value: string; readonly expected: number }

interface Output {
  readonly code: number
  /** Of the object in the answer. */
  readonly version?: number | undefined
  readonly value?: string | undefined
}

type State = { readonly version: number; readonly value: string } | 'absent'

/** One Kubernetes object, used by one client after the other. */
const object: SequentialModel<State, Input, Output> = {
  initial: 'absent',
  key: (state) => (state === 'absent' ? '' : `${state.version} ${state.value}`),
  step(state, input, output) {
    if (output === undefined) throw new Error('every operation of these tests has an answer')
    const { code, version = 0, value } = output
    const written = (text: string): State | undefined =>
      value === text && (state === 'absent' || version >= state.version) ? { version, value: text } : undefined
    if (input.verb === 'create') {
      if (state === 'absent') return code === 201 ? written(input.value) : undefined
      return code === 409 ? state : undefined
    }
    if (state === 'absent') return code === 404 ? state : undefined
    switch (input.verb) {
      case 'get':
        return code === 200 && version === state.version && value === state.value ? state : undefined
      case 'delete':
        return code === 200 ? 'absent' : undefined
      case 'patch':
        return code === 200 ? written(input.value) : undefined
      case 'update':
        if (input.expected !== state.version) return code === 409 ? state : undefined
        return code === 200 ? written(input.value) : undefined
    }
  },
}

type Recorded = Operation<Input, Output>

function op(called: number, returned: number, input: Input, output: Output): Recorded {
  return { called, returned, input, output }
}

describe('the checker', () => {
  const made = op(1, 2, { verb: 'create', value: 'a' }, { code: 201, version: 5, value: 'a' })
  const changed = (called: number, returned: number) =>
    op(called, returned, { verb: 'patch', value: 'b' }, { code: 200, version: 6, value: 'b' })
  const seen = (called: number, returned: number, value: string) =>
    op(called, returned, { verb: 'get' }, { code: 200, version: value === 'a' ? 5 : 6, value })

  test('accepts either answer while a write is under way', () => {
    expect(isLinearizable(object, [made, changed(3, 8), seen(4, 5, 'a'), seen(6, 7, 'b')])).toBe(true)
    expect(isLinearizable(object, [made, changed(3, 8), seen(4, 7, 'b'), seen(5, 6, 'a')])).toBe(true)
  })

  test('finds a read that goes back in time', () => {
    expect(isLinearizable(object, [made, changed(3, 8), seen(4, 5, 'b'), seen(6, 7, 'a')])).toBe(false)
  })

  test('finds a stale read after a write has returned', () => {
    expect(isLinearizable(object, [made, changed(3, 4), seen(5, 6, 'a')])).toBe(false)
  })

  test('finds a lost write', () => {
    const update = (called: number, returned: number, value: string, version: number) =>
      op(called, returned, { verb: 'update', value, expected: 5 }, { code: 200, version, value })
    expect(isLinearizable(object, [made, update(3, 6, 'b', 6)])).toBe(true)
    expect(isLinearizable(object, [made, update(3, 6, 'b', 6), update(4, 5, 'c', 7)])).toBe(false)
  })

  test('finds two creations of one object', () => {
    const again = op(1, 3, { verb: 'create', value: 'b' }, { code: 201, version: 6, value: 'b' })
    expect(isLinearizable(object, [made, again])).toBe(false)
    const gone = op(1, 4, { verb: 'delete' }, { code: 200 })
    expect(isLinearizable(object, [made, again, gone])).toBe(true)
  })

  test('lets an operation without an answer take place late or never', () => {
    const lost: SequentialModel<string, string, string> = {
      initial: '',
      key: (state) => state,
      step: (state, input, output) => (input === 'read' ? (output === state ? state : undefined) : input),
    }
    const write = { called: 1, returned: Infinity, input: 'x', output: undefined }
    const read = (called: number, output: string) => ({ called, returned: called + 1, input: 'read', output })
    expect(isLinearizable(lost, [write, read(2, ''), read(4, 'x')])).toBe(true)
    expect(isLinearizable(lost, [write, read(2, ''), read(4, '')])).toBe(true)
    expect(isLinearizable(lost, [write, read(2, 'x'), read(4, '')])).toBe(false)
  })
})

const names = ['a', 'b', 'c']
let moment = 0

/** One client that does one thing after the other and writes down what it saw. */
async function run(
  transport: Transport,
  random: Random,
  who: number,
  histories: Map<string, Recorded[]>,
): Promise<void> {
  const versions = new Map<string, number>()
  for (let count = 0; count < 50; count++) {
    const name = names[Math.floor(random.next() * names.length)]!
    const input = choose(random, `${who}-${count}`, versions.get(name) ?? 1)
    const called = moment++
    const output = await send(transport, name, input)
    histories.get(name)!.push({ called, returned: moment++, input, output })
    if (output.version !== undefined) versions.set(name, output.version)
  }
}

function choose(random: Random, value: string, expected: number): Input {
  const chance = random.next()
  if (chance < 0.35) return { verb: 'get' }
  if (chance < 0.5) return { verb: 'create', value }
  if (chance < 0.7) return { verb: 'update', value, expected }
  return chance < 0.9 ? { verb: 'patch', value } : { verb: 'delete' }
}

async function send(transport: Transport, name: string, input: Input): Promise<Output> {
  const metadata = {
    name,
    namespace: 'default',
    ...(input.verb === 'update' ? { resourceVersion: String(input.expected) } : {}),
  }
  const body =
    'value' in input
      ? JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value: input.value } })
      : ''
  const method = ({ get: 'GET', delete: 'DELETE', create: 'POST', patch: 'PATCH', update: 'PUT' } as const)[input.verb]
  const type = input.verb === 'patch' ? 'application/merge-patch+json' : 'application/json'
  const answer = await transport.request({
    method,
    path: input.verb === 'create' ? CM : `${CM}/${name}`,
    headers: { accept: 'application/json', ...(body === '' ? {} : { 'content-type': type }) },
    ...(body === '' ? {} : { body }),
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  const found = JSON.parse(Buffer.concat(chunks).toString()) as TestObject
  if (found.kind !== 'ConfigMap') return { code: answer.status }
  return { code: answer.status, version: Number(found.metadata.resourceVersion), value: found.data!['value'] }
}

test('operations of concurrent clients on one object have an order that explains every answer', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'linear-'))
  const clock = systemClock()
  const server = await ApiServer.open({ clock, random: seededRandom(1), dataDirectory: directory })
  await server.cluster('hub')
  const { url, certificateAuthority } = await server.listen()
  const token = server.issueToken(admin)
  const transports = Array.from({ length: 8 }, () =>
    httpsTransport({ server: `${url}/clusters/hub`, certificateAuthority, token, clock }),
  )
  const histories = new Map(names.map((name) => [name, [] as Recorded[]]))
  try {
    await Promise.all(transports.map((transport, who) => run(transport, seededRandom(who), who, histories)))
  } finally {
    await Promise.all(transports.map((transport) => transport.close()))
    await server.close()
    await rm(directory, { recursive: true })
  }
  for (const history of histories.values()) {
    expect(isLinearizable(object, history)).toBe(true)
    expect(history.length).toBeGreaterThan(80)
    expect(new Set(history.map(({ input, output }) => `${input.verb} ${output!.code}`)).size).toBeGreaterThan(8)
    // What is found here would be missed by a checker that accepts anything: a stale answer, planted.
    const planted = history.findLastIndex(({ input, output }) => input.verb === 'get' && output!.code === 200)
    const { called, returned, input, output } = history[planted]!
    const wrong = { called, returned, input, output: { ...output!, version: output!.version! - 1 } }
    expect(isLinearizable(object, history.with(planted, wrong))).toBe(false)
  }
})
