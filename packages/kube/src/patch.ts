import { isObject } from './json.ts'
import type { JsonObject } from './json.ts'
import { clone, deepEqual, setMember } from './deep-equal.ts'
import type { Json } from './types.ts'

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  path: string
  from?: string
  value?: Json
}

/**
 * A patch that cannot be read (`malformed`) or cannot be carried out on this document (`failed`). API servers answer
 * 400 to the first and 422 to the second.
 */
export class PatchError extends Error {
  readonly kind: 'malformed' | 'failed'
  /** Index of the operation, absent when the patch as a whole is wrong. */
  readonly operation: number | undefined
  readonly path: string | undefined

  constructor(kind: 'malformed' | 'failed', why: string, operation?: number, path?: string) {
    super(operation === undefined ? why : `operation ${operation}${path === undefined ? '' : ` at "${path}"`}: ${why}`)
    this.name = 'PatchError'
    this.kind = kind
    this.operation = operation
    this.path = path
  }
}

interface Holder {
  root: Json
  /** Bytes that copies have added. */
  copied: number
  readonly maxCopied: number
}

/**
 * RFC 6902 as Kubernetes reads it: `replace` may add a field, `test` finds null where a field is not, and -1 is the
 * last item of an array. The input is not changed; the result shares what the patch did not touch with neither input nor patch.
 * What all `copy` operations add may have at most `maxCopiedBytes` of JSON: a few of them could otherwise make an
 * object of any size.
 * @throws PatchError
 */
export function applyJsonPatch(document: Json, operations: unknown, maxCopiedBytes = Infinity): Json {
  if (!Array.isArray(operations)) throw new PatchError('malformed', 'a JSON patch must be an array of operations')
  const checked = operations.map((operation: unknown, index) => checkOperation(operation, index))
  const holder: Holder = { root: clone(document), copied: 0, maxCopied: maxCopiedBytes }
  for (const [index, operation] of checked.entries()) run(holder, operation, index)
  return holder.root
}

function checkOperation(candidate: unknown, index: number): JsonPatchOperation {
  if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate)) {
    throw new PatchError('malformed', 'must be an object', index)
  }
  const { op, path, from } = candidate as Record<string, unknown>
  if (typeof path !== 'string') throw new PatchError('malformed', '"path" must be a string', index)
  if (typeof op !== 'string' || !OPERATIONS.has(op)) {
    throw new PatchError('malformed', `unknown "op" ${JSON.stringify(op)}`, index, path)
  }
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(candidate, 'value')) {
    throw new PatchError('malformed', `"${op}" needs a "value"`, index, path)
  }
  if ((op === 'move' || op === 'copy') && typeof from !== 'string') {
    throw new PatchError('malformed', `"${op}" needs a "from"`, index, path)
  }
  for (const pointer of typeof from === 'string' ? [path, from] : [path]) {
    if (pointer !== '' && !pointer.startsWith('/')) {
      throw new PatchError('malformed', 'a path must be empty or start with "/"', index, pointer)
    }
    if (/~(?![01])/.test(pointer)) {
      throw new PatchError('malformed', '"~" must be written "~0" and "/" in a name "~1"', index, pointer)
    }
  }
  return candidate as JsonPatchOperation
}

const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

function run(holder: Holder, operation: JsonPatchOperation, index: number): void {
  const fail = (why: string, path = operation.path) => new PatchError('failed', why, index, path)
  switch (operation.op) {
    case 'add':
      add(holder, operation.path, clone(operation.value!), fail)
      return
    case 'remove':
      remove(holder, operation.path, fail)
      return
    case 'replace':
      if (operation.path === '') holder.root = clone(operation.value!)
      else put(holder, operation.path, clone(operation.value!), fail)
      return
    case 'move': {
      const from = operation.from!
      if (operation.path.startsWith(`${from}/`)) throw fail('an object cannot be moved into itself')
      const value = read(holder, from, fail)
      if (from === operation.path) return
      remove(holder, from, fail)
      add(holder, operation.path, value, fail)
      return
    }
    case 'copy':
      add(holder, operation.path, copied(holder, read(holder, operation.from!, fail), fail), fail)
      return
    case 'test':
      if (!deepEqual(readOrNull(holder, operation.path, fail), operation.value)) throw fail('test failed')
  }
}

