import { Buffer } from 'node:buffer'
import { apiVersionOf, unsupportedMediaType } from '@locktender/kube'
import { decodeProtobuf } from '../builtins/envelope.ts'
import { mediaType, PROTOBUF } from '../present/media-types.ts'
import type { ResourceRequest } from '../request-info.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource } from '../subresources.ts'

const TEXTS = ['application/json', 'application/yaml']

/**
 * The body of a request as text: what came as protobuf is turned into the JSON it stands for, so that nothing further in
 * has to know. Patches are left to their handler, which has media types of its own.
 * @throws ApiError UnsupportedMediaType, BadRequest
 */
export function bodyText(
  served: ServedResource,
  request: ResourceRequest,
  contentType: string | undefined,
  body: string | Uint8Array,
): string {
  const type = mediaType(contentType)
  const text = (): string => (typeof body === 'string' ? body : Buffer.from(body).toString('utf8'))
  if (request.verb === 'patch' || body.length === 0 || type === '' || TEXTS.includes(type)) return text()
  // Objects of defined kinds have no numbered fields; what deletes or scales them is of a built-in kind.
  const kind = expectedKind(served, request)
  const isBuiltIn = !served.custom || kind !== served.resource
  if (type !== PROTOBUF) throw unsupportedMediaType(isBuiltIn ? [...TEXTS, PROTOBUF] : TEXTS)
  if (!isBuiltIn) throw unsupportedMediaType(TEXTS)
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return JSON.stringify(decodeProtobuf(bytes, { apiVersion: apiVersionOf(kind), kind: kind.kind }))
}

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

const DELETE_OPTIONS: Kind = { group: '', version: 'v1', kind: 'DeleteOptions' }

function expectedKind({ resource }: ServedResource, { verb, subresource }: ResourceRequest): Kind {
  if (verb === 'delete' || verb === 'deletecollection') return DELETE_OPTIONS
  return (subresource === undefined ? undefined : describeSubresource(subresource).kind) ?? resource
}
