import { ApiError, apiVersionOf, notAcceptable } from '@locktender/kube'
import type { WatchEventType } from '@locktender/kube'
import type { Representation } from './media-types.ts'
import { encodeJson } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { tableOf } from './table.ts'
import type { IncludeObject } from './table.ts'
import type { View } from './view.ts'

/** How the objects of one request are shown. */
export interface Presentation {
  readonly served: ServedResource
  readonly representation: Representation
  readonly includeObject: IncludeObject
  /** Milliseconds since the Unix epoch, for ages. */
  readonly nowMs: number
}

/**
 * JSON of one object in the wanted form.
 * @throws ApiError NotAcceptable when only a list has that form
 */
export function representObject(view: View, presentation: Presentation): Uint8Array {
  switch (presentation.representation) {
    case 'table':
      return encodeJson(tableOf([view.object], versionOf(view.object), presentation, true))
    case 'metadata':
      return encodeJson(partialMetadata(view.object))
    case 'metadata-list':
      throw unfit('you requested PartialObjectMetadataList, but the requested object is not a list')
    default:
      return view.bytes
  }
}

/** What the table of one object says about itself. */
function versionOf({ metadata: { resourceVersion } }: AnyObject): object {
  return resourceVersion === undefined || resourceVersion === '' ? {} : { resourceVersion }
}

/** 406: the client wants a form that this answer does not have. */
function unfit(message: string): ApiError {
  const { status } = notAcceptable([])
  return new ApiError({ ...status, message })
}

export interface ListMetadata {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

const OPEN = Buffer.from('{')
const COMMA = Buffer.from(',')
const COMMA_OPEN = Buffer.from(',{')
const LIST_END = Buffer.from(']}\n')

/**
 * JSON of a list in the wanted form.
 * @throws ApiError NotAcceptable when only a single object has that form
 */
export function representList(views: readonly View[], metadata: ListMetadata, presentation: Presentation): Uint8Array {
  const { served, representation } = presentation
  if (representation === 'table') {
    return encodeJson(
      tableOf(
        views.map((view) => view.object),
        metadata,
        presentation,
        true,
      ),
    )
  }
  if (representation === 'metadata') {
    throw unfit('you requested PartialObjectMetadata, but the requested object is a list')
  }
  const partial = representation !== 'object'
  const apiVersion = partial ? 'meta.k8s.io/v1' : apiVersionOf(served.resource)
  const kind = partial ? 'PartialObjectMetadataList' : served.listKind
  // Kubernetes writes it even when it is empty, but only where it has no types of its own.
  const shown = served.custom && !partial ? { ...metadata, continue: metadata.continue ?? '' } : metadata
  const head = JSON.stringify({ kind, apiVersion, metadata: shown })
  const pieces: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)]
  if (served.custom || partial) {
    for (const [index, view] of views.entries()) {
      if (index > 0) pieces.push(COMMA)
      pieces.push(partial ? encodeJson(partialMetadata(view.object)) : view.bytes)
    }
  } else {
    const type = Buffer.from(`{"apiVersion":"${apiVersion}","kind":"${served.resource.kind}",`)
    for (const [index, view] of views.entries()) pieces.push(index > 0 ? COMMA_OPEN : OPEN, withoutType(view, type))
  }
  pieces.push(LIST_END)
  return Buffer.concat(pieces)
}

/**
 * JSON of an object after its opening brace and without its type, which items of built-in lists do not have. It is
 * what the bytes begin with: `type`; those of objects that were stored otherwise are written anew.
 */
function withoutType(view: View, type: Uint8Array): Uint8Array {
  const { bytes } = view
  for (let index = 0; index < type.length; index++) {
    if (bytes[index] === type[index]) continue
    const { apiVersion: _version, kind: _kind, ...rest } = view.object
    return encodeJson(rest).subarray(1)
  }
  return bytes.subarray(type.length)
}

/** The metadata of an object as an object of its own. */
export function partialMetadata(object: AnyObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}

const FRAME_END = Buffer.from('}\n')

/** One line of a watch. */
export function frame(type: WatchEventType, object: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, FRAME_END])
}
