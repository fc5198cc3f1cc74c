import type { AnyObject } from '../objects/object.ts'
import type { MetaVersion } from './media-types.ts'

/** The metadata of an object as an object of its own. */
export function partialMetadata(object: AnyObject, apiVersion: MetaVersion): object {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata }
}
