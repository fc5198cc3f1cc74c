import { metaOf } from '../target.ts'
import type { Decision, RolloutEvent, TargetInput } from '../types.ts'
import {
  RolloutLogError,
  type AnswerEntry,
  type CallEntry,
  type DecidedEntry,
  type DecideEntry,
  type LifeEntry,
  type LogEntry,
} from './entries.ts'

/** A call of the engine as it was made. */
export type Call = Exclude<CallEntry, { readonly type: 'see' }>

export interface Step {
  /** Of its entry in the log. */
  readonly index: number
  readonly entry: Call | AnswerEntry
}

/** One life of the engine as the log has it. */
export interface Life {
  readonly begin: LifeEntry
  readonly targets: readonly TargetInput[]
  readonly steps: readonly Step[]
}

/**
 * Takes a log apart into lives. One that was cut off before all its targets were listed decided nothing: it is left out,
 * as is, at the end of a life, what was decided when not all of it is there.
 *
 * @throws RolloutLogError for entries in an order in which no engine writes them
 */
export function livesOf(entries: Iterable<LogEntry>): Life[] {
  const lives: { begin: LifeEntry; targets: TargetInput[]; steps: Step[] }[] = []
  /** The targets of the life that is read, as seen last. */
  const seen = new Map<string, TargetInput>()
  /** What was decided and is not all read yet. */
  let part: Part | undefined
  let index = -1
  for (const entry of entries) {
    index++
    if (part !== undefined && entry.type !== 'decided' && entry.type !== 'begin') {
      throw new RolloutLogError(
        `Entry ${index + 1} of the log (${entry.type}) comes before all decisions of entry ${part.index + 1} are listed: entries are missing. Export the whole log again.`,
      )
    }
    if (entry.type === 'begin') {
      part = undefined
      lives.push({ begin: entry, targets: [], steps: [] })
      seen.clear()
      continue
    }
    const life = lives.at(-1)
    if (!life) {
      throw new RolloutLogError(
        `Entry ${index + 1} of the log (${entry.type}) belongs to nothing: the log must start with an entry "begin". Its first piece is missing; export the whole log.`,
      )
    }
    if (entry.type === 'target') {
      life.targets.push(entry.target)
      seen.set(entry.target.id, entry.target)
      continue
    }
    if (life.targets.length !== life.begin.targets) {
      throw new RolloutLogError(
        `Life ${lives.length} of the log should have ${life.begin.targets} targets and has ${life.targets.length} by entry ${index + 1}: entries are missing. Export the whole log again.`,
      )
    }
    if (entry.type === 'decided' || (entry.type === 'decide' && entry.more !== undefined)) {
      part = entry.type === 'decide' ? begun(entry, index) : goneOn(part, entry, index)
      if (part.missing > 0) continue
      const { at, decisions } = part
      life.steps.push({ index: part.index, entry: { type: 'decide', at, decisions } })
      part = undefined
      continue
    }
    life.steps.push({ index, entry: asMade(entry, seen, index) })
  }
  return lives.filter(({ begin, targets }) => targets.length === begin.targets)
}

/** Decisions of one call, as far as they are read. */
interface Part {
  /** Of the entry they begin with. */
  readonly index: number
  readonly at: number
  readonly decisions: Decision[]
  missing: number
}

function begun({ at, decisions, more = 0 }: DecideEntry, index: number): Part {
  return { index, at, decisions: [...decisions], missing: more }
}

function goneOn(part: Part | undefined, { decisions }: DecidedEntry, index: number): Part {
  if (part === undefined || decisions.length > part.missing) {
    throw new RolloutLogError(
      `Entry ${index + 1} of the log goes on with decisions that no entry before it begins: entries are missing. Export the whole log again.`,
    )
  }
  for (const decision of decisions) part.decisions.push(decision)
  part.missing -= decisions.length
  return part
}

export function isAnswer(entry: Call | AnswerEntry): entry is AnswerEntry {
  return entry.type === 'cap' || entry.type === 'history'
}

/** Completes what was only seen in part. */
function asMade(entry: CallEntry | AnswerEntry, seen: Map<string, TargetInput>, index: number): Call | AnswerEntry {
  if (entry.type === 'upsert') seen.set(entry.target.id, entry.target)
  else if (entry.type === 'remove') seen.delete(entry.id)
  if (entry.type !== 'see') return entry
  const { type: _type, ...observation } = entry
  const before = seen.get(entry.id)
  if (!before) {
    throw new RolloutLogError(
      `Entry ${index + 1} of the log is about ${entry.id}, which no entry before it lists: entries are missing. Export the whole log again.`,
    )
  }
  const target: TargetInput = { ...metaOf(before), ...observation }
  seen.set(target.id, target)
  return { type: 'upsert', target } satisfies RolloutEvent
}
