import { deepEqual, fieldInvalid, fieldRequired } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { at } from './cells.ts'
import { podSpecErrors } from './pod-rules.ts'
import { notNegative } from './rules.ts'

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'

/** The labels a job puts on its pods, and finds them by. The short ones are from before labels had prefixes. */
function withOwnLabels(object: AnyObject): AnyObject {
  const { spec } = object
  if (!isRecord(spec) || spec['manualSelector'] === true || !isRecord(spec['template'])) return object
  const { name, uid } = object.metadata
  const { template, selector } = spec
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {}
  const labels = {
    ...(isRecord(metadata['labels']) ? metadata['labels'] : {}),
    [CONTROLLER_UID]: uid,
    'controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'job-name': name,
  }
  // A job without labels has those of its pods.
  const own = object.metadata.labels ?? {}
  const named = Object.keys(own).length === 0 || deepEqual(own, metadata['labels'])
  return {
    ...object,
    metadata: named ? { ...object.metadata, labels: labels as Record<string, string> } : object.metadata,
    spec: {
      ...spec,
      selector: selector ?? { matchLabels: { [CONTROLLER_UID]: uid } },
      template: { ...template, metadata: { ...metadata, labels } },
    },
  }
}

function jobSpecErrors(spec: unknown, path: string): FieldError[] {
  const errors = [
    'parallelism',
    'completions',
    'backoffLimit',
    'activeDeadlineSeconds',
    'ttlSecondsAfterFinished',
  ].flatMap((field) => notNegative(at(spec, field), `${path}.${field}`))
  errors.push(...podSpecErrors(at(spec, 'template', 'spec'), `${path}.template.spec`))
  const policy = at(spec, 'template', 'spec', 'restartPolicy')
  if (policy !== 'OnFailure' && policy !== 'Never') {
    errors.push(fieldRequired(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'))
  }
  if (at(spec, 'completionMode') === 'Indexed' && at(spec, 'completions') === undefined) {
    errors.push(fieldRequired(`${path}.completions`, 'when completion mode is Indexed'))
  }
  return errors
}

/** What a job is about stays; how many pods work on it may change. */
export const jobStrategy: Strategy = {
  prepareCreate: withOwnLabels,
  validate(object, live) {
    const errors = jobSpecErrors(object['spec'], 'spec')
    if (live === undefined) return errors
    const indexed = at(object, 'spec', 'completionMode') === 'Indexed'
    const fixed = ['selector', 'template', 'completionMode', 'podFailurePolicy', ...(indexed ? [] : ['completions'])]
    for (const field of fixed) {
      const value = at(object, 'spec', field)
      if (deepEqual(value ?? null, at(live, 'spec', field) ?? null)) continue
      // The template of a job that is suspended and has not started may still be adapted to where it will run.
      const adaptable = field === 'template' && at(live, 'spec', 'suspend') === true
      if (!adaptable) errors.push(fieldInvalid(`spec.${field}`, (value ?? null) as Json, 'field is immutable'))
    }
    return errors
  },
}

/** Names of its jobs are its own and eleven characters more. */
const LONGEST_NAME = 52

const FIELDS =
  /^(?:@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)|(?:[\d*/,?a-zA-Z-]+\s+){4}[\d*/,?a-zA-Z-]+)$/

export const cronJobStrategy: Strategy = {
  validate(object) {
    const errors: FieldError[] = []
    const { name } = object.metadata
    if (name.length > LONGEST_NAME) {
      errors.push(fieldInvalid('metadata.name', name, `must be no more than ${LONGEST_NAME} characters`))
    }
    const schedule = at(object, 'spec', 'schedule')
    if (typeof schedule !== 'string' || schedule === '') errors.push(fieldRequired('spec.schedule'))
    else if (!FIELDS.test(schedule.trim())) {
      const found = schedule.trim().split(/\s+/).length
      const why = found === 5 ? 'failed to parse' : `expected exactly 5 fields, found ${found}: [${schedule}]`
      errors.push(fieldInvalid('spec.schedule', schedule, why))
    }
    return [...errors, ...jobSpecErrors(at(object, 'spec', 'jobTemplate', 'spec'), 'spec.jobTemplate.spec')]
  },
}
