import { deepEqual, fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { compileJsonPath } from '../json-path.ts'
import type { AnyObject } from '../object.ts'
import { validateStructural } from '../schema/structural.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { withCondition } from './conditions.ts'
import { cleanupFinalizer, isEstablished } from './definition.ts'
import type { CustomResourceDefinition, DefinitionNames, DefinitionStatus, DefinitionVersion } from './definition.ts'

type Definition = AnyObject & CustomResourceDefinition

const GROUP = 'apiextensions.k8s.io'
const PLURAL = 'customresourcedefinitions'
const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io'
const PROTECTED_GROUP = /(^|\.)(k8s|kubernetes)\.io$/

/** Definitions are accepted or refused at the write itself, so what is stored is served as soon as it is answered. */
export const definitionStrategy: Strategy = {
  prepareCreate(object, context) {
    const definition = withDefaults(object as Definition)
    const finalizers = new Set([...(definition.metadata.finalizers ?? []), cleanupFinalizer])
    const { status: _ignored, ...rest } = definition
    const created = { ...rest, metadata: { ...definition.metadata, finalizers: [...finalizers] } } as Definition
    return withStatus(created, undefined, context)
  },
  prepareUpdate(object, live, context) {
    const definition = withDefaults(object as Definition)
    if (deepEqual(definition.spec, (live as Definition).spec)) return definition
    return withStatus(definition, live as Definition, context)
  },
  validate: (object, live) => validateDefinition(object as Definition, live as Definition | undefined),
  beginDeletion: (object) => {
    const definition = object as Definition
    return {
      ...definition,
      status: withCondition(definition.status ?? {}, {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
        lastTransitionTime: definition.metadata.deletionTimestamp ?? '',
      }),
    }
  },
}

function withDefaults(definition: Definition): Definition {
  const spec = definition.spec
  // What is missing here is reported by validation.
  if (spec?.names?.kind === undefined || !Array.isArray(spec.versions)) return definition
  const { names } = spec
  return {
    ...definition,
    spec: {
      ...spec,
      names: {
        ...names,
        singular: names.singular ?? names.kind.toLowerCase(),
        listKind: names.listKind ?? `${names.kind}List`,
      },
      conversion: spec.conversion ?? { strategy: 'None' },
    },
  }
}

function withStatus(definition: Definition, live: Definition | undefined, context: StrategyContext): Definition {
  const { spec } = definition
  if (spec?.names === undefined || !Array.isArray(spec.versions)) return definition
  const storage = spec.versions.find((version) => version.storage)?.name
  const stored = new Set(live?.status?.storedVersions ?? [])
  if (storage !== undefined) stored.add(storage)
  let status: DefinitionStatus = { ...live?.status, storedVersions: [...stored] }
  const taken = nameConflict(definition, context)
  const lastTransitionTime = context.now
  if (taken === undefined) {
    status.acceptedNames = spec.names
    status = withCondition(status, {
      type: 'NamesAccepted',
      status: 'True',
      reason: 'NoConflicts',
      message: 'no conflicts found',
      lastTransitionTime,
    })
    status = withCondition(status, {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
      lastTransitionTime,
    })
  } else {
    status = withCondition(status, { type: 'NamesAccepted', status: 'False', ...taken, lastTransitionTime })
    if (live === undefined || !isEstablished(live)) {
      status.acceptedNames = { plural: '', kind: '' }
      status = withCondition(status, {
        type: 'Established',
        status: 'False',
        reason: 'NotAccepted',
        message: 'not all names are accepted',
        lastTransitionTime,
      })
    }
  }
  return { ...definition, status }
}

/** Which name another definition of the group already has. */
function nameConflict(
  definition: Definition,
  context: StrategyContext,
): { reason: string; message: string } | undefined {
  const { names, group } = definition.spec
  const taken: DefinitionNames[] = []
  for (const other of context.list(GROUP, PLURAL) as Definition[]) {
    if (other.spec.group !== group || other.metadata.name === definition.metadata.name) continue
    if (other.status?.acceptedNames !== undefined) taken.push(other.status.acceptedNames)
  }
  const resourceNames = new Set(
    taken.flatMap((other) => [other.plural, other.singular ?? '', ...(other.shortNames ?? [])]),
  )
  const kinds = new Set(taken.flatMap((other) => [other.kind, other.listKind ?? '']))
  const inUse = (name: string | undefined): string => `${JSON.stringify(name ?? '')} is already in use`
  if (resourceNames.has(names.plural)) return { reason: 'PluralConflict', message: inUse(names.plural) }
  if (resourceNames.has(names.singular!)) return { reason: 'SingularConflict', message: inUse(names.singular) }
  const short = names.shortNames?.find((name) => resourceNames.has(name))
  if (short !== undefined) return { reason: 'ShortNamesConflict', message: inUse(short) }
  if (kinds.has(names.kind)) return { reason: 'KindConflict', message: inUse(names.kind) }
  if (kinds.has(names.listKind!)) return { reason: 'ListKindConflict', message: inUse(names.listKind) }
  return undefined
}

function validateDefinition(definition: Definition, live: Definition | undefined): FieldError[] {
  const { spec } = definition
  if (typeof spec !== 'object' || spec === null) return [fieldRequired('spec')]
  const errors: FieldError[] = []
  const { group, names, scope, versions } = spec
  if (typeof group !== 'string' || group === '') errors.push(fieldRequired('spec.group'))
  else if (!group.includes('.'))
    errors.push(fieldInvalid('spec.group', group, 'should be a domain with at least one dot'))
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    errors.push(fieldNotSupported('spec.scope', scope ?? null, ['Cluster', 'Namespaced']))
  }
  for (const field of ['plural', 'kind'] as const) {
    if (typeof names?.[field] !== 'string' || names[field] === '') errors.push(fieldRequired(`spec.names.${field}`))
  }
  if (!Array.isArray(versions) || versions.length === 0) {
    errors.push(fieldRequired('spec.versions', 'must have at least one version'))
  }
  if (errors.length > 0) return errors
  const expected = `${names.plural}.${group}`
  if (definition.metadata.name !== expected) {
    errors.push(fieldInvalid('metadata.name', definition.metadata.name, 'must be spec.names.plural+"."+spec.group'))
  }
  if (PROTECTED_GROUP.test(group) && definition.metadata.annotations?.[APPROVAL_ANNOTATION] === undefined) {
    errors.push(
      fieldRequired(
        `metadata.annotations[${APPROVAL_ANNOTATION}]`,
        'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ),
    )
  }
  if (live !== undefined) {
    for (const field of ['group', 'scope'] as const) {
      if (spec[field] !== live.spec[field])
        errors.push(fieldInvalid(`spec.${field}`, spec[field], 'field is immutable'))
    }
  }
  errors.push(...validateVersions(versions))
  return errors
}

function validateVersions(versions: readonly DefinitionVersion[]): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [index, version] of versions.entries()) {
    const field = `spec.versions[${index}]`
    if (typeof version.name !== 'string' || !/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(version.name)) {
      errors.push(fieldInvalid(`${field}.name`, version.name ?? null, 'must be a DNS-1035 label'))
    }
    if (seen.has(version.name)) errors.push(fieldDuplicate(`${field}.name`, version.name))
    seen.add(version.name)
    const schema = version.schema?.openAPIV3Schema
    if (schema === undefined) {
      errors.push(fieldRequired(`${field}.schema.openAPIV3Schema`, 'schemas are required'))
    } else {
      errors.push(...validateStructural(schema, `${field}.schema.openAPIV3Schema`))
    }
    for (const [at, column] of (version.additionalPrinterColumns ?? []).entries()) {
      errors.push(...validateJsonPath(`${field}.additionalPrinterColumns[${at}].jsonPath`, column.jsonPath))
    }
    for (const [at, selectable] of (version.selectableFields ?? []).entries()) {
      errors.push(...validateJsonPath(`${field}.selectableFields[${at}].jsonPath`, selectable.jsonPath))
    }
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldInvalid('spec.versions', null, 'must have exactly one version marked as storage version'))
  }
  return errors
}

function validateJsonPath(field: string, text: string | undefined): FieldError[] {
  if (typeof text !== 'string' || text === '') return [fieldRequired(field)]
  try {
    compileJsonPath(text)
    return []
  } catch (error) {
    return [fieldInvalid(field, text, (error as Error).message)]
  }
}
