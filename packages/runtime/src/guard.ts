import type { Client, HttpMethod, Transport, TransportRequest, TransportResponse } from '@locktender/kube'
import { queryOf, targetOf, type Target } from './api-path.ts'
import type { Controller, Watch, World, Write } from './controller.ts'
import { UndeclaredAccessError } from './errors.ts'
import { mayCall } from './outside.ts'

interface Declared {
  readonly reads: readonly Watch[]
  readonly writes: readonly Write[]
}

/** Sends what the guard lets through. */
export type Send = (transport: Transport, request: TransportRequest, target: Target) => Promise<TransportResponse>

const NOTHING: Declared = { reads: [], writes: [] }

/**
 * `client` narrowed to what `controller` declares for `cluster`: writes of declared writes; reads of declared reads,
 * and of what may be written. The check looks at requests, so no way of calling the client gets around it.
 */
export function guardedClient(
  controller: Controller,
  cluster: string,
  client: Client,
  send: Send = (transport, request) => transport.request(request),
): Client {
  const declared = declaredBy(controller, cluster)
  return client.through((transport) => ({
    request(request) {
      const target = targetOf(request.path)
      const { reads, writes } = (target && declared.get(accessKey(target))) ?? NOTHING
      const isAllowed =
        target !== undefined &&
        (request.method === 'GET'
          ? reads.some((watch) => maySee(watch, target, request.path)) ||
            writes.some((write) => write.generateName === undefined && maySee(write, target, request.path))
          : writes.some((write) => mayWrite(write, target, request)))
      if (!isAllowed) return Promise.reject(refusal(controller, cluster, request, target))
      return send(transport, request, target)
    },
    close: () => transport.close(),
  }))
}

/** `fetch` narrowed to the URLs that `controller` declares. */
export function guardedFetch(controller: Controller, fetch: World['fetch']): World['fetch'] {
  return (request) => {
    if (mayCall(controller.calls ?? [], request.url)) return fetch(request)
    const origin = URL.canParse(request.url) ? `${new URL(request.url).origin}/` : request.url
    const access = `calls ${request.url}`
    return Promise.reject(new UndeclaredAccessError(controller.name, access, `calls: ${quoted(origin)}`))
  }
}

function declaredBy(controller: Controller, cluster: string): ReadonlyMap<string, Declared> {
  const declared = new Map<string, { reads: Watch[]; writes: Write[] }>()
  const of = (key: string) => {
    const found = declared.get(key) ?? { reads: [], writes: [] }
    declared.set(key, found)
    return found
  }
  for (const watch of controller.reads) {
    if (watch.cluster === cluster) of(accessKey({ ...watch.resource, subresource: undefined })).reads.push(watch)
  }
  for (const write of controller.writes) {
    if (write.cluster === cluster)
      of(accessKey({ ...write.resource, subresource: write.subresource })).writes.push(write)
  }
  return declared
}

function accessKey(access: Pick<Target, 'group' | 'plural' | 'subresource'>): string {
  return `${access.group}/${access.plural}/${access.subresource ?? ''}`
}

/** Objects with a label can be got one by one: which label they have is not known before they are seen. */
function maySee(scope: Partial<Watch>, target: Target, path: string): boolean {
  if (scope.namespace !== undefined && scope.namespace !== target.namespace) return false
  if (scope.name !== undefined) return scope.name === (target.name ?? nameSelectedBy(path))
  if (scope.labelSelector === undefined || target.name !== undefined) return true
  return queryOf(path).get('labelSelector') === scope.labelSelector
}

function mayWrite(write: Write, target: Target, request: TransportRequest): boolean {
  if (write.namespace !== undefined && write.namespace !== target.namespace) return false
  if (write.name === undefined && write.generateName === undefined) return true
  if (target.name !== undefined) return write.generateName === undefined && target.name === write.name
  if (request.method !== 'POST') return false
  const { name = '', generateName = '' } = metadataOf(request.body)
  return write.generateName === undefined ? name === write.name : name === '' && generateName === write.generateName
}

/** The metadata of the object that a request carries. */
export function metadataOf(body: TransportRequest['body']): { name?: string; generateName?: string } {
  if (body === undefined) return {}
  const object = JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString('utf8')) as {
    metadata?: { name?: string; generateName?: string }
  }
  return object.metadata ?? {}
}

function nameSelectedBy(path: string): string | undefined {
  return /^metadata\.name==?([^,=!]+)$/.exec(queryOf(path).get('fieldSelector') ?? '')?.[1]
}

const ACTIONS: Readonly<Record<HttpMethod, string>> = {
  GET: 'reads',
  POST: 'creates in',
  PUT: 'replaces',
  PATCH: 'patches',
  DELETE: 'deletes',
}

function refusal(
  controller: Controller,
  cluster: string,
  request: TransportRequest,
  target: Target | undefined,
): UndeclaredAccessError {
  const access = `${ACTIONS[request.method]} ${request.path} of ${cluster}`
  if (target === undefined) return new UndeclaredAccessError(controller.name, access)
  const list = request.method === 'GET' ? 'reads' : 'writes'
  const given = request.method === 'POST' && target.name === undefined ? metadataOf(request.body) : undefined
  const members = {
    cluster,
    resource: target.group === '' ? target.plural : `${target.plural}.${target.group}`,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name ?? given?.name,
    generateName: given?.name === undefined ? given?.generateName : undefined,
  }
  const shown = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${quoted(value)}`],
  )
  return new UndeclaredAccessError(controller.name, access, `${list}: { ${shown.join(', ')} }`)
}

function quoted(text: string): string {
  return `'${text}'`
}