function copied(holder: Holder, value: Json, fail: Fail): Json {
  if (holder.maxCopied !== Infinity) holder.copied += Buffer.byteLength(JSON.stringify(value))
  if (holder.copied <= holder.maxCopied) return clone(value)
  throw fail(
    `Unable to complete the copy, the accumulated size increase of patch is ${holder.copied}, exceeding the limit ${holder.maxCopied}`,
  )
}

type Fail = (why: string, path?: string) => PatchError

function tokens(path: string): string[] {
  if (path === '') return []
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(holder: Holder, path: string, fail: Fail): Json {
  let current = holder.root
  for (const token of tokens(path)) current = member(current, token, path, fail)
  return current
}

/** What is at the path; null for a field that its object does not have. */
function readOrNull(holder: Holder, path: string, fail: Fail): Json {
  if (path === '') return holder.root
  const { parent, last } = parentOf(holder, path, fail)
  return Array.isArray(parent) ? member(parent, last, path, fail) : Object.hasOwn(parent, last) ? parent[last]! : null
}

function member(container: Json, token: string, path: string, fail: Fail): Json {
  if (Array.isArray(container)) return container[position(token, container.length - 1, path, fail)]!
  if (isObject(container) && Object.hasOwn(container, token)) return container[token]!
  throw fail('there is nothing at this path', path)
}

function position(token: string, last: number, path: string, fail: Fail): number {
  if (!/^-?(0|[1-9][0-9]*)$/.test(token)) throw fail(`"${token}" is not an index of an array`, path)
  const index = token.startsWith('-') ? last + 1 + Number(token) : Number(token)
  if (index > last || index < 0) throw fail(`index ${token} is outside the array`, path)
  return index
}

function parentOf(holder: Holder, path: string, fail: Fail): { parent: Json[] | JsonObject; last: string } {
  const steps = tokens(path)
  const last = steps.pop()!
  let parent = holder.root
  for (const token of steps) parent = member(parent, token, path, fail)
  if (!Array.isArray(parent) && !isObject(parent)) throw fail('the parent is neither an object nor an array', path)
  return { parent, last }
}

function add(holder: Holder, path: string, value: Json, fail: Fail): void {
  if (path === '') {
    holder.root = value
    return
  }
  const { parent, last } = parentOf(holder, path, fail)
  if (!Array.isArray(parent)) setMember(parent, last, value)
  else if (last === '-') parent.push(value)
  else parent.splice(position(last, parent.length, path, fail), 0, value)
}

/** Overwrites an item of an array, or a field, which need not be there. */
function put(holder: Holder, path: string, value: Json, fail: Fail): void {
  const { parent, last } = parentOf(holder, path, fail)
  if (Array.isArray(parent)) parent[position(last, parent.length - 1, path, fail)] = value
  else setMember(parent, last, value)
}

function remove(holder: Holder, path: string, fail: Fail): void {
  if (path === '') throw fail('the whole document cannot be removed')
  read(holder, path, fail)
  const { parent, last } = parentOf(holder, path, fail)
  if (Array.isArray(parent)) parent.splice(position(last, parent.length - 1, path, fail), 1)
  else delete parent[last]
}

/** RFC 7386: null deletes, objects merge, everything else replaces. The input is not changed but may be shared. */
export function applyMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: JsonObject = {}
  if (isObject(document)) {
    for (const key of Object.keys(document)) setMember(result, key, document[key])
  }
  for (const key of Object.keys(patch)) {
    const change = patch[key]
    if (change === undefined) continue
    if (change === null) delete result[key]
    else setMember(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, change))
  }
  return result
}

/**
 * The smallest merge patch that turns `before` into `after`; `{}` when they are equal. A merge patch cannot write
 * null into an object: a null in `after` comes out as an absent key.
 */
export function createMergePatch(before: Json, after: Json): Json {
  if (!isObject(before) || !isObject(after)) return after
  const patch: JsonObject = {}
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key) || after[key] === undefined) {
      if (before[key] !== undefined) setMember(patch, key, null)
    }
  }
  for (const key of Object.keys(after)) {
    const value = after[key]
    if (value === undefined) continue
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (old !== undefined && deepEqual(old, value)) continue
    setMember(patch, key, isObject(old) && isObject(value) ? createMergePatch(old, value) : value)
  }
  return patch
}
