import { Client, type KubeObject, type Resource, type Transport, type TransportRequest } from '@locktender/kube'
import { BEGINNING_MS, resourceOf, type PreparedServer } from './prepared-server.ts'
import { sentBy } from './identity.ts'
import type { Identity, ObjectTarget, Scenario, Step } from './scenario.ts'

/** A request that a step sends. */
export interface StepRequest {
  readonly server: PreparedServer
  readonly request: TransportRequest
}

/** A step with its requests made, and in words. */
export interface PreparedStep {
  /** Those of a `together` in their order, otherwise one. */
  readonly parts: readonly { readonly step: Step; readonly requests: readonly StepRequest[] }[]
  readonly text: string
  /** Whether the controllers settle before it in every schedule. */
  readonly isBarrier: boolean
}

const nodes: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false }

/** @throws TypeError when a step is about a kind that nothing serves */
export async function prepareSteps(
  scenario: Scenario,
  servers: ReadonlyMap<string, PreparedServer>,
): Promise<readonly PreparedStep[]> {
  const maker = new StepMaker(scenario, servers)
  const prepared: PreparedStep[] = []
  for (const step of scenario.steps ?? []) {
    const parts: PreparedStep['parts'][number][] = []
    for (const part of 'together' in step ? step.together : [step]) {
      parts.push({ step: part, requests: await maker.requestsOf(part) })
    }
    prepared.push({
      parts,
      text: textOf(step),
      isBarrier: parts.some(({ step }) => 'settle' in step || 'expect' in step),
    })
  }
  return prepared
}

class StepMaker {
  readonly #servers: ReadonlyMap<string, PreparedServer>
  readonly #definitions: readonly KubeObject[]

  constructor({ clusters }: Scenario, servers: ReadonlyMap<string, PreparedServer>) {
    this.#servers = servers
    this.#definitions = Object.values(clusters).flatMap(({ definitions = [] }) => definitions)
  }

  async requestsOf(step: Step): Promise<StepRequest[]> {
    if ('create' in step) {
      const server = this.#server(step.cluster)
      const resource = await resourceOf(reader(server), step.create, this.#definitions)
      const { status, ...object } = step.create as KubeObject & { status?: object }
      const { metadata } = object
      const made = await captured(server, (client) => client.create(resource, object), step.as)
      if (status === undefined) return made
      const written = (client: Client) =>
        client.patch(resource, metadata, { status }, { type: 'merge', subresource: 'status' })
      return [...made, ...(await captured(server, written))]
    }
    if ('change' in step) {
      const { subresource } = step
      const options = { type: 'merge', ...(subresource === undefined ? {} : { subresource }) } as const
      const changed = (client: Client) => client.patch(step.change.resource, step.change, step.to, options)
      return captured(this.#server(step.cluster), changed, step.as)
    }
    if ('delete' in step) {
      const { propagationPolicy = 'Background' } = step
      return captured(this.#server(step.cluster), (client) =>
        client.delete(step.delete.resource, step.delete, { propagationPolicy }),
      )
    }
    if ('nodeLost' in step) return this.#loseNode(step.nodeLost, this.#server(step.cluster))
    return []
  }

  /** What the node lifecycle controller of Kubernetes writes when a kubelet has fallen silent. */
  async #loseNode(name: string, server: PreparedServer): Promise<StepRequest[]> {
    const ready = {
      type: 'Ready',
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    }
    const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({ key: 'node.kubernetes.io/unreachable', effect }))
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
    const path = `/api/v1/nodes/${name}/status`
    const body = JSON.stringify({ status: { conditions: [ready] } })
    const status: StepRequest = { server, request: { method: 'PATCH', path, headers: strategic, body } }
    const tainted = (client: Client) => client.patch(nodes, { name }, { spec: { taints } }, { type: 'merge' })
    return [status, ...(await captured(server, tainted))]
  }

  #server(name: string | undefined): PreparedServer {
    const wanted = name ?? this.#servers.keys().next().value ?? ''
    const server = this.#servers.get(wanted)
    if (server === undefined) throw new RangeError(`a step is about the cluster ${wanted}, which the scenario has not`)
    return server
  }
}

/** What a call of the client sends, unsent. */
async function captured(
  server: PreparedServer,
  call: (client: Client) => Promise<unknown>,
  as?: Identity,
): Promise<StepRequest[]> {
  const requests: StepRequest[] = []
  const transport: Transport = {
    request(request) {
      requests.push({ server, request: sentBy(as, request) })
      return Promise.resolve({ status: 200, headers: {}, body: once(Buffer.from('{}')) })
    },
    close: () => Promise.resolve(),
  }
  await call(new Client({ transport, userAgent: 'outside' }))
  return requests
}

/** Reads the initial state. */
function reader({ server }: PreparedServer): Client {
  const transport: Transport = {
    async request(request) {
      const { status, headers, body } =
        server.known(server.initial, request, BEGINNING_MS) ??
        (await server.step(server.initial, request, BEGINNING_MS))
      return { status, headers, body: once(body) }
    },
    close: () => Promise.resolve(),
  }
  return new Client({ transport })
}

/** A body that comes in one piece. */
export function once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      let left: Uint8Array | undefined = bytes
      return {
        next: () => {
          const value = left
          left = undefined
          return Promise.resolve(value === undefined ? { value, done: true } : { value, done: false })
        },
      }
    },
  }
}

function textOf(step: Step): string {
  if ('create' in step) return `create ${nameOf(step.create.kind, step.create.metadata)}`
  if ('change' in step) return `change ${targetText(step.change)}`
  if ('delete' in step) return `delete ${targetText(step.delete)}`
  if ('together' in step) return step.together.map(textOf).join(' and ')
  if ('settle' in step) return 'settle'
  if ('advance' in step) return `${step.advance / 1000} s pass`
  if ('answer' in step) return `${step.answer} answers ${typeof step.with === 'string' ? step.with : step.with.status}`
  if ('deny' in step) return `deny ${step.deny} ${step.verbs?.join(' and ') ?? 'everything'} of ${step.resource.plural}`
  if ('allow' in step) return `allow ${step.allow} ${step.resource.plural} again`
  if ('nodeLost' in step) return `node ${step.nodeLost} is lost`
  if ('restart' in step) return `restart ${step.restart}`
  if ('outage' in step) return `${step.outage} cannot be reached`
  if ('restore' in step) return `${step.restore} can be reached again`
  return `expect ${step.expect}`
}

function targetText({ resource, ...metadata }: ObjectTarget): string {
  return nameOf(resource.kind, metadata)
}

function nameOf(kind: string, { name, namespace }: { readonly name: string; readonly namespace?: string }): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
}
