import { Client } from '@locktender/kube'
import type { KubeObject, Resource, TransportRequest } from '@locktender/kube'
import type { AdmissionPlugin } from '../admission.ts'
import { TokenAuthenticator } from '../auth/authenticator.ts'
import { ServiceAccountTokens } from '../auth/service-account-tokens.ts'
import { TokenStore } from '../auth/tokens.ts'
import { bootstrap } from '../bootstrap.ts'
import { builtInResources } from '../builtin-resources.ts'
import { LogicalCluster } from '../cluster.ts'
import { Database } from '../database.ts'
import { handleRequest } from '../http/handle-request.ts'
import { loopbackTransport } from '../loopback.ts'
import { parseResourceRequest } from '../request-info.ts'
import { authenticated, mastersGroup } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { AnswerMemo } from './answer-memo.ts'
import type { Effect } from './answer-memo.ts'
import { firstWrite, HousekeepingTriggers } from './housekeeping.ts'
import type { Housekeeper } from './housekeeping.ts'
import { withChange } from './server-state.ts'
import type { Change, HeldValue, ServerState } from './server-state.ts'
import { StepStore } from './step-store.ts'
import type { Origin } from './step-store.ts'

const NAME = 'explored'
const USER: UserInfo = authenticated({ name: 'system:admin', groups: [mastersGroup] })
const NO_HEADERS: Readonly<Record<string, string>> = {}

/** Most steps of which it is remembered where they lead; beyond, all are forgotten and learnt again. */
const MAX_WAYS = 10_000

/** What a request, or one of the server's own controllers, has done. */
export interface ServerStep extends Effect {
  readonly state: ServerState
}

/** One resource as {@link StepServer.place} finds it. */
export interface Place {
  /** Prefix of the keys of its objects, of one namespace if given. */
  readonly prefix: string
  /** The object in the version of the resource; shared, and not to be changed. */
  object(value: HeldValue): KubeObject
  /** The same as JSON. */
  bytes(value: HeldValue): Uint8Array
}

/**
 * An API server as a function: from a state and a request to an answer, the next state, and what changed. It is the
 * handler chain of any other logical cluster; only the store below is one that can be put back to an earlier state.
 * Time and chance come from outside, so the same state, request and time give the same result, and results are
 * remembered.
 *
 * One request at a time: the next may start when {@link step} has resolved.
 */
export class StepServer {
  readonly #store: StepStore
  readonly #cluster: LogicalCluster
  readonly #memo = new AnswerMemo()
  readonly #kept = new Map<string, ServerStep>()
  /** Where effects lead from a state, so that ways which begin alike share their states. */
  #ways = new WeakMap<ServerState, Map<Effect, ServerStep>>()
  #wayCount = 0
  readonly #triggers: HousekeepingTriggers

