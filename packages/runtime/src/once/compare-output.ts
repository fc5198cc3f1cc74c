import { deepEqual, isObject, type Json } from '@locktender/kube'
import { describeDifference, type FieldDifference, fieldDifferences } from './field-differences.ts'
import type { ControllerResult, RunOutput } from './output-directory.ts'
import { readYaml } from './read-yaml.ts'
import { type Destination, DESTINATIONS, isEvent, type RecordedRequest, UNDECLARED } from './recorded-request.ts'

export type OutputDifference =
  /** How a controller fared. An absent side has no such controller. */
  | {
      readonly type: 'controller'
      readonly controller: string
      readonly expected?: string
      readonly actual?: string
    }
  /** A request that only one side has. */
  | {
      readonly type: 'missing' | 'unexpected'
      readonly destination: Destination | typeof UNDECLARED
      readonly request: RecordedRequest
    }
  /** A request that both sides have, with other contents. */
  | {
      readonly type: 'changed'
      readonly destination: Destination | typeof UNDECLARED
      readonly request: RecordedRequest
      readonly fields: readonly FieldDifference[]
    }

/**
 * What tells two outputs apart. Events do not count, nor do the order and the number of equal requests, nor a
 * creationTimestamp that is null. Nothing when they are equivalent.
 */
export function compareOutput(expected: RunOutput, actual: RunOutput): OutputDifference[] {
  return [
    ...compareResults(expected.results ?? [], actual.results ?? []),
    ...DESTINATIONS.flatMap((destination) =>
      compareRequests(destination, expected.requests.get(destination) ?? [], actual.requests.get(destination) ?? []),
    ),
    ...compareRequests(UNDECLARED, expected.undeclared, actual.undeclared),
  ]
}

/** One or more lines for people. */
export function describeOutputDifference(difference: OutputDifference): string {
  switch (difference.type) {
    case 'controller': {
      const { controller, expected, actual } = difference
      if (expected === undefined) return `controller ${controller}: unexpected, ${actual}`
      if (actual === undefined) return `controller ${controller}: missing, expected ${expected}`
      return `controller ${controller}: expected ${expected}, got ${actual}`
    }
    case 'missing':
    case 'unexpected':
      return `${difference.type}: ${describeRequest(difference.destination, difference.request)}`
    case 'changed': {
      const head = `different: ${describeRequest(difference.destination, difference.request)}`
      return [head, ...difference.fields.map((field) => `  ${describeDifference(field)}`)].join('\n')
    }
  }
}

/** `ApplyStatus authentications.operator.openshift.io/cluster in Management by controller C with field manager M`. */
export function describeRequest(destination: string, request: RecordedRequest): string {
  const { action, group, plural, namespace, name, generateName, controller } = request
  const options = readYaml(request.options) as { fieldManager?: string } | null
  const fieldManager = options?.fieldManager ?? request.fieldManager
  const resource = group === '' ? plural : `${plural}.${group}`
  const object = `${resource}/${name === '' ? `${generateName}*` : name}`
  return [
    `${action} ${object}`,
    ...(namespace === '' ? [] : [`in namespace ${namespace}`]),
    `of ${destination}`,
    ...(controller === '' ? [] : [`by ${controller}`]),
    ...(fieldManager === undefined || fieldManager === controller ? [] : [`with field manager ${fieldManager}`]),
  ].join(' ')
}

function compareResults(
  expected: readonly ControllerResult[],
  actual: readonly ControllerResult[],
): OutputDifference[] {
  const found = new Map(actual.map((result) => [result.controllerName, result]))
  const wanted = new Map(expected.map((result) => [result.controllerName, result]))
  return [...new Set([...wanted.keys(), ...found.keys()])].sort().flatMap((controller): OutputDifference[] => {
    const [left, right] = [wanted.get(controller), found.get(controller)]
    // Stacks name files and lines of a build.
    const [leftText, rightText] = [left && describeResult(left), right && describeResult(right)]
    if (leftText === rightText) return []
    return [
      {
        type: 'controller',
        controller,
        ...(leftText !== undefined && { expected: leftText }),
        ...(rightText !== undefined && { actual: rightText }),
      },
    ]
  })
}

function describeResult({ status, errors = [] }: ControllerResult): string {
  return errors.length === 0 ? status : `${status}: ${errors.map(({ message }) => message).join('; ')}`
}

interface Parsed {
  readonly request: RecordedRequest
  readonly identity: string
  readonly options: Json
  readonly body: Json
}

function compareRequests(
  destination: Destination | typeof UNDECLARED,
  expected: readonly RecordedRequest[],
  actual: readonly RecordedRequest[],
): OutputDifference[] {
  const missing = withoutEqual(parsed(expected), parsed(actual))
  const unexpected = withoutEqual(parsed(actual), parsed(expected))
  const differences: OutputDifference[] = []
  for (const wanted of missing) {
    // Those that differ least are taken for the same request. Other options are another request.
    const candidates = unexpected
      .filter((found) => found.identity === wanted.identity && deepEqual(found.options, wanted.options))
      .map((found) => ({ found, fields: fieldDifferences(wanted.body, found.body) }))
      .toSorted((left, right) => left.fields.length - right.fields.length)
    const [best] = candidates
    if (best === undefined) {
      differences.push({ type: 'missing', destination, request: wanted.request })
    } else {
      unexpected.splice(unexpected.indexOf(best.found), 1)
      differences.push({ type: 'changed', destination, request: wanted.request, fields: best.fields })
    }
  }
  return [...differences, ...unexpected.map(({ request }) => ({ type: 'unexpected' as const, destination, request }))]
}

function withoutEqual(requests: readonly Parsed[], others: readonly Parsed[]): Parsed[] {
  return requests.filter(
    (request, index) =>
      !others.some((other) => isEquivalent(request, other)) &&
      requests.findIndex((other) => isEquivalent(request, other)) === index,
  )
}

function isEquivalent(left: Parsed, right: Parsed): boolean {
  return left.identity === right.identity && deepEqual(left.options, right.options) && deepEqual(left.body, right.body)
}

function parsed(requests: readonly RecordedRequest[]): Parsed[] {
  return requests
    .filter((request) => !isEvent(request))
    .map((request) => {
      const { action, group, version, plural, namespace, name, generateName, patchType, fieldManager } = request
      const parts = [action, group, version, plural, namespace, name, generateName, patchType ?? '', fieldManager ?? '']
      return {
        request,
        identity: JSON.stringify([...parts, request.controller]),
        options: readYaml(request.options) as Json,
        body: normalised(readYaml(request.body) as Json),
      }
    })
}

/** Without what clients of one generation write and those of the next leave out. */
function normalised(value: Json): Json {
  if (Array.isArray(value)) return value.map(normalised)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      key === 'creationTimestamp' && member === null ? [] : [[key, normalised(member)]],
    ),
  )
}
