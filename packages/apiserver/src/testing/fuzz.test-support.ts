import { createHash } from 'node:crypto'
import { seededRandom, VirtualClock } from '@locktender/kube'
import type { HttpMethod } from '@locktender/kube'
import { MemoryDisk } from '../store/memory-disk.ts'
import { FuzzInputs, SEEDS } from './fuzz-inputs.test-support.ts'
import type { FuzzInput } from './fuzz-inputs.test-support.ts'
import { admin, CM, openTestCluster, W, widget } from './test-cluster.ts'
import type { TestCluster } from './test-cluster.ts'

/** Makes the objects that requests are about, where they are no longer there. */
async function plant(cluster: TestCluster): Promise<void> {
  for (const [path, body] of SEEDS) await cluster.send('POST', path, { body })
  await cluster.clock.advance(0)
}

export interface FuzzAnswer {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** Sends the request to the server without sockets, and ends what would go on for ever. */
async function fuzzLoopback(cluster: TestCluster, input: FuzzInput): Promise<FuzzAnswer> {
  const { method, path, headers, bytes } = input
  const abort = new AbortController()
  const asked = cluster
    .transportOf(admin)
    .request({ method, path, headers, signal: abort.signal, ...(bytes === undefined ? {} : { body: bytes }) })
  // Versions nobody has seen yet are waited for.
  if (path.includes('resourceVersion=')) await cluster.clock.advance(5000)
  const answer = await asked
  const chunks: Uint8Array[] = []
  const read = (async () => {
    for await (const chunk of answer.body) chunks.push(chunk)
  })()
  if (path.includes('watch')) {
    await cluster.clock.advance(1000)
    abort.abort()
  }
  await read
  return { code: answer.status, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') }
}

/** Messages of answers from 500 on that Kubernetes gives too. */
const KNOWN_FAILURES = [
  'Too large resource version',
  'strconv.ParseUint: parsing ',
  'failed to create typed patch object (',
  'resourceVersion should not be set on objects to be created',
  "Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'",
]

/** What is wrong with an answer, or undefined. */
function flawOf({ code, headers, text }: FuzzAnswer, input: FuzzInput): string | undefined {
  if (code >= 500 && !KNOWN_FAILURES.some((known) => text.includes(known)))
    return `it is a ${code}: ${text.slice(0, 500)}`
  if (code === 304) return undefined
  if (headers['content-type'] !== 'application/json') {
    const plain = /^(text\/plain|application\/(com\.github\.proto-openapi\.|yaml|vnd\.kubernetes\.protobuf))/
    const nowhere = code === 404 && text === '404 page not found\n'
    return plain.test(headers['content-type'] ?? '') && (code < 400 || nowhere)
      ? undefined
      : `it is ${headers['content-type']}`
  }
  if (code === 200 && input.path.includes('watch')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return `it is no JSON: ${text.slice(0, 200)}`
  }
  const { kind, status, code: stated } = value as { kind?: unknown; status?: unknown; code?: unknown }
  if (code >= 400 && (kind !== 'Status' || status !== 'Failure' || stated !== code)) return `it is no Status of ${code}`
  return undefined
}

/** The number of the last write. */
async function revisionOf(cluster: TestCluster): Promise<string> {
  const list = await cluster.send('GET', `${CM}?limit=1`)
  return list.json().metadata.resourceVersion!
}

/** What must always work; returns what did not. */
async function healthFlaw(cluster: TestCluster): Promise<string | undefined> {
  const steps: readonly (readonly [HttpMethod, string, object | undefined, number])[] = [
    ['GET', '/readyz', undefined, 200],
    ['GET', '/apis', undefined, 200],
    ['GET', '/openapi/v2', undefined, 200],
    ['GET', '/openapi/v3/apis/example.com/v1', undefined, 200],
    ['POST', CM, { metadata: { name: 'health' }, data: { a: '1' } }, 201],
    ['PATCH', `${CM}/health`, { data: { b: '2' } }, 200],
    ['GET', `${CM}/health`, undefined, 200],
    ['GET', CM, undefined, 200],
    ['DELETE', `${CM}/health`, undefined, 200],
    ['POST', W, widget('health', { size: 1 }), 201],
    ['DELETE', `${W}/health`, undefined, 200],
  ]
  for (const [method, path, body, code] of steps) {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const answer = await cluster.send(method, path, { type, ...(body === undefined ? {} : { body }) })
    if (answer.code !== code) return `${method} ${path} is answered with ${answer.code}: ${answer.text.slice(0, 300)}`
  }
  return undefined
}

/** The request as a test could send it. */
function shownInput({ method, path, headers, bytes }: FuzzInput): string {
  const body = bytes === undefined ? '' : ` ${JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 3000))}`
  return `${method} ${path} ${JSON.stringify(headers)}${body}`
}

const KINDS = [
  CM,
  W,
  '/apis/example.com/v1/gadgets',
  '/apis/apps/v1/deployments',
  '/apis/rbac.authorization.k8s.io/v1/roles',
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/api/v1/namespaces',
  '/api/v1/secrets',
  '/api/v1/services',
  '/apis/coordination.k8s.io/v1/leases',
]

/** A fingerprint of what is stored in those collections, but for what the server does by itself. */
async function stateOf(cluster: TestCluster): Promise<string> {
  const hash = createHash('sha256')
  for (const path of KINDS) {
    const { items = [] } = (await cluster.send('GET', path)).json<{ items?: object[] }>()
    hash.update(JSON.stringify([path, items]))
  }
  return hash.digest('hex')
}

export interface FuzzOptions {
  readonly seed: number
  readonly inputs: number
  /** Instead of the way without sockets. */
  readonly send?: (cluster: TestCluster, input: FuzzInput) => Promise<FuzzAnswer>
  readonly onFlaw?: (flaw: string) => void
}

/** Inputs between two times that what is gone is planted again and the clock moves on. */
const ROUND = 100

/** Sends the requests of a seed, and returns everything that was wrong with the answers. */
export async function fuzz(
  cluster: TestCluster,
  { seed, inputs, send = fuzzLoopback, onFlaw }: FuzzOptions,
): Promise<string[]> {
  const source = new FuzzInputs(seededRandom(seed))
  const flaws: string[] = []
  const found = (flaw: string): void => {
    flaws.push(flaw)
    onFlaw?.(flaw)
  }
  for (let count = 0; count < inputs; count++) {
    if (count % ROUND === 0) {
      await cluster.clock.advance(1000)
      await plant(cluster)
    }
    const input = source.next()
    const before = await revisionOf(cluster)
    const answer = await send(cluster, input)
    const flaw = flawOf(answer, input)
    if (flaw !== undefined) found(`input ${count} of seed ${seed}: ${flaw}\n${shownInput(input)}`)
    // Whether an answer can have the form of a list is seen when it is made, in Kubernetes too.
    if (answer.code >= 400 && answer.code !== 406) {
      const after = await revisionOf(cluster)
      if (after !== before)
        found(
          `input ${count} of seed ${seed} is refused (${answer.text.slice(0, 300)}) and has changed the store\n${shownInput(input)}`,
        )
    } else {
      // What the server does about a change is not the next request's doing.
      await cluster.clock.advance(0)
    }
  }
  const sick = await healthFlaw(cluster)
  if (sick !== undefined) found(`after seed ${seed}: ${sick}`)
  return flaws
}

/** What a seed finds in a new server, what is stored then, and what a second life of the server finds stored. */
export async function fuzzAndReopen(
  seed: number,
  inputs: number,
): Promise<{ readonly flaws: readonly string[]; readonly state: string; readonly reopened: string }> {
  const disk = new MemoryDisk(seededRandom(seed))
  const clock = new VirtualClock()
  const options = { clock, dataDirectory: '/data', files: disk.session() }
  const cluster = await openTestCluster(options)
  const flaws = await fuzz(cluster, { seed, inputs })
  const state = await stateOf(cluster)
  await cluster.server.close()
  const again = await openTestCluster({
    ...options,
    clock: new VirtualClock(clock.now()),
    files: disk.session(),
    seed: 2,
  })
  const reopened = await stateOf(again)
  await again.server.close()
  return { flaws, state, reopened }
}
