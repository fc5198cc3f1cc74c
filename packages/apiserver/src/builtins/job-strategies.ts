import {
  deepEqual,
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
  labelSelectorFrom,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { at, number, recordsAt, text } from './cells.ts'
import { warnOfTemplate } from './pod-warnings.ts'
import { templateErrors } from './pod-rules.ts'
import { domainPathProblems, noneNegative, oneOf, optionalName, qualified } from './rules.ts'
import type { Errors } from './rules.ts'
import { scheduleProblem } from './schedule-rules.ts'
import { templateLabels } from './workload-strategies.ts'

type Spec = Readonly<Record<string, unknown>>

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'
const JOB_NAME = 'batch.kubernetes.io/job-name'

function specOf(object: unknown): Spec {
  const spec = at(object, 'spec')
  return isRecord(spec) ? spec : {}
}

/** The labels a job puts on its pods, and finds them by. The short ones are from before labels had prefixes. */
function ownLabels({ metadata }: AnyObject): Record<string, string> {
  const { name, uid = '' } = metadata
  return { [CONTROLLER_UID]: uid, [JOB_NAME]: name, 'controller-uid': uid, 'job-name': name }
}

function withOwnLabels(object: AnyObject): AnyObject {
  const { spec } = object
  if (!isRecord(spec) || spec['manualSelector'] === true) return object
  const template = isRecord(spec['template']) ? spec['template'] : {}
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {}
  const given = isRecord(metadata['labels']) ? metadata['labels'] : {}
  const labels = { ...ownLabels(object), ...given }
  // A job without labels has those of its pods.
  const own = object.metadata.labels ?? {}
  const named = Object.keys(own).length === 0 || deepEqual(own, metadata['labels'])
  const selector = isRecord(spec['selector']) ? spec['selector'] : {}
  const matched = isRecord(selector['matchLabels']) ? selector['matchLabels'] : {}
  return {
    ...object,
    metadata: named ? { ...object.metadata, labels: labels as Record<string, string> } : object.metadata,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels: { ...matched, [CONTROLLER_UID]: object.metadata.uid } },
      template: { ...template, metadata: { ...metadata, labels } },
    },
  }
}

/** The selector of a job is made by the server, or by the client with all that belongs to it. */
function checkOwnSelector(object: AnyObject, errors: Errors): void {
  const spec = specOf(object)
  const { selector } = spec
  if (isRecord(selector)) checkSelector(selector, 'spec.selector', errors)
  else errors.push(fieldRequired('spec.selector'))
  if (spec['manualSelector'] !== true) checkGenerated(object, errors)
  const labels = templateLabels(object) ?? {}
  if (!selects(selector, labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(fieldInvalid('spec.template.metadata.labels', labels, why))
  }
}

/** What is not there selects nothing; what is invalid has been told. */
function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  if (!isRecord(selector)) return false
  try {
    return labelSelectorFrom(selector).matches(labels)
  } catch {
    return true
  }
}

function checkGenerated(object: AnyObject, errors: Errors): void {
  // Objects of a mere check have no identity yet.
  const { uid = '', name } = object.metadata
  const labels = templateLabels(object) ?? {}
  const wanted: readonly (readonly [string, string])[] = [
    ['controller-uid', uid],
    ['job-name', name],
    [CONTROLLER_UID, uid],
    [JOB_NAME, name],
  ]
  for (const [label, value] of wanted) {
    const place = `spec.template.metadata.labels[${label}]`
    if (!(label in labels)) errors.push(fieldRequired(place, `must be '${value}'`))
    else if (labels[label] !== value) errors.push(fieldInvalid(place, labels, `must be '${value}'`))
  }
  const { selector } = specOf(object)
  const generated = [{ [CONTROLLER_UID]: uid }, { 'controller-uid': uid }]
  const given = isRecord(selector) ? selector : {}
  const others = Array.isArray(given['matchExpressions']) && given['matchExpressions'].length > 0
  if (!others && generated.some((one) => deepEqual(one, given['matchLabels'] as Json))) return
  errors.push(fieldInvalid('spec.selector', (selector ?? null) as Json, '`selector` not auto-generated'))
}

