import { isTargetPhase } from '../target.ts'
import { LOG_VERSION, RolloutLogError, type LogEntry } from './entries.ts'

/** One line of the log, without its line break. */
export function formatLogEntry(entry: LogEntry): string {
  return JSON.stringify(entry)
}

/**
 * Reads JSON lines; empty ones are passed over. Whether the entries make sense together is found out by `replay`.
 *
 * @throws RolloutLogError for a line that is none, with its number
 */
export function parseLog(text: string): LogEntry[] {
  const entries: LogEntry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') entries.push(parseLine(line, index + 1))
  }
  return entries
}

function parseLine(line: string, number: number): LogEntry {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new RolloutLogError(
      `Line ${number} of the log is not JSON: ${shortened(line)}. Was the file cut off or edited? Export the log again, or remove the line when it is the last one.`,
    )
  }
  const problem = problemOf(value)
  if (problem === undefined) return value as LogEntry
  throw new RolloutLogError(
    `Line ${number} of the log ${problem}: ${shortened(line)}. Export the log again with the version that wrote it.`,
  )
}

const LONGEST = 80

function shortened(line: string): string {
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}

type Check = (value: unknown) => boolean
type Shape = Readonly<Record<string, Check>>

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const isFlag: Check = (value) => typeof value === 'boolean'
const has =
  (shape: Shape): Check =>
  (value) =>
    missingIn(value, shape) === undefined
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((each) => check(each))

const OBSERVATION = { id: isText, phase: isTargetPhase, requested: isFlag }
const TARGET = { ...OBSERVATION, stage: isText, stratum: isText, shard: isText, customer: isText }
const DECISION = has({ type: isText })
const STAGE = { name: isText, canary: isNumber, factor: isNumber, soakMs: isNumber, finalSoakMs: isNumber }

/** What each kind of entry must have; what the engine merely passes on is not looked at. */
const SHAPES: Readonly<Record<LogEntry['type'], Shape>> = {
  begin: {
    version: isNumber,
    strategy: has({
      stages: listOf(has(STAGE)),
      sequentialTest: has({ goodRate: isNumber, badRate: isNumber, alpha: isNumber, beta: isNumber }),
      operationTimeoutMs: isNumber,
      autoRevert: isFlag,
    }),
    seed: isNumber,
    startedAt: isNumber,
    deadline: isNumber,
    targets: isNumber,
  },
  target: { target: has(TARGET) },
  cap: { shard: isText, limit: orNull(isNumber) },
  history: { stratum: isText, past: orNull(has({ treated: isNumber, failed: isNumber })) },
  upsert: { target: has(TARGET) },
  see: OBSERVATION,
  remove: { id: isText },
  samples: { signal: isText, bad: isNumber, total: isNumber },
  decide: { at: isNumber, decisions: listOf(DECISION), more: optional(isNumber) },
  decided: { decisions: listOf(DECISION) },
  acknowledge: { decision: DECISION },
  writeFailed: { id: isText },
  capsChanged: {},
  pause: { reason: isText },
  abort: { reason: isText },
  revertNow: { reason: isText },
  resume: {},
  revert: {},
  skip: { id: isText },
  retry: { id: isText },
  expedite: { stage: isText, wave: isNumber },
}

/** The first key that `value` lacks or has with something else than it should. */
function missingIn(value: unknown, shape: Shape): string | undefined {
  if (typeof value !== 'object' || value === null) return ''
  const object = value as Readonly<Record<string, unknown>>
  return Object.keys(shape).find((key) => !shape[key]?.(object[key]))
}

function problemOf(value: unknown): string | undefined {
  const type = (value as { readonly type?: unknown } | null)?.type
  if (typeof type !== 'string' || !Object.hasOwn(SHAPES, type)) return 'is of no known type'
  const missing = missingIn(value, SHAPES[type as LogEntry['type']])
  if (missing !== undefined) return `has no usable "${missing}"`
  const { version } = value as { readonly version?: unknown }
  return type === 'begin' && version !== LOG_VERSION
    ? `is of version ${String(version)}, not ${LOG_VERSION}`
    : undefined
}
