import { groupOf, mandatoryOf, type OcmUnitRow } from './case-file.ts'
import { Evaluator, recheckAfter } from './evaluate.ts'
import { clusterChanges, divideIntoGroups, mandatoryKey, OcmGroups } from './groups.ts'
import { parseDeadline, rolloutSize } from './limits.ts'
import {
  fieldsOf,
  flagOf,
  integerOf,
  listOf,
  MalformedInput,
  numberOf,
  optionalSize,
  optionalText,
  secondsOf,
  textOf,
  type Fields,
} from './malformed.ts'
import { conditionReady, manifestWorkMustApply, manifestWorkStatus, type WorkCondition } from './manifest-work.ts'
import type { KeptQuirks } from './quirks.ts'
import { OcmStrategyError } from './types.ts'

/** What a row expects and what came, as plain JSON. */
export interface UnitOutcome {
  readonly expected: unknown
  readonly actual: unknown
}

type RunRow = (row: Fields, kept: KeptQuirks, where: string) => UnitOutcome

/** Rows of readiness speak of this generation. */
const GENERATION = 2

const RUNNERS: Readonly<Record<string, RunRow>> = {
  determineStatus(row, kept, where) {
    const status = {
      cluster: 'cluster1',
      group: { name: '', index: 0 },
      status: textOf(row['status'], `${where}.status`),
      ...optional('transitionAt', secondsOf(row['transitionAt'], `${where}.transitionAt`)),
    }
    const soak = secondsOf(row['minSuccessTime'], `${where}.minSuccessTime`) ?? 0
    const deadline = secondsOf(row['timeout'], `${where}.timeout`) ?? 0
    const evaluator = new Evaluator({ now: 0, soak, deadline, kept })
    const standing = evaluator.standingOf(status)
    const expected = {
      out: row['out'] ?? null,
      outStatus: row['outStatus'] ?? null,
      recheckAt: row['recheckAt'] ?? null,
    }
    if (standing === 'finished') return { expected, actual: { out: null, outStatus: null, recheckAt: null } }
    const listed = evaluator.listed(status, standing)
    const actual = {
      out: standing === 'timedOut' ? 'timeout' : 'rollout',
      outStatus: listed.status,
      recheckAt: listed.recheckAt === undefined ? null : listed.recheckAt / 1000,
    }
    return { expected, actual }
  },

  minRecheckAfter(row, _kept, where) {
    const least = recheckAfter(listOf(row['recheckAt'], `${where}.recheckAt`, secondsOf), 0)
    return { expected: row['expect'] ?? null, actual: least === undefined ? null : least / 1000 }
  },

  rolloutSize(row, _kept, where) {
    const value = optionalSize(row['value'], `${where}.value`) ?? 0
    const fallback = numberOf(row['default'], `${where}.default`)
    const size = orError(() => rolloutSize(value, numberOf(row['total'], `${where}.total`), fallback))
    const actual = typeof size === 'number' ? { size, error: false } : { size: fallback, error: true }
    return { expected: { size: row['expect'], error: flagOf(row['error'], `${where}.error`) }, actual }
  },

  parseDeadline(row, kept, where) {
    const parsed = orError(() => parseDeadline(textOf(row['value'], `${where}.value`), kept) ?? null)
    const expected = flagOf(row['error'], `${where}.error`) ? { error: true } : { seconds: row['seconds'] ?? null }
    if (parsed instanceof OcmStrategyError) return { expected, actual: { error: true } }
    return { expected, actual: { seconds: parsed === null ? null : parsed / 1000 } }
  },

  mandatoryToGroupKeys(row, _kept, where) {
    return {
      expected: row['expect'],
      actual: listOf(row['in'], `${where}.in`, (entry, where) => mandatoryKey(mandatoryOf(entry, where))),
    }
  },

  trackerChanges(row, _kept, where) {
    const before = listOf(row['before'], `${where}.before`, groupOf)
    const after = listOf(row['decisions'], `${where}.decisions`, groupOf)
    return { expected: { added: row['added'], deleted: row['deleted'] }, actual: clusterChanges(before, after) }
  },

  trackerSelect(row, kept, where) {
    const groups = new OcmGroups(
      listOf(row['groups'], `${where}.groups`, (group, where) => {
        const [name, index, clusters] = listOf(group, where, (item) => item)
        return groupOf({ name, index, clusters }, where)
      }),
    )
    const entries = listOf(row['keys'], `${where}.keys`, (key, where) => {
      const { name, index } = fieldsOf(key, where)
      return mandatoryOf({ groupName: name, groupIndex: index }, where)
    })
    const selected = groups.mandatory(entries, kept)
    const besides = groups.besides(groups.all(kept), selected)
    const indexes = (positions: readonly number[]) => positions.map((position) => groups.keys[position]?.index)
    return {
      expected: { selected: row['selected'], besides: row['besides'] },
      actual: { selected: indexes(selected.positions), besides: indexes(besides.positions) },
    }
  },

  decisionGroups(row, _kept, where) {
    const clouds = fieldsOf(row['clusters'], `${where}.clusters`)
    const named = listOf(row['named'], `${where}.named`, (group, where) => {
      const { name, cloud } = fieldsOf(group, where)
      return { name: textOf(name, `${where}.name`), matches: (cluster: string) => clouds[cluster] === cloud }
    })
    const groups = divideIntoGroups(Object.keys(clouds), named, optionalSize(row['perGroup'], `${where}.perGroup`))
    return {
      expected: row['expect'],
      actual: groups.map(({ name, index, clusters }) => [name, index, clusters.length]),
    }
  },

  manifestWorkToStatus(row, kept, where) {
    const { status, transitionFrom = null } = manifestWorkStatus(workOf(row, where), kept)
    return {
      expected: { status: row['expect'], transitionFrom: row['transitionFrom'] ?? null },
      actual: { status, transitionFrom },
    }
  },

  manifestWorkMustApply(row, _kept, where) {
    return { expected: row['mustApply'], actual: manifestWorkMustApply(workOf(row, where)) }
  },

  conditionReady(row, _kept, where) {
    const generation = integerOf(row['generation'], `${where}.generation`, GENERATION)
    const condition = conditionOf(row['cond'], `${where}.cond`)
    const requireTrue = flagOf(row['requireTrue'], `${where}.requireTrue`)
    return { expected: row['ready'], actual: conditionReady(condition, generation, requireTrue) }
  },
}

