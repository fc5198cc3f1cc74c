import { readBody, readLines } from '@locktender/kube'
import type { Client, Json, Transport, TransportRequest, TransportResponse } from '@locktender/kube'
import { queryOf } from './api-path.ts'

/** Real namespaces by the names that a controller has for them. */
export type NamespaceMapping = Readonly<Record<string, string>>

/** Names of namespaces as one side has them, by those of the other. */
type Renaming = ReadonlyMap<string, string>

/** Members whose content is nobody's business here: what stands in them is data, not a reference. */
const OPAQUE: ReadonlySet<string> = new Set(['data', 'binaryData', 'stringData', 'annotations', 'managedFields'])
/** Kubernetes puts the name of each namespace on it as a label. */
const NAME_LABEL = 'kubernetes.io/metadata.name'

/** API servers by the names that operators have for them, where one is all three. */
export function standalone(client: Client): Record<'configuration' | 'management' | 'userWorkload', Client> {
  return { configuration: client, management: client, userWorkload: client }
}

/**
 * `client` for controllers that think of namespaces by other names than they have there, as when the operands of many
 * control planes live side by side. Renamed are the namespaces in paths, selectors, objects, answers and watches; text
 * in ConfigMaps, Secrets and annotations is left alone. A namespace that has a name the controllers think of but is
 * not the one they mean is hidden from them.
 *
 * @throws TypeError when two names stand for one namespace: what comes from it could not be told apart
 */
export function hostedNamespaces(client: Client, mapping: NamespaceMapping): Client {
  const there: Renaming = new Map(Object.entries(mapping).filter(([thought, real]) => thought !== real))
  const back = new Map<string, string>()
  for (const [thought, real] of Object.entries(mapping)) {
    const other = back.get(real)
    if (other !== undefined) throw new TypeError(`namespaces ${other} and ${thought} are both mapped to ${real}`)
    back.set(real, thought)
  }
  for (const name of back.keys()) if (back.get(name) === name) back.delete(name)
  if (there.size === 0) return client
  return client.through((transport) => new Renamed(transport, there, back))
}

/** The request as the server knows it. */
export function renameRequest(request: TransportRequest, there: Renaming): TransportRequest {
  const { path, body } = request
  return {
    ...request,
    path: renamePath(path, there),
    ...(body !== undefined && {
      body: renameText(typeof body === 'string' ? body : Buffer.from(body).toString(), there),
    }),
  }
}

/** A JSON text with its namespaces renamed; text that is not JSON stays as it is. */
export function renameText(text: string, names: Renaming): string {
  // Most objects mention none of them.
  if (!mentions(text, names)) return text
  try {
    return JSON.stringify(renameValue(JSON.parse(text) as Json, names))
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

class Renamed implements Transport {
  readonly #transport: Transport
  readonly #there: Renaming
  readonly #back: Renaming

  constructor(transport: Transport, there: Renaming, back: Renaming) {
    this.#transport = transport
    this.#there = there
    this.#back = back
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const answer = await this.#transport.request(renameRequest(request, this.#there))
    const isWatch = answer.status === 200 && /^(true|1)$/.test(queryOf(request.path).get('watch') ?? '')
    return { ...answer, body: isWatch ? this.#lines(answer) : this.#whole(answer) }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async *#whole({ body }: TransportResponse): AsyncGenerator<Uint8Array> {
    const text = await readBody(body)
    if (!mentions(text, this.#back) && !mentions(text, this.#there)) {
      yield Buffer.from(text)
      return
    }
    const value = parsed(text)
    if (value === undefined) {
      yield Buffer.from(text)
      return
    }
    const { items } = value as { items?: Json }
    if (Array.isArray(items)) (value as { items: Json }).items = items.filter((item) => !this.#isHidden(item))
    yield Buffer.from(JSON.stringify(renameValue(value, this.#back)))
  }

  async *#lines({ body }: TransportResponse): AsyncGenerator<Uint8Array> {
    for await (const line of readLines(body)) {
      const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()
      const isMentioned = mentions(text, this.#back) || mentions(text, this.#there)
      const event = isMentioned ? parsed(text) : undefined
      if (event === undefined) {
        yield Buffer.from(`${text}\n`)
      } else if (!this.#isHidden((event as { object?: Json }).object)) {
        yield Buffer.from(`${JSON.stringify(renameValue(event, this.#back))}\n`)
      }
    }
  }

  /** Whether an object lies in a namespace that only happens to have a name the controllers think of. */
  #isHidden(object: Json | undefined): boolean {
    const { kind, metadata } = (object ?? {}) as { kind?: string; metadata?: { name?: string; namespace?: string } }
    const namespace = metadata?.namespace ?? (kind === 'Namespace' ? metadata?.name : undefined)
    return namespace !== undefined && this.#there.has(namespace) && !this.#back.has(namespace)
  }
}

function parsed(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function mentions(text: string, names: Renaming): boolean {
  for (const name of names.keys()) if (text.includes(name)) return true
  return false
}

function renamePath(path: string, names: Renaming): string {
  const start = path.indexOf('?')
  const route = (start === -1 ? path : path.slice(0, start)).replace(
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\/namespaces\/([^/]+)/,
    (_, root: string, name: string) =>
      `${root}/namespaces/${encodeURIComponent(renamed(decodeURIComponent(name), names))}`,
  )
  if (start === -1) return route
  const query = queryOf(path)
  const fields = query.get('fieldSelector')
  if (fields === null) return route + path.slice(start)
  const ofNamespaces = route.endsWith('/api/v1/namespaces')
  query.set(
    'fieldSelector',
    fields.replace(/([^,=!]+)(==?|!=)([^,]*)/g, (_, field: string, operator: string, value: string) => {
      const isNamespace = field.endsWith('.namespace') || (ofNamespaces && field === 'metadata.name')
      return `${field}${operator}${isNamespace ? renamed(value, names) : value}`
    }),
  )
  return `${route}?${query.toString()}`
}

/** Renames every member called `namespace`, lists of them called `namespaces`, and objects that are namespaces. */
function renameValue(value: Json, names: Renaming): Json {
  if (Array.isArray(value)) return value.map((element) => renameValue(element, names))
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, Json> = {}
  for (const [member, content] of Object.entries(value)) {
    if (OPAQUE.has(member)) result[member] = content
    else if (member === 'namespace' && typeof content === 'string') result[member] = renamed(content, names)
    else if (member === 'namespaces' && Array.isArray(content)) {
      result[member] = content.map((name) =>
        typeof name === 'string' ? renamed(name, names) : renameValue(name, names),
      )
    } else if (member === NAME_LABEL && typeof content === 'string') result[member] = renamed(content, names)
    else result[member] = renameValue(content, names)
  }
  const { kind, metadata, details } = result
  // A reference has its name beside its kind.
  if (kind === 'Namespace' && typeof result['name'] === 'string') result['name'] = renamed(result['name'], names)
  if (kind === 'Namespace' && isObject(metadata)) renameName(metadata, names)
  if (kind === 'Status' && isObject(details) && details['kind'] === 'namespaces') {
    renameName(details, names)
    result['message'] = quotedNames(result['message'] ?? '', names)
  }
  return result
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function renameName(object: Record<string, Json>, names: Renaming): void {
  if (typeof object['name'] === 'string') object['name'] = renamed(object['name'], names)
}

function quotedNames(message: Json, names: Renaming): Json {
  if (typeof message !== 'string') return message
  return message.replace(/"([^"]*)"/g, (_, name: string) => `"${renamed(name, names)}"`)
}

function renamed(name: string, names: Renaming): string {
  return names.get(name) ?? name
}