const NUMBERS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
]

/** Most pods a job with an index for each can have at a time, and most indexes. */
const MOST_PARALLEL = 100_000
const MOST_INDEXES = 100_000

function jobSpecErrors(spec: Spec, path: string): FieldError[] {
  const errors: Errors = []
  const indexed = spec['completionMode'] === 'Indexed'
  noneNegative(spec, NUMBERS, path, errors)
  optionalName(spec['managedBy'], domainPathProblems, `${path}.managedBy`, errors)
  if (spec['completionMode'] !== undefined) checkMode(spec, indexed, path, errors)
  checkPerIndex(spec, indexed, path, errors)
  checkFailurePolicy(spec, `${path}.podFailurePolicy`, errors)
  checkSuccessPolicy(spec, indexed, `${path}.successPolicy`, errors)
  const replacements = spec['podFailurePolicy'] === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  oneOf(spec['podReplacementPolicy'], replacements, `${path}.podReplacementPolicy`, errors)
  const template = spec['template']
  errors.push(...templateErrors(template, `${path}.template`))
  checkRestart(spec, `${path}.template.spec.restartPolicy`, errors)
  return errors
}

function checkRestart(spec: Spec, path: string, errors: Errors): void {
  const policy = at(spec, 'template', 'spec', 'restartPolicy')
  const words = ['OnFailure', 'Never']
  // The default is for pods that run forever.
  if (policy === undefined || policy === '' || policy === 'Always') {
    errors.push(fieldRequired(path, 'valid values: "OnFailure", "Never"'))
  } else if (!words.includes(policy as string)) errors.push(fieldNotSupported(path, policy as Json, words))
  else if (spec['podFailurePolicy'] !== undefined && policy !== 'Never') {
    errors.push(fieldInvalid(path, policy as Json, 'only "Never" is supported when podFailurePolicy is specified'))
  }
}

function checkMode(spec: Spec, indexed: boolean, path: string, errors: Errors): void {
  const { completionMode, completions, parallelism = 0 } = spec
  oneOf(completionMode, ['NonIndexed', 'Indexed'], `${path}.completionMode`, errors)
  if (!indexed) return
  if (completions === undefined) errors.push(fieldRequired(`${path}.completions`, 'when completion mode is Indexed'))
  if ((parallelism as number) > MOST_PARALLEL) {
    const why = `must be less than or equal to ${MOST_PARALLEL} when completion mode is Indexed`
    errors.push(fieldInvalid(`${path}.parallelism`, parallelism as number, why))
  }
}

