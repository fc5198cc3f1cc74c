import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ObjectCache, Reflector, Client, seededRandom, sleep, systemClock, type KubeObject } from '@locktender/kube'
import type { Transport } from '@locktender/kube'
import { controlPlanes, type ControlPlane } from '@locktender/fleet'
import { keepFields } from '@locktender/runtime'

/**
 * Memory and time of a cache of 100,000 objects: whole ones, and only the fields that a controller declares. The objects
 * are of the size that a hub has: a control plane with status, conditions and the managed fields of three writers.
 */
const OBJECTS = 100_000
const PAGE = 500
const clock = systemClock()

function object(index: number): ControlPlane {
  const conditions = ['Available', 'Degraded', 'Progressing', 'UpToDate'].map((type) => ({
    type,
    status: 'True',
    reason: 'AsExpected',
    message: `control plane ${index} is as it should be as far as ${type} goes`,
    lastTransitionTime: '2026-01-05T08:00:00Z',
  }))
  const fieldsV1 = {
    'f:status': Object.fromEntries(
      conditions.map(({ type }) => [`k:{"type":"${type}"}`, { '.': {}, 'f:message': {} }]),
    ),
  }
  const managedFields = ['manager', 'agent', 'kubectl'].map((manager) => ({
    manager,
    operation: 'Apply',
    apiVersion: 'locktender.dev/v1alpha1',
    time: '2026-01-05T08:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1,
  }))
  const metadata = {
    name: `cp-${index}`,
    namespace: `mc-${index % 400}`,
    uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    resourceVersion: String(index + 1),
    labels: { 'locktender.dev/version': '4.18.3', 'locktender.dev/platform': 'aws' },
    managedFields,
  }
  const image = `quay.io/example/image@sha256:${'0123456789abcdef'.repeat(4)}`
  const spec = { hostedCluster: { namespace: 'clusters', name: `cp-${index}` }, overrides: [{ component: 'x', image }] }
  const status = { conditions, images: Array.from({ length: 8 }, (_, at) => ({ component: `c${at}`, image })) }
  const made: object = { apiVersion: 'locktender.dev/v1alpha1', kind: 'ControlPlane', metadata, spec, status }
  return made as ControlPlane
}

/** Lists everything in pages and then says nothing. */
const server: Transport = {
  request({ path, signal }) {
    if (path.includes('watch=')) {
      const body = async function* (): AsyncGenerator<Uint8Array> {
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
        yield Buffer.alloc(0)
      }
      return Promise.resolve({ status: 200, headers: {}, body: body() })
    }
    const from = Number(new URLSearchParams(path.slice(path.indexOf('?'))).get('continue') ?? 0)
    const items = Array.from({ length: PAGE }, (_, index) => object(from + index))
    const next = from + PAGE < OBJECTS ? { continue: String(from + PAGE) } : {}
    const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '1', ...next }, items }
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(JSON.stringify(list))
    }
    return Promise.resolve({ status: 200, headers: {}, body: body() })
  },
  close: () => Promise.resolve(),
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function memory(): Promise<number> {
  // What filled the cache has to end before its leftovers can be collected, and buffers are swept in the background.
  for (let round = 0; round < 3; round++) {
    await sleep(clock, 50)
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function fill(fields?: readonly string[]) {
  const before = await memory()
  const cpu = process.cpuUsage()
  const cache = new ObjectCache<KubeObject>()
  const reflector = new Reflector<KubeObject>({
    client: new Client({ transport: server }),
    resource: controlPlanes,
    clock,
    random: seededRandom(1),
    cache,
    ...(fields !== undefined && { keep: keepFields<KubeObject>(fields) }),
  })
  const stop = new AbortController()
  const running = reflector.run(stop.signal)
  await reflector.synced
  const { user, system } = process.cpuUsage(cpu)
  const bytes = (await memory()) - before
  stop.abort()
  await running
  return {
    objects: cache.size,
    megabytes: Math.round(bytes / 1e5) / 10,
    bytesPerObject: Math.round(bytes / cache.size),
    cpuSeconds: Math.round((user + system) / 1e4) / 100,
  }
}

const whole = await fill()
const declared = await fill(['spec.overrides', 'status.conditions.type', 'status.conditions.status'])
const saved = Math.round((1 - declared.megabytes / whole.megabytes) * 1000) / 10
process.stdout.write(
  `${JSON.stringify({ wholeObjectBytes: JSON.stringify(object(1)).length, whole, declared, savedPercent: saved }, undefined, 2)}\n`,
)
