import type { Change, HeldValue } from '@locktender/apiserver'
import type { PreparedServer } from './prepared-server.ts'

/** Turns two controllers may take at one field before it counts as a quarrel. */
const MAX_TURNS = 3

/** Fields that change with every write, and whose owner is the server. */
const NOBODYS = new Set(['resourceVersion', 'managedFields', 'generation', 'uid', 'creationTimestamp'])

const OWNERS = 'metadata.ownerReferences'

interface FieldHistory {
  writer: string
  value: string
  /** What was there before `value`. */
  former: string
  turns: number
}

/** A field that a write changed, with its values as JSON text, empty where there is none. */
export interface FieldChange {
  readonly path: string
  readonly from: string
  readonly to: string
}

/** Differences of two states of one object, for all schedules. */
const differences = new WeakMap<HeldValue, WeakMap<HeldValue, readonly FieldChange[]>>()

/** What all schedules with a change need to know of it. */
interface ChangeFacts {
  /** `creates pods` */
  readonly kind: string
  /** The same with the writer, by writer. */
  readonly counted: Map<string, string>
  /** Of an object that was there and still is. */
  readonly fields: readonly { readonly id: string; readonly field: FieldChange }[]
}

const facts = new WeakMap<Change, ChangeFacts>()

function factsOf(server: PreparedServer, change: Change): ChangeFacts {
  let found = facts.get(change)
  if (found === undefined) {
    const { key, before, after } = change
    const [, , group = '', plural = ''] = key.split('/')
    const verb = before === undefined ? 'creates' : after === undefined ? 'deletes' : 'changes'
    const changed = before === undefined || after === undefined ? [] : fieldChanges(server, before, after)
    found = {
      kind: `${verb} ${group === '' ? plural : `${plural}.${group}`}`,
      counted: new Map(),
      fields: changed.map((field) => ({ id: `${server.name} ${key} ${field.path}`, field })),
    }
    facts.set(change, found)
  }
  return found
}

/**
 * Watches who writes what. Two controllers that set one field back and forth will go on for ever, and far more writes
 * than usual mean that somebody runs in circles.
 */
export class WriteWatch {
  readonly #fields = new Map<string, FieldHistory>()
  /** Writes by controller and kind of write. */
  readonly counts = new Map<string, number>()

  /** Takes in a write and says what is wrong with it, if anything is. */
  observe(server: PreparedServer, change: Change, writer: string): string | undefined {
    const { kind, counted, fields } = factsOf(server, change)
    let count = counted.get(writer)
    if (count === undefined) counted.set(writer, (count = `${writer} ${kind}`))
    this.counts.set(count, (this.counts.get(count) ?? 0) + 1)
    let quarrel: string | undefined
    for (const { id, field } of fields) {
      const { path, from, to } = field
      const history = this.#fields.get(id)
      if (history === undefined) {
        this.#fields.set(id, { writer, value: to, former: from, turns: 0 })
        continue
      }
      const takesTurn = history.writer !== writer && history.former === to
      history.turns = takesTurn ? history.turns + 1 : 0
      if (history.turns >= MAX_TURNS) {
        quarrel ??= `${history.writer} and ${writer} take turns at ${path} of ${nameOf(change.key)}: ${to || 'nothing'}, then ${from || 'nothing'}, again and again`
      }
      history.writer = writer
      history.value = to
      history.former = from
    }
    return quarrel
  }
}

/** `plural namespace/name` of a key of the store. */
export function nameOf(key: string): string {
  const [, , group = '', plural = '', namespace = '', name = ''] = key.split('/')
  return `${group === '' ? plural : `${plural}.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`
}

/** What a change has changed in its object; all that it has when it is new. */
export function changedFields(server: PreparedServer, { before, after }: Change): readonly FieldChange[] {
  if (after === undefined) return []
  if (before !== undefined) return fieldChanges(server, before, after)
  return [...fieldsOf(server, after)].map(([path, to]) => ({ path, from: '', to }))
}

function fieldChanges(server: PreparedServer, before: HeldValue, after: HeldValue): readonly FieldChange[] {
  let known = differences.get(before)
  if (known === undefined) differences.set(before, (known = new WeakMap()))
  let changes = known.get(after)
  if (changes === undefined) {
    const [left, right] = [fieldsOf(server, before), fieldsOf(server, after)]
    const paths = new Set([...left.keys(), ...right.keys()])
    changes = [...paths].flatMap((path) => {
      const [from = '', to = ''] = [left.get(path), right.get(path)]
      return from === to ? [] : [{ path, from, to }]
    })
    known.set(after, changes)
  }
  return changes
}

function fieldsOf(server: PreparedServer, value: HeldValue): Map<string, string> {
  const { text, references } = server.normal(value)
  const fields = new Map<string, string>()
  leaves(JSON.parse(text), '', fields)
  // Owners that follow each other under one name are not the same value.
  const owners = fields.get(OWNERS)
  if (owners !== undefined) fields.set(OWNERS, `${owners} of ${references.join(' ')}`)
  return fields
}

/** Values by path; lists are values. */
function leaves(value: unknown, path: string, into: Map<string, string>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    into.set(path, JSON.stringify(value))
    return
  }
  for (const [name, member] of Object.entries(value)) {
    if (path === 'metadata' && NOBODYS.has(name)) continue
    leaves(member, path === '' ? name : `${path}.${name}`, into)
  }
}
