import { describeDifference, fieldDifferences } from '../once/field-differences.ts'
import type { Choice } from './choice.ts'
import type { Replay } from './explore.ts'
import type { FailingPlan } from './plan-file.ts'
import type { TraceEntry } from './run-types.ts'
import { durationText } from './sequence/duration.ts'
import type { FieldChange } from './write-watch.ts'

/** What becomes of a request, for who reads of it in the middle of the night. */
const FATES: Readonly<Record<string, string>> = {
  'crash before': 'the process crashes before the server hears of it',
  'crash after': 'the server does it, then the process crashes before it hears of that',
  'answer lost': 'the server does it, but the answer is lost',
  late: 'the server hears of it only when nothing else is left to do',
  conflict: 'the server refuses it with 409, as if somebody else had written',
  'fails with 500': 'the server answers 500',
  'fails with 429': 'the server answers 429',
  'no connection': 'the server cannot be reached',
}

/** Fields of one write that are told, and those of a new object, which has many that nobody asks for. */
const MOST_FIELDS = 8
const MOST_NEW_FIELDS = 4
const LONGEST_VALUE = 80
const WHO_WIDTH = 24
const LABEL_WIDTH = 11

/** How a replay is told. */
export interface TimelineOptions {
  /** Also what reconciles read that write nothing. @default false */
  readonly all?: boolean
}

/**
 * A replayed plan as a text: what is wrong, what was unusual, and then everything that happened, with `>>` before what
 * was unusual and `!!` where it went wrong. Times are of the virtual clock, since the beginning.
 */
