import type { FieldError, JsonObject } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { CompiledSchema } from '../schema/compile.ts'
import { canonicalObject, emptyScalar, isTime } from './canonical.ts'
import { defaultsOf } from './defaults.ts'
import { messageOfKind } from './field-table.ts'
import type { Message } from './field-table.ts'
import { emptyListsToNull } from './stored-lists.ts'

/** Files of kinds that are stored as JSON, where an empty list stays one. */
const STORED_AS_JSON = 'apiextensions/'

/**
 * The schema of a built-in kind in the form custom resources have theirs. Pruning also brings the object into the one
 * spelling of compiled-in types, see {@link canonicalObject}; it throws TypeMismatch for values of a wrong type,
 * which Kubernetes refuses while decoding rather than when validating.
 */
export function compileBuiltIn(apiVersion: string, kind: string): CompiledSchema {
  const message = requireMessage(apiVersion, kind)
  const fill = defaultsOf(message)
  const store = message.name.startsWith(STORED_AS_JSON) ? undefined : emptyListsToNull(message)
  return {
    prune<T>(object: T) {
      const pruned: string[] = []
      return { value: canonicalObject(message, object as JsonObject, pruned) as T, pruned }
    },
    applyDefaults<T>(object: T) {
      return fill === undefined ? object : (fill(object as JsonObject) as T)
    },
    // What a kind wants beyond its types is for its strategy to say.
    validate(_object, _before, first = [], last = []): FieldError[] {
      return [...first, ...last]
    },
    ...(store === undefined ? {} : { toStored: <T>(object: T) => store(object as JsonObject) as T }),
  }
}

/** An object of the kind of which nobody has stated anything, with nulls for lists and maps that are always written. */
export function blankObject(apiVersion: string, kind: string): AnyObject {
  return { apiVersion, kind, ...blankFields(requireMessage(apiVersion, kind)) } as unknown as AnyObject
}

function blankFields(message: Message): JsonObject {
  const blank: JsonObject = {}
  for (const [name, field] of message.fields) {
    if (!field.always && !isTime(message, field)) continue
    if (field.shape !== 'single' || field.pointer) blank[name] = null
    else if (field.message !== undefined) blank[name] = blankFields(field.message)
    else blank[name] = emptyScalar(field.scalar!)
  }
  return blank
}

/** The part of a new object that only controllers write. */
export function initialStatus(apiVersion: string, kind: string): JsonObject | undefined {
  const message = requireMessage(apiVersion, kind)
  if (message.fields.get('status')?.message === undefined) return undefined
  const empty = canonicalObject(message, {}, [])
  const filled = defaultsOf(message)?.({ status: empty['status'] ?? {} }) ?? empty
  return filled['status'] as JsonObject
}

function requireMessage(apiVersion: string, kind: string): Message {
  const message = messageOfKind(apiVersion, kind)
  if (message === undefined) throw new Error(`the fields of ${apiVersion} ${kind} are not known`)
  return message
}
