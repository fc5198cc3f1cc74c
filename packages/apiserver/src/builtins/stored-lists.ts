import type { Json, JsonObject } from '@locktender/kube'
import type { Field, Message } from './field-table.ts'

type Change = (object: JsonObject) => JsonObject

const known = new WeakMap<Message, Change | undefined>()

/**
 * What becomes of an object when it is stored as protobuf, which cannot tell an empty list from one that is not there:
 * where it is always written, it is null from then on. Undefined for messages without such lists. The function returns
 * the same object when nothing changes.
 */
export function emptyListsToNull(message: Message): Change | undefined {
  if (known.has(message)) return known.get(message)
  // Those that contain themselves end here; none of what is stored as protobuf has such a list further down.
  known.set(message, undefined)
  const changes = new Map<string, (value: Json) => Json>()
  for (const field of message.fields.values()) {
    const change = changeOf(field)
    if (change !== undefined) changes.set(field.name, change)
  }
  if (changes.size === 0) return undefined
  const change: Change = (object) => {
    let copy: JsonObject | undefined
    for (const [name, apply] of changes) {
      const before = object[name] ?? null
      const after = before === null ? null : apply(before)
      if (after !== before) (copy ??= { ...object })[name] = after
    }
    return copy ?? object
  }
  known.set(message, change)
  return change
}

function changeOf({ always, shape, message }: Field): ((value: Json) => Json) | undefined {
  const inner = message === undefined || shape === 'map' ? undefined : emptyListsToNull(message)
  if (shape === 'single') return inner === undefined ? undefined : (value) => inner(value as JsonObject)
  if (shape === 'list' && always) return (value) => ((value as Json[]).length === 0 ? null : eachOf(value, inner))
  return inner === undefined ? undefined : (value) => eachOf(value, inner)
}

function eachOf(list: Json, change: Change | undefined): Json {
  if (change === undefined) return list
  const items = list as JsonObject[]
  const changed = items.map(change)
  return changed.every((item, index) => item === items[index]) ? list : changed
}
