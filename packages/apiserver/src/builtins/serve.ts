import type { Resource, StructuralSchema } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { Scaling } from '../write/scaling.ts'
import type { CompiledSchema } from '../schema/compile.ts'
import type { ServedResource, Strategy, TableColumn } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { blankObject, compileBuiltIn, initialStatus } from './compiled.ts'
import { messageOfKind } from './field-table.ts'
import { structuralSchema } from './structural.ts'

const STANDARD_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Groups whose finalizers need no domain, unlike those of the older groups. */
const LENIENT_GROUPS = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'coordination.k8s.io',
  'events.k8s.io',
  'node.k8s.io',
  'policy',
])

/** Groups of kinds of which an update must say which state it is of. */
const VERSIONED_GROUPS = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'policy',
])

/** Kinds that an update of an object creates which is not there. */
const CREATED_BY_UPDATE = new Set([
  'clusterrolebindings',
  'clusterroles',
  'endpoints',
  'events',
  'leases',
  'limitranges',
  'rolebindings',
  'roles',
  'runtimeclasses',
  'services',
])

/** Built-in kinds say the age in words where defined ones have a date. */
function asText(column: TableColumn): TableColumn {
  return column === ageColumn ? { ...column, type: 'string' } : column
}

/** What is particular to one built-in resource; everything else is as usual. */
export interface BuiltIn {
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly names?: ServedResource['names']
  readonly status?: boolean
  readonly statusAtOnce?: boolean
  readonly subresources?: readonly string[]
  readonly scaling?: Scaling
  readonly generation?: boolean
  readonly createOnUpdate?: boolean
  readonly unconditionalUpdate?: boolean
  readonly deprecation?: string
  readonly answersDeleted?: boolean
  readonly columns?: readonly TableColumn[]
  readonly fields?: Readonly<Record<string, (object: AnyObject) => string>>
  readonly strategy?: Strategy
  readonly verbs?: readonly string[]
  readonly storedAs?: { readonly group: string; readonly plural: string; readonly apiVersion: string }
  readonly conversion?: ServedResource['conversion']
}

/** A resource every logical cluster serves without any definition. Its schema is made when it is first needed. */
export function builtIn(apiVersion: string, facts: BuiltIn): ServedResource {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const { kind, plural, namespaced, status = false, strategy = {} } = facts
  const resource: Resource = { group, version: apiVersion.slice(slash + 1), plural, kind, namespaced }
  let schema: StructuralSchema | undefined
  let compiled: CompiledSchema | undefined
  let blank: AnyObject | undefined
  return {
    resource,
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames: facts.shortNames ?? [],
    categories: facts.categories ?? [],
    verbs: facts.verbs ?? STANDARD_VERBS,
    description: '',
    names: facts.names ?? 'subdomain',
    strictFinalizers: !LENIENT_GROUPS.has(group) && kind !== 'Event',
    custom: false,
    deprecation: facts.deprecation,
    storedAs: facts.storedAs ?? { group, plural },
    storedApiVersion: facts.storedAs?.apiVersion ?? apiVersion,
    conversion: facts.conversion,
    status,
    statusAtOnce: facts.statusAtOnce ?? false,
    subresources: [...(facts.scaling === undefined ? [] : ['scale']), ...(facts.subresources ?? [])],
    scaling: facts.scaling,
    generation: facts.generation ?? false,
    unconditionalUpdate: facts.unconditionalUpdate ?? !VERSIONED_GROUPS.has(group),
    createOnUpdate: facts.createOnUpdate ?? CREATED_BY_UPDATE.has(plural),
    answersDeleted: facts.answersDeleted ?? false,
    get schema() {
      schema ??= structuralSchema(messageOfKind(apiVersion, kind)!)
      return schema
    },
    get compiled() {
      compiled ??= compileBuiltIn(apiVersion, kind)
      return compiled
    },
    get blank() {
      blank ??= blankObject(apiVersion, kind)
      return blank
    },
    schemaRevision: 0,
    columns: (facts.columns ?? [nameColumn, ageColumn]).map(asText),
    selectableFields: new Map(Object.entries(facts.fields ?? {})),
    strategy: status ? withInitialStatus(apiVersion, kind, strategy) : strategy,
  }
}

/** New objects have the empty status that compiled-in types always write, unless their kind knows better. */
function withInitialStatus(apiVersion: string, kind: string, strategy: Strategy): Strategy {
  let status: ReturnType<typeof initialStatus>
  return {
    ...strategy,
    prepareCreate(object, context) {
      const prepared = strategy.prepareCreate?.(object, context) ?? object
      if ('status' in prepared) return prepared
      status ??= initialStatus(apiVersion, kind)
      return status === undefined ? prepared : { ...prepared, status }
    },
  }
}

/** A resource that only answers POSTs: nothing is stored. */
export function review(apiVersion: string, kind: string, namespaced = false): ServedResource {
  return builtIn(apiVersion, { kind, plural: `${kind.toLowerCase()}s`, namespaced, verbs: ['create'] })
}