export function timeline(plan: FailingPlan, replay: Replay, options: TimelineOptions = {}): string {
  const { scenario, seed, choices, withoutSteps } = plan
  const { findings, followed, trace, differences } = replay
  const lines = [labelled('SCENARIO', `${scenario}${seed === undefined ? '' : `, found with seed ${seed}`}`)]
  if (withoutSteps.length > 0) {
    lines.push(labelled('WITHOUT', `step ${withoutSteps.join(', step ')}, which it does not take`))
  }
  if (findings.length === 0) lines.push(labelled('WRONG', 'nothing'))
  for (const { oracle, message } of findings) lines.push(labelled('WRONG', `${oracle}: ${message}`))
  if (choices.length === 0) lines.push(labelled('UNUSUAL', 'nothing: it happens in the usual order'))
  for (const [index, choice] of choices.entries()) {
    const lost = followed.some((one) => isSame(one, choice)) ? '' : ' (this did not come up)'
    lines.push(labelled(index === 0 ? 'UNUSUAL' : '', `${choiceText(choice)}${lost}`))
  }
  lines.push('', ...new Telling(options.all === true).tell(trace))
  if (differences.length > 0) {
    lines.push('', 'At the end, against the usual order:')
    for (const { name, expected, found } of differences) {
      if (found === undefined) lines.push(`  ${name} is missing`)
      else if (expected === undefined) lines.push(`  ${name} should not be there`)
      else {
        lines.push(`  ${name} differs:`)
        for (const field of fieldDifferences(expected, found)) lines.push(`    ${describeDifference(field)}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}

/** A choice in a sentence. */
export function choiceText({ kind, at, take }: Omit<Choice, 'nth'>): string {
  switch (kind) {
    case 'request':
      return `${at}: ${FATES[take] ?? take}`
    case 'cache':
      return `${at}: it ${take}`
    case 'relist':
      return at.endsWith('lists') ? `${at} ${take}` : `${at} only ${take}`
    case 'order':
      return `out of turn: ${take} (${at})`
  }
}

/** What a reconcile has done so far. */
interface Story {
  readonly first: string
  readonly lines: string[]
  /** Whether there is more to tell than that it looked. */
  isNotable: boolean
}

/** Turns a trace into lines; what a reconcile does is kept together until something else happens. */
class Telling {
  readonly #all: boolean
  readonly #lines: string[] = []
  /** Reconciles of which nothing notable is known yet. */
  readonly #open = new Map<string, Story>()
  /** Writes are told before the answer to the request that made them. */
  #writes: TraceEntry[] = []

  constructor(all: boolean) {
    this.#all = all
  }

  tell(trace: readonly TraceEntry[]): string[] {
    for (const entry of trace) this.#enter(entry)
    for (const who of this.#open.keys()) this.#show(who)
    this.#flush()
    return this.#lines
  }

  #enter(entry: TraceEntry): void {
    const { what, who, text, unseen = [], choice } = entry
    if (what !== 'write' && !(what === 'request' && this.#writes.every((one) => one.who === who))) this.#flush()
    switch (what) {
      case 'begin': {
        const story = { first: row(entry, `reconciles ${text}`), lines: [] as string[], isNotable: unseen.length > 0 }
        for (const change of unseen) story.lines.push(note(`has not heard that ${change}`))
        this.#open.set(who, story)
        if (story.isNotable || this.#all) this.#show(who)
        return
      }
      case 'request': {
        const answer = text.slice(text.indexOf(': ') + 2)
        const failed = !/ [23]\d\d$/.test(text) && !/^(reads|asks) .* 404$/.test(answer)
        if (this.#writes.length > 0 || failed || !/^(reads|asks) /.test(answer)) this.#show(who)
        this.#add(who, row(entry, `  ${answer.replace(/: (\S+)$/, ' -> $1')}`))
        this.#flush()
        return
      }
      case 'write':
        this.#show(who)
        this.#writes.push(entry)
        return
      case 'end': {
        const story = this.#open.get(who)
        this.#open.delete(who)
        const failed = / failed: /.test(text)
        const [, seconds] = /, again in (\S+) s$/.exec(text) ?? []
        const again = seconds === undefined ? '' : `, again in ${durationText(Math.round(Number(seconds) * 1000))}`
        if (failed) {
          if (story !== undefined) this.#lines.push(story.first, ...story.lines)
          this.#lines.push(row(entry, text))
        } else if (story !== undefined) this.#repeat(`${story.first}: nothing to do${again}`)
        else if (again !== '') this.#lines.push(row(entry, `  done${again}`))
        return
      }
      case 'choice':
        for (const name of this.#open.keys()) this.#show(name)
        this.#lines.push(marked('>>', { ...entry, who: 'unusual' }, choiceText(choice!)))
        return
      case 'found':
        for (const name of this.#open.keys()) this.#show(name)
        this.#lines.push(marked('!!', entry, text))
        return
      case 'crash':
        for (const name of this.#open.keys()) {
          if (name !== who && !name.startsWith(`${who}/`)) continue
          this.#show(name)
        }
        this.#lines.push(row(entry, text))
        return
      case 'step':
      case 'cache':
      case 'start':
        this.#lines.push(row(entry, text))
    }
  }

  #add(who: string, line: string): void {
    const story = this.#open.get(who)
    if (story === undefined) this.#lines.push(line)
    else story.lines.push(line)
  }

  /** Tells what a reconcile has done, and from now on at once. */
  #show(who: string): void {
    const story = this.#open.get(who)
    if (story === undefined) return
    this.#open.delete(who)
    this.#lines.push(story.first, ...story.lines)
  }

  /** Says once what happens several times in a row. */
  #repeat(line: string): void {
    const times = / \((\d+) times\)$/.exec(this.#lines.at(-1) ?? '')
    const last = this.#lines.at(-1)?.slice(0, times?.index)
    if (last !== line) this.#lines.push(line)
    else this.#lines[this.#lines.length - 1] = `${line} (${Number(times?.[1] ?? 1) + 1} times)`
  }

  #flush(): void {
    const writes = this.#writes
    this.#writes = []
    for (const entry of writes) {
      this.#lines.push(row(entry, `    ${entry.text}`))
      const fields = (entry.fields ?? []).filter(({ path }) => !SAID.has(path))
      const most = fields.every(({ from }) => from === '') ? MOST_NEW_FIELDS : MOST_FIELDS
      for (const field of fields.slice(0, most)) this.#lines.push(note(`  ${fieldText(field)}`))
      if (fields.length > most) this.#lines.push(note(`  and ${fields.length - most} more fields`))
    }
  }
}

/** What the line of a write says anyway. */
const SAID = new Set(['apiVersion', 'kind', 'metadata.name', 'metadata.namespace'])

function fieldText({ path, from, to }: FieldChange): string {
  if (from === '') return `${path}: ${short(to)}`
  return `${path}: ${short(from)} -> ${to === '' ? 'gone' : short(to)}`
}

function short(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}

function row(entry: TraceEntry, text: string): string {
  return marked('  ', entry, text)
}

function marked(mark: string, { atMs, who }: TraceEntry, text: string): string {
  return `${mark} ${(atMs / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(WHO_WIDTH)} ${text}`.trimEnd()
}

/** A line below another. */
function note(text: string): string {
  return `${' '.repeat(15 + WHO_WIDTH + 1)}   ${text}`
}

function labelled(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`
}

function isSame(left: Choice, right: Choice): boolean {
  return left.kind === right.kind && left.at === right.at && left.nth === right.nth && left.take === right.take
}