  private constructor(admission: readonly AdmissionPlugin[]) {
    const store = new StepStore()
    this.#store = store
    const serviceAccounts = new ServiceAccountTokens({ directory: undefined, clock: store })
    const tokens = new TokenAuthenticator(new TokenStore(undefined), serviceAccounts, store)
    this.#cluster = new LogicalCluster({
      name: NAME,
      database: new Database(store, store, store),
      resources: builtInResources,
      credentials: { serviceAccounts, tokens },
      admission,
      version: '0.0.0',
    })
    this.#triggers = new HousekeepingTriggers((value) => this.#cluster.database.parse(value))
  }

  /**
   * A server with the namespaces and roles that every API server has, and whatever `fill` puts into it. What plugins in
   * `admission` answer must depend on nothing but what they are given.
   */
  static async open(
    nowMs: number,
    fill: (client: Client) => Promise<void> = async () => {},
    admission: readonly AdmissionPlugin[] = [],
  ): Promise<StepServer> {
    const server = new StepServer(admission)
    const store = server.#store
    store.begin(store.state, nowMs, { seed: 'bootstrap', shelf: '', generated: false, timed: false })
    await bootstrap(server.#cluster)
    await fill(new Client({ transport: loopbackTransport(server.#cluster, USER), userAgent: 'scenario' }))
    store.end()
    store.seal()
    server.#initial = store.state
    return server
  }

  #initial: ServerState | undefined

  /** The state after the beginning. */
  get initial(): ServerState {
    return this.#initial!
  }

  /** The result of a request when it is known already. */
  known(state: ServerState, request: TransportRequest, nowMs: number): ServerStep | undefined {
    const effect = this.#memo.find(requestKey(request), state, nowMs)
    return effect === undefined ? undefined : this.#applied(state, effect)
  }

  /** Answers a request that {@link known} does not know. Watches are not served. */
  async step(state: ServerState, request: TransportRequest, nowMs: number): Promise<ServerStep> {
    const { method, path, headers = NO_HEADERS, body = '' } = request
    const key = requestKey(request)
    this.#store.begin(state, nowMs, this.#originOf(request, key))
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
    const reply = await handleRequest(this.#cluster, {
      method,
      path,
      headers,
      body: text,
      user: USER,
      signal: undefined,
    })
    const { questions, changes } = this.#store.end()
    if (!(reply.body instanceof Uint8Array)) throw new TypeError(`${method} ${path} is a watch, which is not served`)
    const effect = { status: reply.status, headers: reply.headers, body: reply.body, changes }
    this.#memo.remember(key, state, nowMs, questions, effect)
    return { ...effect, state: this.#store.state }
  }

  /** Which of the server's own controllers may have something to do after `change` led to `state`. */
  triggered(change: Change, state: ServerState): readonly Housekeeper[] {
    return this.#triggers.of(change, state)
  }

  /** The first write of one of the server's own controllers in `state`; without changes it has nothing to do. */
  async housekeep(state: ServerState, keeper: Housekeeper, nowMs: number): Promise<ServerStep> {
    const key = `${keeper} ${state.hash} ${Math.floor(nowMs / 1000)}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    this.#store.begin(state, nowMs, { seed: key, shelf: '', generated: false, timed: false })
    await firstWrite(this.#cluster, keeper, () => this.#store.hasWritten)
    const { changes } = this.#store.end()
    const step = { status: 200, headers: NO_HEADERS, body: new Uint8Array(), changes, state: this.#store.state }
    this.#kept.set(key, step)
    return step
  }

  /**
   * Where the objects of a resource are in a state.
   * @throws ApiError NotFound when nothing serves the resource
   */
  place(resource: Resource, namespace?: string): Place | undefined {
    const served = this.#cluster.registry.find(resource.group, resource.version, resource.plural)
    if (served === undefined) return undefined
    const { database } = this.#cluster
    return {
      prefix: database.prefix(NAME, served.storedAs, resource.namespaced ? namespace : undefined),
      object: (value) => database.objectAs(served, value),
      bytes: (value) => database.bytesAs(served, value),
    }
  }

  #applied(state: ServerState, effect: Effect): ServerStep {
    if (this.#wayCount > MAX_WAYS) {
      this.#ways = new WeakMap()
      this.#wayCount = 0
    }
    let ways = this.#ways.get(state)
    if (ways === undefined) this.#ways.set(state, (ways = new Map()))
    let step = ways.get(effect)
    if (step === undefined) {
      let next = state
      for (const change of effect.changes) next = withChange(next, change, this.#store.configures(change.key))
      step = { ...effect, state: next }
      ways.set(effect, step)
      this.#wayCount++
    }
    return step
  }

  #originOf({ method, path, body = '' }: TransportRequest, seed: string): Origin {
    const mark = path.indexOf('?')
    const segments = (mark === -1 ? path : path.slice(0, mark)).split('/').slice(1)
    const request = parseResourceRequest(method, segments, new URLSearchParams())
    const served =
      request === undefined ? undefined : this.#cluster.registry.find(request.group, request.version, request.plural)
    return {
      seed,
      shelf: served === undefined ? '' : this.#cluster.database.prefix(NAME, served.storedAs),
      generated: typeof body === 'string' && body.includes('"generateName"'),
      timed: method !== 'GET',
    }
  }
}

function requestKey({ method, path, headers, body = '' }: TransportRequest): string {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
  const { 'content-type': type = '', 'user-agent': agent = '' } = headers ?? NO_HEADERS
  const { 'impersonate-user': user = '', 'impersonate-group': groups = '' } = headers ?? NO_HEADERS
  return `${method} ${path}\n${type}\n${agent}\n${user}\n${groups}\n${text}`
}