function checkPerIndex(spec: Spec, indexed: boolean, path: string, errors: Errors): void {
  const { backoffLimitPerIndex: perIndex, maxFailedIndexes: most, completions } = spec
  const place = `${path}.maxFailedIndexes`
  if (!indexed) {
    const why = 'requires indexed completion mode'
    if (perIndex !== undefined) errors.push(fieldInvalid(`${path}.backoffLimitPerIndex`, perIndex as number, why))
    if (most !== undefined) errors.push(fieldInvalid(place, most as number, why))
    return
  }
  if (typeof most === 'number') {
    if (perIndex === undefined) {
      errors.push(fieldRequired(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
    }
    if (typeof completions === 'number' && most > completions) {
      errors.push(fieldInvalid(place, most, 'must be less than or equal to completions'))
    }
    if (most > MOST_INDEXES) errors.push(fieldInvalid(place, most, `must be less than or equal to ${MOST_INDEXES}`))
  }
}

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const MOST_RULES = 20

function checkFailurePolicy(spec: Spec, path: string, errors: Errors): void {
  if (spec['podFailurePolicy'] === undefined) return
  const rules = recordsAt(spec, 'podFailurePolicy', 'rules')
  if (rules.length > MOST_RULES) errors.push(fieldTooMany(`${path}.rules`, rules.length, MOST_RULES))
  const names = ['containers', 'initContainers'].flatMap((list) =>
    recordsAt(spec, 'template', 'spec', list).map(({ name }) => name),
  )
  for (const [index, rule] of rules.entries()) {
    const place = `${path}.rules[${index}]`
    const { action = '', onExitCodes } = rule
    if (action === '') {
      errors.push(fieldRequired(`${place}.action`, `valid values: ${ACTIONS.map((one) => `"${one}"`).join(', ')}`))
    } else if (action === 'FailIndex' && spec['backoffLimitPerIndex'] === undefined) {
      const why = 'requires the backoffLimitPerIndex to be set'
      errors.push(fieldInvalid(`${place}.action`, action, why))
    } else oneOf(action, ACTIONS, `${place}.action`, errors)
    const conditions = recordsAt(rule, 'onPodConditions')
    if (isRecord(onExitCodes)) checkExitCodes(onExitCodes, names, `${place}.onExitCodes`, errors)
    for (const [at, condition] of conditions.entries()) {
      const here = `${place}.onPodConditions[${at}]`
      qualified(text('type')(condition), `${here}.type`, errors)
      if ((condition['status'] ?? '') === '') {
        errors.push(fieldRequired(`${here}.status`, 'valid values: "False", "True", "Unknown"'))
      } else oneOf(condition['status'], ['False', 'True', 'Unknown'], `${here}.status`, errors)
    }
    const both = isRecord(onExitCodes) && conditions.length > 0
    if (both || (!isRecord(onExitCodes) && conditions.length === 0)) {
      const why = both
        ? 'specifying both OnExitCodes and OnPodConditions is not supported'
        : 'specifying one of OnExitCodes and OnPodConditions is required'
      errors.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${why}`, field: place })
    }
  }
}

const MOST_CODES = 255

function checkExitCodes(codes: Spec, names: readonly unknown[], path: string, errors: Errors): void {
  const { operator = '', containerName } = codes
  const operators = ['In', 'NotIn']
  if (operator === '') errors.push(fieldRequired(`${path}.operator`, 'valid values: "In", "NotIn"'))
  else oneOf(operator, operators, `${path}.operator`, errors)
  if (containerName !== undefined && !names.includes(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template'
    errors.push(fieldInvalid(`${path}.containerName`, containerName as string, why))
  }
  const values = Array.isArray(codes['values']) ? (codes['values'] as number[]) : []
  const place = `${path}.values`
  if (values.length === 0) errors.push(fieldInvalid(place, [], 'at least one value is required'))
  else if (values.length > MOST_CODES) errors.push(fieldTooMany(place, values.length, MOST_CODES))
  const sorted = values.every((value, index) => index === 0 || value >= values[index - 1]!)
  const seen = new Set<number>()
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      errors.push(fieldInvalid(`${place}[${index}]`, 0, 'must not be 0 for the In operator'))
    } else if (seen.has(value)) errors.push(fieldDuplicate(`${place}[${index}]`, value))
    seen.add(value)
  }
  if (!sorted) errors.push(fieldInvalid(place, values, 'must be ordered'))
}

/** Most indexes a job that knows when it has succeeded can have. */
const MOST_SUCCEEDED = 100_000

function checkSuccessPolicy(spec: Spec, indexed: boolean, path: string, errors: Errors): void {
  const policy = spec['successPolicy']
  if (!isRecord(policy)) return
  const rules = recordsAt(policy, 'rules')
  if (!indexed) {
    errors.push(fieldInvalid(path, { Rules: rules as Json }, 'requires indexed completion mode'))
    return
  }
  if (rules.length === 0)
    errors.push(
      fieldRequired(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'),
    )
  if (rules.length > MOST_RULES) errors.push(fieldTooMany(`${path}.rules`, rules.length, MOST_RULES))
  const completions = number('completions')(spec)
  for (const [index, { succeededCount: count, succeededIndexes: indexes }] of rules.entries()) {
    const place = `${path}.rules[${index}]`
    if (count === undefined && indexes === undefined) {
      const why = 'at least one of succeededCount or succeededIndexes must be specified'
      errors.push(fieldRequired(place, why))
    }
    let total = completions
    if (typeof indexes === 'string') {
      const found = countIndexes(indexes, completions)
      if (typeof found === 'number') total = found
      else errors.push(fieldInvalid(`${place}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${found}`))
    }
    noneNegative({ count }, ['count'], `${place}.succeededCount`, errors)
    if (typeof count === 'number' && count > Math.min(total, MOST_SUCCEEDED)) {
      const than =
        indexes === undefined
          ? 'the number of specified completions'
          : 'the number of indexes in the specified succeededIndexes field'
      errors.push(fieldInvalid(`${place}.succeededCount`, count, `must be less than or equal to ${total} (${than})`))
    }
  }
}

/** How many indexes a text like `1,3-5` names, or what is wrong with it. */
function countIndexes(text: string, completions: number): number | string {
  let sum = 0
  let last = -1
  for (const part of text.split(',')) {
    const limits = part.split('-')
    if (limits.length > 2)
      return `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`
    for (const limit of limits) {
      if (!/^\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
      if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`
    }
    const [first, end = first] = limits.map(Number) as [number, number?]
    if (first <= last) return `non-increasing order, previous: ${last}, current: ${first}`
    if (end < first) return `non-increasing order, previous: ${first}, current: ${end}`
    sum += end - first + 1
    last = end
  }
  return sum
}

const FIXED = ['podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const

/** What of a template may change while a job waits to be started: where and how its pods will run. */
function essence(template: unknown): unknown {
  if (!isRecord(template)) return template
  const { metadata, spec } = template as { metadata?: unknown; spec?: unknown }
  const { labels: _labels, annotations: _annotations, ...meta } = isRecord(metadata) ? metadata : {}
  const { nodeSelector: _n, tolerations: _t, schedulingGates: _g, affinity, ...rest } = isRecord(spec) ? spec : {}
  const { nodeAffinity: _a, ...near } = isRecord(affinity) ? affinity : {}
  return { metadata: meta, spec: { ...rest, near } }
}

/** What a job is about stays; how many pods work on it may change. */
function changeErrors(object: AnyObject, live: AnyObject): FieldError[] {
  const errors: Errors = []
  const [spec, before] = [specOf(object), specOf(live)]
  const stays = (
    field: string,
    same = deepEqual((spec[field] ?? null) as Json, (before[field] ?? null) as Json),
  ): void => {
    if (!same) errors.push(fieldInvalid(`spec.${field}`, (spec[field] ?? null) as Json, 'field is immutable'))
  }
  // Jobs with indexes may grow and shrink, in step with how many pods they have at a time.
  const scales = spec['completionMode'] === 'Indexed' && spec['completions'] === spec['parallelism']
  if (!scales) stays('completions')
  stays('selector')
  const waits = before['suspend'] === true && at(live, 'status', 'startTime') === undefined
  if (waits) stays('template', deepEqual(essence(spec['template']) as Json, essence(before['template']) as Json))
  else stays('template')
  stays('completionMode')
  for (const field of FIXED) stays(field)
  return errors
}

const COUNTS = ['active', 'succeeded', 'failed', 'ready', 'terminating']

function statusErrors(object: AnyObject, live: AnyObject): FieldError[] {
  const errors: Errors = []
  const { status } = object
  noneNegative(status, COUNTS, 'status', errors)
  const is = (type: string): boolean =>
    recordsAt(object, 'status', 'conditions').some((one) => one['type'] === type && one['status'] === 'True')
  const refuseState = (field: string, why: string): void => {
    errors.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${why}`, field: `status.${field}` })
  }
  if (is('Complete') && is('Failed')) refuseState('conditions', 'cannot set Complete=True and Failed=true conditions')
  if (is('Complete') && !is('SuccessCriteriaMet')) {
    refuseState('conditions', 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  }
  if (is('Failed') && !is('FailureTarget')) {
    refuseState('conditions', 'cannot set Failed=True condition without the FailureTarget=true condition')
  }
  const finished = is('Complete') || is('Failed')
  if (finished && number('active')(status) > 0) {
    errors.push(fieldInvalid('status.active', number('active')(status), 'active>0 is invalid for finished job'))
  }
  if (finished && at(status, 'startTime') === undefined) {
    errors.push(fieldRequired('status.startTime', 'startTime is required for finished job'))
  }
  if (is('Complete') && at(status, 'completionTime') === undefined) {
    errors.push(fieldRequired('status.completionTime', 'completionTime is required for Complete jobs'))
  }
  if (!is('Complete') && at(status, 'completionTime') !== undefined) {
    refuseState('completionTime', 'cannot set completionTime when there is no Complete=True condition')
  }
  for (const count of ['failed', 'succeeded']) {
    const [now, before] = [number(count)(status), number('status', count)(live)]
    if (now < before) {
      refuseState(count, `cannot decrease the ${count} counter`)
    }
  }
  return errors
}

export const jobStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'template'], true),
  prepareCreate: withOwnLabels,
  validate(object, live) {
    const errors: Errors = []
    checkOwnSelector(object, errors)
    errors.push(...jobSpecErrors(specOf(object), 'spec'))
    return live === undefined ? errors : [...errors, ...changeErrors(object, live)]
  },
  validateStatus: statusErrors,
}

/** Names of its jobs are its own and eleven characters more. */
const LONGEST_NAME = 52

const ZONE_RULE = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'

function zoneErrors(zone: unknown, path: string, errors: Errors): void {
  if (typeof zone !== 'string') return
  if (zone === '') errors.push(fieldInvalid(path, zone, 'timeZone must be nil or non-empty string'))
  else if (zone.toLowerCase() === 'local') errors.push(fieldInvalid(path, zone, ZONE_RULE))
  else if (!isZone(zone)) errors.push(fieldInvalid(path, zone, `unknown time zone ${zone}`))
}

function isZone(zone: string): boolean {
  // Offsets are no zones of the database of them.
  if (/^[+-]/.test(zone)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format !== undefined
  } catch {
    return false
  }
}

export const cronJobStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'jobTemplate', 'spec', 'template'], true),
  validate(object) {
    const errors: Errors = []
    const { name } = object.metadata
    const spec = specOf(object)
    const schedule = text('schedule')(spec)
    if (schedule === '') errors.push(fieldRequired('spec.schedule'))
    else {
      const problem = scheduleProblem(schedule)
      if (problem !== undefined) errors.push(fieldInvalid('spec.schedule', schedule, problem))
      if (schedule.includes('TZ')) {
        const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
        errors.push(fieldInvalid('spec.schedule', schedule, why))
      }
    }
    noneNegative(spec, ['startingDeadlineSeconds'], 'spec', errors)
    if ((spec['concurrencyPolicy'] ?? '') === '') errors.push(fieldRequired('spec.concurrencyPolicy'))
    else oneOf(spec['concurrencyPolicy'], ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy', errors)
    const job = specOf(spec['jobTemplate'])
    const path = 'spec.jobTemplate.spec'
    if (job['selector'] !== undefined) {
      const why = '`selector` will be auto-generated'
      errors.push(fieldInvalid(`${path}.selector`, job['selector'] as Json, why))
    }
    if (job['manualSelector'] === true) {
      errors.push(fieldNotSupported(`${path}.manualSelector`, true, ['nil', 'false']))
    }
    errors.push(...jobSpecErrors(job, path))
    zoneErrors(spec['timeZone'], 'spec.timeZone', errors)
    noneNegative(spec, ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'], 'spec', errors)
    if (name.length > LONGEST_NAME) {
      errors.push(fieldInvalid('metadata.name', name, `must be no more than ${LONGEST_NAME} characters`))
    }
    return errors
  },
  validateStatus: () => [],
}
