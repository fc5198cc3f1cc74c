import type { StructuralSchema } from '@locktender/kube'
import { compileJsonPath } from '../present/json-path.ts'
import type { AnyObject } from '../objects/object.ts'
import { compileSchema } from '../schema/compile.ts'
import type { CompiledSchema } from '../schema/compile.ts'
import { compareVersions } from '../resource-registry.ts'
import type { ServedResource, TableColumn } from '../served-resource.ts'
import { ageColumn, dateCell, nameColumn } from '../present/table-cells.ts'
import { declaredScaling, fieldsOfPath, validateScale } from '../write/scaling.ts'
import type { Scaling } from '../write/scaling.ts'
import { isEstablished } from './definition.ts'
import type { CustomResourceDefinition, DefinitionVersion, PrinterColumn, ScalePaths } from './definition.ts'
import type { WebhookConversion } from './webhook-conversion.ts'

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']

/** Verbs while the definition is being deleted. */
const TERMINATING_VERBS = VERBS.filter((verb) => verb !== 'create')

/** Compiled schemas by their text: logical clusters usually have the same definitions. */
const compiledSchemas = new Map<string, { schema: StructuralSchema; compiled: CompiledSchema }>()
const MAX_COMPILED = 512

/** What a definition serves: one resource for each served version, nothing before its names are accepted. */
export function resourcesOf(definition: CustomResourceDefinition): ServedResource[] {
  if (!isEstablished(definition)) return []
  return definition.spec.versions.filter(({ served }) => served).map((version) => servedVersion(definition, version))
}

function servedVersion(definition: CustomResourceDefinition, version: DefinitionVersion): ServedResource {
  const { group, scope, versions } = definition.spec
  const names = definition.status?.acceptedNames ?? definition.spec.names
  const storage = versions.find((candidate) => candidate.storage) ?? version
  const { schema, compiled } = compile(version.schema?.openAPIV3Schema ?? {})
  const { scale } = version.subresources ?? {}
  return {
    resource: {
      group,
      version: version.name,
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
    },
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: definition.metadata.deletionTimestamp === undefined ? VERBS : TERMINATING_VERBS,
    description: schema.description ?? '',
    names: 'subdomain',
    custom: true,
    deprecation: version.deprecated === true ? deprecationOf(definition, version, names.kind) : undefined,
    storedAs: { group, plural: names.plural },
    storedApiVersion: `${group}/${storage.name}`,
    conversion: undefined,
    webhookConversion: webhookOf(definition),
    status: version.subresources?.status !== undefined,
    subresources: scale === undefined ? [] : ['scale'],
    scaling: scale === undefined ? undefined : scalingOf(definition, scale),
    generation: true,
    unconditionalUpdate: false,
    createOnUpdate: false,
    schema,
    compiled,
    schemaRevision: Number(definition.metadata.resourceVersion),
    columns: columnsOf(version.additionalPrinterColumns ?? []),
    selectableFields: new Map(
      (version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), selectable(jsonPath)]),
    ),
    strategy: scale === undefined ? {} : { validate: (object) => validateScale(object, scale) },
  }
}

/** What users of a deprecated version are told: to use the best of those that are newer and stay. */
function deprecationOf({ spec }: CustomResourceDefinition, version: DefinitionVersion, kind: string): string {
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const [best] = spec.versions
    .filter(({ name, served, deprecated }) => served && deprecated !== true && compareVersions(name, version.name) < 0)
    .map(({ name }) => name)
    .sort(compareVersions)
  const warning = `${spec.group}/${version.name} ${kind} is deprecated`
  return best === undefined ? warning : `${warning}; use ${spec.group}/${best} ${kind}`
}

function webhookOf({ spec }: CustomResourceDefinition): WebhookConversion | undefined {
  const { strategy, webhook } = spec.conversion ?? {}
  if (strategy !== 'Webhook' || webhook?.clientConfig === undefined) return undefined
  return { config: webhook.clientConfig, reviewVersions: webhook.conversionReviewVersions ?? [] }
}

/** Owners of the number of replicas may have written it through any version. */
function scalingOf({ spec }: CustomResourceDefinition, declared: ScalePaths): Scaling {
  const paths = spec.versions.map(({ name, subresources }) => {
    const path = subresources?.scale?.specReplicasPath
    return [`${spec.group}/${name}`, path === undefined ? undefined : fieldsOfPath(path)] as const
  })
  return declaredScaling(declared, new Map(paths))
}

function compile(schema: StructuralSchema): { schema: StructuralSchema; compiled: CompiledSchema } {
  const text = JSON.stringify(schema)
  let known = compiledSchemas.get(text)
  if (known === undefined) {
    known = { schema, compiled: compileSchema(schema) }
    if (compiledSchemas.size >= MAX_COMPILED) compiledSchemas.clear()
    compiledSchemas.set(text, known)
  }
  return known
}

/** One column that cannot be read takes all others with it, as in an API server. */
function columnsOf(declared: readonly PrinterColumn[]): TableColumn[] {
  let columns: TableColumn[] = []
  try {
    columns = declared.map(columnOf)
  } catch {
    // The path was accepted at the write, which looks at its beginning only.
  }
  return [nameColumn, ...(columns.length === 0 ? [ageColumn] : columns)]
}

function columnOf(column: PrinterColumn): TableColumn {
  const path = compileJsonPath(column.jsonPath)
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    cell: (object, nowMs) => {
      const value = path(object)[0]
      if (value === undefined || value === null) return undefined
      switch (column.type) {
        case 'integer':
        case 'number':
          return typeof value === 'number' ? value : undefined
        case 'boolean':
          return typeof value === 'boolean' ? value : undefined
        case 'date':
          return typeof value === 'string' ? dateCell(value, nowMs) : undefined
        default:
          return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean)
      }
    },
  }
}

function selectable(jsonPath: string): (object: AnyObject) => string {
  const path = compileJsonPath(jsonPath)
  return (object) => {
    const value = path(object)[0]
    return value === undefined || value === null ? '' : String(value as string | number | boolean)
  }
}
