import {
  fieldsOf,
  flagOf,
  integerOf,
  listOf,
  MalformedInput,
  optionalSize,
  optionalText,
  secondsOf,
  textOf,
  type Fields,
} from './malformed.ts'
import type { OcmQuestion } from './decide.ts'
import type {
  OcmAnswer,
  OcmGroup,
  OcmGroupKey,
  OcmMandatoryGroup,
  OcmStatus,
  OcmStrategy,
  OcmStrategyBody,
} from './types.ts'

/** What is compared of an answer: an error is known by its field. */
export type OcmOutcome = { readonly error: string } | Omit<OcmAnswer, 'strategy'>

/** A question with the answer of the upstream engine. */
export interface OcmCase {
  readonly id: string
  /** rule, quirk or error. */
  readonly kind?: string
  readonly why?: string
  readonly question: Omit<OcmQuestion, 'groups'> & { readonly groups: readonly OcmGroup[] }
  readonly expect: OcmOutcome
}

/** A row of upstream's tables for one of the engine's functions. */
export interface OcmUnitRow {
  readonly id: string
  /** determineStatus, rolloutSize and so on. */
  readonly function: string
  readonly row: Fields
}

/** A part of a file that cannot be read. */
export interface OcmMalformed {
  readonly where: string
  readonly problem: string
}

export interface OcmCases {
  readonly cases: readonly OcmCase[]
  readonly units: readonly OcmUnitRow[]
  readonly malformed: readonly OcmMalformed[]
}

/**
 * Reads a case collection ({cases, edge, units}), a list of cases, one case, or JSON lines of cases. What cannot be read is
 * named and left out.
 * @param file its name, for messages
 */
