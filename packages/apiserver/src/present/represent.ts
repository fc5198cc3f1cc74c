import { ApiError, apiVersionOf, notAcceptable } from '@locktender/kube'
import type { Clock, WatchEventType } from '@locktender/kube'
import { breathe } from '../edge/breathe.ts'
import type { Form } from './media-types.ts'
import { partialMetadata } from './partial-metadata.ts'
import { encodeJson } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { tableHead, tableOfOne, tableRow } from './table.ts'
import type { IncludeObject } from './table.ts'
import type { View } from './view.ts'

/** How the objects of one request are shown. */
export interface Presentation extends Form {
  readonly served: ServedResource
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
      return encodeJson(tableOfOne(view.object, versionOf(view.object), presentation, true))
    case 'metadata':
      return encodeJson(partialMetadata(view.object, presentation.metaVersion))
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

/** What is read of objects between two breaths, in bytes and in objects: a few milliseconds of work. */
const STRETCH_BYTES = 1024 * 1024
const STRETCH_OBJECTS = 250

/** What is copied between two breaths, in bytes: some ten milliseconds of work. */
const STRETCH_COPIED_BYTES = 8 * 1024 * 1024

/**
 * JSON of a list in the wanted form. Long ones whose objects have to be read are made bit by bit.
 * @throws ApiError NotAcceptable (as rejection) when only a single object has that form
 */
export async function representList(
  views: readonly View[],
  metadata: ListMetadata,
  presentation: Presentation,
  clock: Clock,
): Promise<Uint8Array> {
  const { served, representation, metaVersion } = presentation
  switch (representation) {
    case 'table': {
      const row = (view: View): object => tableRow(view.object, presentation)
      return encodeList(tableHead(metadata, presentation, true), 'rows', await encodeEach(views, row, clock), clock)
    }
    case 'metadata':
      throw unfit('you requested PartialObjectMetadata, but the requested object is a list')
    case 'metadata-list': {
      const item = (view: View): object => partialMetadata(view.object, metaVersion)
      const head = { kind: 'PartialObjectMetadataList', apiVersion: metaVersion, metadata }
      return encodeList(head, 'items', await encodeEach(views, item, clock), clock)
    }
    default:
      // Kubernetes writes it even when it is empty, but only where it has no types of its own.
      return encodeList(
        {
          kind: served.listKind,
          apiVersion: apiVersionOf(served.resource),
          metadata: served.custom ? { ...metadata, continue: metadata.continue ?? '' } : metadata,
        },
        'items',
        storedItems(views, served),
        clock,
      )
  }
}

function encodeList(
  head: object,
  field: 'items' | 'rows',
  items: readonly Uint8Array[],
  clock: Clock,
): Promise<Uint8Array> {
  return concatenate([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${field}":[`), ...items, LIST_END], clock)
}

/** One array of all `pieces`, copied stretch by stretch: many objects are more than what may be copied in one go. */
async function concatenate(pieces: readonly Uint8Array[], clock: Clock): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafe(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  let breathAt = STRETCH_COPIED_BYTES
  for (const piece of pieces) {
    if (at >= breathAt) {
      breathAt = at + STRETCH_COPIED_BYTES
      await breathe(clock)
    }
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** What `shown` makes of each, with commas between them. */
async function encodeEach(views: readonly View[], shown: (view: View) => object, clock: Clock): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  let texts: string[] = []
  let bytes = 0
  const finishPiece = (): void => {
    if (pieces.length > 0) pieces.push(COMMA)
    pieces.push(Buffer.from(texts.join(',')))
    texts = []
    bytes = 0
  }
  for (const view of views) {
    if (bytes >= STRETCH_BYTES || texts.length >= STRETCH_OBJECTS) {
      finishPiece()
      await breathe(clock)
    }
    texts.push(JSON.stringify(shown(view)))
    bytes += view.storedBytes
  }
  if (texts.length > 0) finishPiece()
  return pieces
}

/** The objects as they are stored, with commas between them. */
function storedItems(views: readonly View[], { custom, resource }: ServedResource): Uint8Array[] {
  const pieces: Uint8Array[] = []
  if (custom) {
    for (const [index, { bytes }] of views.entries()) {
      if (index > 0) pieces.push(COMMA)
      pieces.push(bytes)
    }
    return pieces
  }
  const type = Buffer.from(`{"apiVersion":"${apiVersionOf(resource)}","kind":"${resource.kind}",`)
  for (const [index, view] of views.entries()) pieces.push(index > 0 ? COMMA_OPEN : OPEN, withoutType(view, type))
  return pieces
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

const FRAME_END = Buffer.from('}\n')

/** One line of a watch. */
export function frame(type: WatchEventType, object: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, FRAME_END])
}