/**
 * Runs one row.
 * @throws {MalformedInput} when it cannot be read
 */
export function runUnitRow({ id, function: name, row }: OcmUnitRow, kept: KeptQuirks): UnitOutcome {
  const run = Object.hasOwn(RUNNERS, name) ? RUNNERS[name] : undefined
  if (run === undefined)
    throw new MalformedInput(
      id,
      `the function ${JSON.stringify(name)} is unknown; write ${Object.keys(RUNNERS).join(', ')}`,
    )
  return run(row, kept, id)
}

function orError<Value>(run: () => Value): Value | OcmStrategyError {
  try {
    return run()
  } catch (error) {
    if (error instanceof OcmStrategyError) return error
    throw error
  }
}

function optional<Key extends string>(key: Key, value: number | undefined): { readonly [K in Key]?: number } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: number }
}

function workOf(row: Fields, where: string): Parameters<typeof manifestWorkStatus>[0] {
  const conditions: Record<string, WorkCondition> = {}
  for (const key of ['applied', 'progressing', 'degraded']) {
    const condition = conditionOf(row[key], `${where}.${key}`)
    if (condition !== undefined) conditions[key] = condition
  }
  return { generation: integerOf(row['generation'], `${where}.generation`), ...conditions }
}

/** [status, observedGeneration], or null for none. */
function conditionOf(value: unknown, where: string): WorkCondition | undefined {
  if (value === undefined || value === null) return undefined
  const [status, observedGeneration] = listOf(value, where, (item) => item)
  const text = optionalText(status, `${where}[0]`) ?? ''
  if (text !== 'True' && text !== 'False' && text !== 'Unknown')
    throw new MalformedInput(`${where}[0]`, `is ${JSON.stringify(status)}; write True, False or Unknown`)
  return { status: text, observedGeneration: integerOf(observedGeneration, `${where}[1]`) }
}
