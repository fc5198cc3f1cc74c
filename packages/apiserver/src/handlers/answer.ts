import type { Status } from '@locktender/kube'
import type { ByteStream } from '../present/byte-stream.ts'
import type { View } from '../present/view.ts'

/** A page of a list. */
export interface ListAnswer {
  readonly items: readonly View[]
  readonly resourceVersion: string
  readonly continueToken?: string | undefined
  readonly remaining?: number | undefined
}

/** What a handler has to say, before it is put into the representation the client wants. */
export type Answer =
  | { readonly kind: 'object'; readonly code: 200 | 201 | 202; readonly view: View }
  | { readonly kind: 'list'; readonly list: ListAnswer }
  | { readonly kind: 'status'; readonly status: Status }
  /** 204. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'watch'; readonly stream: ByteStream }