export function readOcmCases(text: string, file: string): OcmCases {
  const found = { cases: [] as OcmCase[], units: [] as OcmUnitRow[], malformed: [] as OcmMalformed[] }
  const attempt = (where: string, read: () => void) => {
    try {
      read()
    } catch (error) {
      if (!(error instanceof MalformedInput)) throw error
      found.malformed.push({
        where: `${file}${where}${error.where === '' ? '' : `: ${error.where}`}`,
        problem: error.message,
      })
    }
  }
  const readAll = (value: unknown, where: string) =>
    listOf(value, where, (item, where) => attempt('', () => found.cases.push(caseOf(item, where, where))))
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  const whole = parse(trimmed)
  if (Array.isArray(whole)) readAll(whole, '')
  else if (isCollection(whole))
    attempt('', () => {
      readAll(whole['cases'], 'cases')
      readAll(whole['edge'], 'edge')
      for (const [name, rows] of Object.entries(whole['units'] === undefined ? {} : fieldsOf(whole['units'], 'units')))
        listOf(rows, `units.${name}`, (row, where) =>
          attempt('', () => found.units.push({ id: where, function: name, row: fieldsOf(row, where) })),
        )
    })
  else if (whole !== undefined) attempt('', () => found.cases.push(caseOf(whole, '', 'case')))
  else
    for (const [index, line] of trimmed.split('\n').entries()) {
      if (line.trim() === '') continue
      attempt(`:${index + 1}`, () => {
        const value = parse(line)
        if (value === undefined)
          throw new MalformedInput('', 'is not JSON; write one case as one JSON object on a line')
        found.cases.push(caseOf(value, '', `line ${index + 1}`))
      })
    }
  if (found.cases.length + found.units.length + found.malformed.length === 0)
    found.malformed.push({
      where: file,
      problem:
        'holds no cases; write {"cases": […]}, or one case with strategy, groups, statuses and expect on each line',
    })
  return found
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isCollection(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && ['cases', 'edge', 'units'].some((key) => key in value)
}

function caseOf(value: unknown, where: string, name: string): OcmCase {
  const fields = fieldsOf(value, where)
  const at = (key: string) => (where === '' ? key : `${where}.${key}`)
  const kind = optionalText(fields['kind'], at('kind'))
  const why = optionalText(fields['why'], at('why'))
  return {
    id: optionalText(fields['id'], at('id')) ?? name,
    ...(kind !== undefined && { kind }),
    ...(why !== undefined && { why }),
    question: {
      strategy: strategyOf(fields['strategy'], at('strategy')),
      groups: listOf(fields['groups'], at('groups'), groupOf),
      statuses: listOf(fields['statuses'], at('statuses'), statusOf),
      now: 0,
    },
    expect: outcomeOf(fields['expect'], at('expect')),
  }
}

function strategyOf(value: unknown, where: string): OcmStrategy {
  const fields = fieldsOf(value, where)
  const strategy: { -readonly [Key in keyof OcmStrategy]: OcmStrategy[Key] } = {
    type: optionalText(fields['type'], `${where}.type`) ?? '',
  }
  for (const key of ['all', 'progressive', 'progressivePerGroup'] as const)
    if (fields[key] !== undefined && fields[key] !== null) strategy[key] = bodyOf(fields[key], `${where}.${key}`)
  return strategy
}

function bodyOf(value: unknown, where: string): OcmStrategyBody {
  const fields = fieldsOf(value, where)
  const mandatory = fields['mandatoryDecisionGroups']
  const body = {
    minSuccessTime: optionalText(fields['minSuccessTime'], `${where}.minSuccessTime`),
    progressDeadline: optionalText(fields['progressDeadline'], `${where}.progressDeadline`),
    maxFailures: optionalSize(fields['maxFailures'], `${where}.maxFailures`),
    maxConcurrency: optionalSize(fields['maxConcurrency'], `${where}.maxConcurrency`),
    mandatoryDecisionGroups:
      mandatory === undefined ? undefined : listOf(mandatory, `${where}.mandatoryDecisionGroups`, mandatoryOf),
  }
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
}

/** {groupName, groupIndex}, both optional. */
export function mandatoryOf(value: unknown, where: string): OcmMandatoryGroup {
  const { groupName, groupIndex } = fieldsOf(value, where)
  return {
    groupName: optionalText(groupName, `${where}.groupName`) ?? '',
    groupIndex: integerOf(groupIndex, `${where}.groupIndex`, 0),
  }
}

/** {name, index}; '' and 0 when left out. */
function groupKeyOf(value: unknown, where: string): OcmGroupKey {
  const { name, index } = value === undefined || value === null ? {} : fieldsOf(value, where)
  return { name: optionalText(name, `${where}.name`) ?? '', index: integerOf(index, `${where}.index`, 0) }
}

/** {name, index, clusters}. */
export function groupOf(value: unknown, where: string): OcmGroup {
  const { clusters } = fieldsOf(value, where)
  return { ...groupKeyOf(value, where), clusters: listOf(clusters, `${where}.clusters`, textOf) }
}

function statusOf(value: unknown, where: string): OcmStatus {
  const fields = fieldsOf(value, where)
  const transitionAt = secondsOf(fields['transitionAt'], `${where}.transitionAt`)
  const recheckAt = secondsOf(fields['recheckAt'], `${where}.recheckAt`)
  return {
    cluster: textOf(fields['cluster'], `${where}.cluster`),
    group: groupKeyOf(fields['group'], `${where}.group`),
    status: textOf(fields['status'], `${where}.status`),
    ...(transitionAt !== undefined && { transitionAt }),
    ...(recheckAt !== undefined && { recheckAt }),
  }
}

function outcomeOf(value: unknown, where: string): OcmOutcome {
  const fields = fieldsOf(value, where)
  const error = optionalText(fields['error'], `${where}.error`)
  if (error !== undefined) return { error }
  const recheckAfter = secondsOf(fields['recheckAfter'], `${where}.recheckAfter`)
  return {
    rollout: listOf(fields['rollout'], `${where}.rollout`, statusOf),
    timeout: listOf(fields['timeout'], `${where}.timeout`, statusOf),
    removed: listOf(fields['removed'], `${where}.removed`, statusOf),
    maxFailureBreach: flagOf(fields['maxFailureBreach'], `${where}.maxFailureBreach`),
    ...(recheckAfter !== undefined && { recheckAfter }),
  }
}
