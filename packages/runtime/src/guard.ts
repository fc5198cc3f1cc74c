import type { Client } from '@locktender/kube'
import type { Controller } from './controller.ts'
import { UndeclaredAccessError } from './errors.ts'

interface Access {
  readonly group: string
  readonly plural: string
  readonly subresource: string | undefined
}

/**
 * `client` narrowed to what `controller` declares for `cluster`: reads of declared reads and writes, writes of
 * declared writes. The check looks at requests, so no way of calling the client gets around it.
 */
export function guardedClient(controller: Controller, cluster: string, client: Client): Client {
  const written = new Set(
    controller.writes
      .filter((write) => write.cluster === cluster)
      .map((write) => accessKey({ ...write.resource, subresource: write.subresource })),
  )
  const read = new Set(written)
  for (const watch of controller.reads) {
    if (watch.cluster === cluster) read.add(accessKey({ ...watch.resource, subresource: undefined }))
  }
  return client.through((transport) => ({
    request(request) {
      const access = accessOf(request.path)
      const allowed = request.method === 'GET' ? read : written
      if (access === undefined || !allowed.has(accessKey(access))) {
        const verb = request.method === 'GET' ? 'reads' : 'writes'
        return Promise.reject(new UndeclaredAccessError(controller.name, `${verb} ${request.path} of ${cluster}`))
      }
      return transport.request(request)
    },
    close: () => transport.close(),
  }))
}

function accessKey(access: Access): string {
  return `${access.group}/${access.plural}/${access.subresource ?? ''}`
}

/** The resource that an API path names, or undefined when it names none (discovery, health). */
function accessOf(path: string): Access | undefined {
  const segments = path
    .split('?', 1)[0]!
    .split('/')
    .filter((segment) => segment !== '')
  const root = segments.shift()
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'apis' ? segments.shift() : ''
  segments.shift()
  // A namespace is a resource of its own only when nothing follows its name but a subresource of it.
  if (segments[0] === 'namespaces' && segments.length > 3) segments.splice(0, 2)
  else if (segments[0] === 'namespaces' && segments.length === 3 && group !== '') segments.splice(0, 2)
  else if (segments[0] === 'namespaces' && segments.length === 3 && !isNamespaceSubresource(segments[2]!)) {
    segments.splice(0, 2)
  }
  const [plural, , subresource] = segments
  if (group === undefined || plural === undefined) return undefined
  return { group, plural, subresource }
}

function isNamespaceSubresource(segment: string): boolean {
  return segment === 'status' || segment === 'finalize'
}
