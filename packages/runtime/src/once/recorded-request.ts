import { createHash } from 'node:crypto'
import type { Json } from '@locktender/kube'
import { writeYaml } from './write-yaml.ts'

export const ACTIONS = [
  'Create',
  'Update',
  'UpdateStatus',
  'Patch',
  'PatchStatus',
  'Apply',
  'ApplyStatus',
  'Delete',
] as const
export type Action = (typeof ACTIONS)[number]

/** The API server a request goes to, as folders of output are called; undeclared ones go to none. */
export const DESTINATIONS = ['Configuration', 'Management', 'UserWorkload'] as const
export type Destination = (typeof DESTINATIONS)[number]
export const UNDECLARED = 'Unspecified'

/** A write as it was sent. */
export interface RecordedRequest {
  readonly action: Action
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Empty for cluster-scoped objects. */
  readonly namespace: string
  /** Empty when the server is to make a name. */
  readonly name: string
  readonly generateName: string
  /** Media type of a patch that is not an apply. */
  readonly patchType?: string
  readonly fieldManager?: string
  /** Empty when it is not known. */
  readonly controller: string
  /** Place in the order of all requests of the run, from 1; absent where nothing recorded it. */
  readonly sequence?: number
  /** YAML; empty when the request had none. */
  readonly body: string
  /** YAML of PatchOptions and the like; empty when there are none. */
  readonly options: string
}

/** What is recorded of a request beside its body and options: the contents of the metadata file. */
export function requestMetadata(request: RecordedRequest, compat: { readonly nameIsMisspelt: boolean }): string {
  const { action, group, version, plural, namespace, name, generateName, patchType, fieldManager, controller } = request
  return writeYaml({
    action,
    resourceType: { Group: group, Version: version, Resource: plural },
    ...(namespace !== '' && { namespace }),
    [compat.nameIsMisspelt ? 'mame' : 'name']: name,
    generateName,
    ...(patchType !== undefined && { patchType }),
    ...(fieldManager !== undefined && { fieldManager }),
    controllerInstanceName: controller,
    ...(request.sequence !== undefined && { sequence: request.sequence }),
  })
}

/** `digits` hexadecimal digits at the end of a hash of what was sent; files begin with four. */
export function requestHash({ body, options }: Pick<RecordedRequest, 'body' | 'options'>, digits = 4): string {
  const text = body === '' ? (options === '' ? 'MISSING' : options) : body
  return createHash('sha256').update(text).digest('hex').slice(-digits)
}

/** Whether a request writes an event. Those are no part of what an operator does. */
export function isEvent({ group, plural }: Pick<RecordedRequest, 'group' | 'plural'>): boolean {
  return plural === 'events' && (group === '' || group === 'events.k8s.io')
}

/** The options of a write, from the query of its URL. */
export function optionsOf(query: URLSearchParams): { [key: string]: Json } {
  const options: { [key: string]: Json } = {}
  for (const name of ['fieldManager', 'fieldValidation']) {
    const value = query.get(name)
    if (value !== null && value !== '') options[name] = value
  }
  const force = query.get('force')
  if (force !== null) options['force'] = force === 'true' || force === '1'
  const dryRun = query.getAll('dryRun').filter((value) => value !== '')
  if (dryRun.length > 0) options['dryRun'] = dryRun
  return options
}
