import { customResourceDefinitions, deepEqual, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { approvalCondition } from './approval.ts'
import { withCondition } from './conditions.ts'
import { areNamesAccepted, cleanupFinalizer, isEstablished } from './definition.ts'
import type { CustomResourceDefinition, DefinitionStatus } from './definition.ts'
import { acceptNames } from './names.ts'
import { unenforcedFormats } from '../schema/formats.ts'
import { validateDefinition } from './validate-definition.ts'

type Definition = AnyObject & CustomResourceDefinition

/** Definitions are accepted or refused at the write itself, so what is stored is served as soon as it is answered. */
export const definitionStrategy: Strategy = {
  serverStatus: ['acceptedNames', 'conditions'],
  prepareCreate(object, context) {
    const { status: _ignored, ...created } = object as Definition
    return withStatus(created as Definition, undefined, context)
  },
  prepareUpdate(object, live, context) {
    const definition = object as Definition
    const before = live as Definition
    const { spec, metadata } = before
    const same = deepEqual(definition.spec, spec) && deepEqual(definition.metadata.annotations, metadata.annotations)
    // Names that were refused may be free now.
    return same && areNamesAccepted(before) ? definition : withStatus(definition, before, context)
  },
  validate(object, live) {
    const missing = missingParts(object)
    return missing.length > 0 ? missing : validateDefinition(object as Definition, live as Definition | undefined)
  },
  warn(object, live) {
    const known = live === undefined ? undefined : formatsOf(live as Definition)
    const added = [...formatsOf(object as Definition)].filter((format) => known?.has(format) !== true)
    return added.map((format) => `unrecognized format ${JSON.stringify(format)}`)
  },
  // Every deletion begins with the objects; the finalizer holds the definition until they are gone.
  holdsDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
  beginDeletion: (object) => {
    const definition = object as Definition
    const { metadata } = definition
    const finalizers = new Set([...(metadata.finalizers ?? []), cleanupFinalizer])
    return {
      ...definition,
      metadata: { ...metadata, finalizers: [...finalizers] },
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

/** Formats in any of its versions that nothing enforces. */
function formatsOf({ spec }: Definition): Set<string> {
  const found = new Set<string>()
  for (const { schema } of spec.versions) {
    if (schema?.openAPIV3Schema === undefined) continue
    for (const format of unenforcedFormats(schema.openAPIV3Schema)) found.add(format)
  }
  return found
}

/** Parts without which nothing else can be judged. */
function missingParts(object: AnyObject): FieldError[] {
  const spec = object['spec']
  if (!isRecord(spec)) return [fieldRequired('spec')]
  const errors: FieldError[] = []
  if (typeof spec['group'] !== 'string') errors.push(fieldRequired('spec.group'))
  if (typeof spec['scope'] !== 'string') errors.push(fieldRequired('spec.scope'))
  if (!isRecord(spec['names'])) errors.push(fieldRequired('spec.names.plural'), fieldRequired('spec.names.kind'))
  if (!Array.isArray(spec['versions'])) errors.push(fieldRequired('spec.versions'))
  return errors
}

function withStatus(definition: Definition, live: Definition | undefined, context: StrategyContext): Definition {
  if (missingParts(definition).length > 0) return definition
  const { spec, metadata } = definition
  const storage = spec.versions.find((version) => version.storage)?.name
  const stored = new Set(live?.status?.storedVersions ?? [])
  if (storage !== undefined) stored.add(storage)
  const others = (context.list(customResourceDefinitions.group, customResourceDefinitions.plural) as Definition[])
    .filter((other) => other.spec.group === spec.group && other.metadata.name !== metadata.name)
    .map((other) => other.status?.acceptedNames)
    .filter((names) => names !== undefined)
  const { names, conflict } = acceptNames(spec.names, live?.status?.acceptedNames, others)
  const lastTransitionTime = context.now
  let status: DefinitionStatus = { ...live?.status, storedVersions: [...stored], acceptedNames: names }
  status = withCondition(
    status,
    conflict === undefined
      ? {
          type: 'NamesAccepted',
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
          lastTransitionTime,
        }
      : { type: 'NamesAccepted', status: 'False', ...conflict, lastTransitionTime },
  )
  // Once established, a definition stays so, whatever it asks for later.
  if (live === undefined || !isEstablished(live)) {
    status = withCondition(
      status,
      conflict === undefined
        ? {
            type: 'Established',
            status: 'True',
            reason: 'InitialNamesAccepted',
            message: 'the initial names have been accepted',
            lastTransitionTime,
          }
        : {
            type: 'Established',
            status: 'False',
            reason: 'NotAccepted',
            message: 'not all names are accepted',
            lastTransitionTime,
          },
    )
  }
  const approval = approvalCondition(definition, lastTransitionTime)
  if (approval !== undefined) status = withCondition(status, approval)
  return { ...definition, status }
}
