import type { FieldError, Resource, StructuralSchema } from '@locktender/kube'
import type { AnyObject } from './objects/object.ts'
import type { WebhookConversion } from './crd/webhook-conversion.ts'
import type { Scaling } from './write/scaling.ts'
import type { CompiledSchema } from './schema/compile.ts'
import type { UserInfo } from './user.ts'
import type { WriteContext } from './write/write-context.ts'

/** A cell of a Table; `undefined` prints as `<none>`. */
export type Cell = string | number | boolean | undefined

/** One printed column of a resource, as in metav1.TableColumnDefinition, with the way to its cell. */
export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  /** 0 is always shown, anything higher only in wide output. */
  readonly priority: number
  /** `nowMs` is milliseconds since the Unix epoch. */
  readonly cell: (object: AnyObject, nowMs: number) => Cell
}

/** What a strategy may look at beyond the object itself. */
export interface StrategyContext {
  /** RFC 3339, seconds. */
  readonly now: string
  /** Who writes. */
  readonly user: UserInfo
  /** Objects of the same logical cluster and of the given resource, newest state. */
  list(group: string, plural: string): AnyObject[]
}

/** A subresource that writes one part of an object, which is not its status. */
export interface PartStrategy {
  /** The live object with that part as it was sent. */
  take(sent: AnyObject, live: AnyObject): AnyObject
  validate(object: AnyObject, live: AnyObject): FieldError[]
}

/** What is particular to one kind. Every function returns a new object instead of changing its argument. */
export interface Strategy {
  /** Parts of the status that the functions here write in the name of the server, which is their manager then. */
  readonly serverStatus?: readonly string[]
  prepareCreate?(object: AnyObject, context: StrategyContext): AnyObject
  prepareUpdate?(object: AnyObject, live: AnyObject, context: StrategyContext): AnyObject
  /**
   * A write to a subresource that holds the status, or a part of it: `object` is the live one with the status that was
   * sent. Without this function all of that status is taken.
   */
  prepareStatus?(object: AnyObject, live: AnyObject, subresource: string, context: StrategyContext): AnyObject
  /** Validation of a new object that takes time; asked once {@link validate} has found nothing. */
  verify?(object: AnyObject, context: WriteContext): Promise<FieldError[]>
  /** Refuses who lacks a right beyond the one to the write itself. Throws ApiError Forbidden. */
  authorize?(context: WriteContext, object: AnyObject, live: AnyObject | undefined): void
  validate?(object: AnyObject, live: AnyObject | undefined): FieldError[]
  /** What whoever writes a valid object should know. */
  warn?(object: AnyObject, live: AnyObject | undefined): string[]
  /** Validation of a write to a subresource that holds the status; without it {@link validate} is asked. */
  validateStatus?(object: AnyObject, live: AnyObject): FieldError[]
  /** Subresources that write a part, by their names; what is said above of whole objects does not hold for them. */
  readonly parts?: Readonly<Record<string, PartStrategy>>
  /** Further changes of an object that is marked as being deleted. */
  beginDeletion?(object: AnyObject): AnyObject
  /** Whether something beside `metadata.finalizers` still holds a deletion back. */
  holdsDeletion?(object: AnyObject): boolean
}

/** Rewrites objects between the stored and a served form that differs by more than its apiVersion. */
export interface Conversion {
  toServed(object: AnyObject): AnyObject
  toStored(object: AnyObject): AnyObject
}

/** Everything the server knows about one resource in one served version. */
export interface ServedResource {
  readonly resource: Resource
  readonly singular: string
  readonly listKind: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  readonly description: string
  /** Which names its objects may have: a DNS subdomain, a DNS label of the newer or older kind, or any path segment. */
  readonly names: 'subdomain' | 'label' | 'dns-1035' | 'segment'
  /** Whether finalizers need a domain. Kinds of the older groups want one. */
  readonly strictFinalizers?: boolean
  /** Whether it comes from a CustomResourceDefinition. */
  readonly custom: boolean
  /** What every request for it is warned of, when this version is on its way out. */
  readonly deprecation?: string | undefined
  /** Group and plural whose keys hold the objects; differs from `resource` for a second view of the same objects. */
  readonly storedAs: { readonly group: string; readonly plural: string }
  /** apiVersion of the stored bytes. */
  readonly storedApiVersion: string
  readonly conversion: Conversion | undefined
  /** Who converts between the stored and the served version, where that is not done here. */
  readonly webhookConversion?: WebhookConversion | undefined
  readonly status: boolean
  /** Whether new objects come with their status: nodes know it when they join. */
  readonly statusAtOnce?: boolean
  /** Further subresources, named in discovery: `finalize`, `token`, `approval`. */
  readonly subresources: readonly string[]
  /** For kinds with the subresource `scale`. */
  readonly scaling?: Scaling | undefined
  /** Whether `metadata.generation` counts changes of the desired state. */
  readonly generation: boolean
  /** A PUT without resourceVersion overwrites whatever is there. */
  readonly unconditionalUpdate: boolean
  /** A PUT of an object that does not exist creates it. */
  readonly createOnUpdate: boolean
  /** Whether a deletion answers with the object that is gone rather than with a status. */
  readonly answersDeleted?: boolean
  readonly schema: StructuralSchema | undefined
  readonly compiled: CompiledSchema | undefined
  /** What an object has before anybody states anything; built-in kinds write some parts even when they are empty. */
  readonly blank?: AnyObject
  /** Bytes written at or before this revision may lack defaults of the present schema. */
  readonly schemaRevision: number
  readonly columns: readonly TableColumn[]
  /** Field selectors beyond metadata.name and metadata.namespace. */
  readonly selectableFields: ReadonlyMap<string, (object: AnyObject) => string>
  readonly strategy: Strategy
}

/** `widgets.example.com`, or `configmaps` for the core group, as error messages name a resource. */
export function groupResourceOf(served: ServedResource): { group: string; resource: string } {
  return { group: served.resource.group, resource: served.resource.plural }
}
