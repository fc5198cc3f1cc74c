/*
 * For tests: finds out whether what several clients saw of one thing can be explained by a single order of their
 * operations, each taking place at one moment between its call and its return.
 */

/** One operation as its client saw it. Moments are numbers that grow; only their order counts. */
export interface Operation<Input, Output> {
  readonly called: number
  /** Infinity when no answer came: it may have taken place at any later moment, or never. */
  readonly returned: number
  readonly input: Input
  /** Undefined when no answer came. */
  readonly output: Output | undefined
}

/** What the thing is without concurrency. States are never changed in place. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State
  /** The state after an operation; undefined when it cannot have had this output in this state. */
  step(state: State, input: Input, output: Output | undefined): State | undefined
  /** Equal for equal states. */
  key(state: State): string
}

interface Entry {
  readonly operation: number
  readonly moment: number
  readonly isCall: boolean
  previous: Entry | undefined
  next: Entry | undefined
}

/**
 * Whether `history` is linearizable, by the search of Wing and Gong with the memory of Lowe: an operation may come
 * next if no other one has returned before its call, and no set of done operations with the same state is tried twice.
 */
export function isLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const head: Entry = { operation: -1, moment: -Infinity, isCall: false, previous: undefined, next: undefined }
  const returns = chain(head, history)
  const done = new Uint8Array(history.length)
  const tried = new Set<string>()
  const path: { readonly entry: Entry; readonly before: State }[] = []
  let left = history.filter(({ returned }) => returned !== Infinity).length
  let state = model.initial
  let entry = head.next
  while (left > 0) {
    const operation = entry?.isCall === true ? history[entry.operation]! : undefined
    if (entry !== undefined && operation !== undefined) {
      const after = model.step(state, operation.input, operation.output)
      if (after !== undefined) {
        done[entry.operation] = 1
        const known = `${Buffer.from(done).toString('latin1')} ${model.key(after)}`
        if (!tried.has(known)) {
          tried.add(known)
          path.push({ entry, before: state })
          state = after
          unlink(entry)
          unlink(returns[entry.operation]!)
          if (operation.returned !== Infinity) left--
          entry = head.next
          continue
        }
        done[entry.operation] = 0
      }
      entry = entry.next
      continue
    }
    // A return, or the end: whatever has been called before must take place before this, and cannot. Back by one.
    const last = path.pop()
    if (last === undefined) return false
    state = last.before
    done[last.entry.operation] = 0
    if (history[last.entry.operation]!.returned !== Infinity) left++
    relink(returns[last.entry.operation]!)
    relink(last.entry)
    entry = last.entry.next
  }
  return true
}

/** Calls and returns after `head` in the order of their moments; returns the return of each operation. */
function chain(head: Entry, history: readonly Operation<unknown, unknown>[]): Entry[] {
  const entries: Entry[] = []
  const returns: Entry[] = []
  for (const [operation, { called, returned }] of history.entries()) {
    const end = { operation, moment: returned, isCall: false, previous: undefined, next: undefined }
    returns.push(end)
    entries.push({ operation, moment: called, isCall: true, previous: undefined, next: undefined }, end)
  }
  // At the same moment calls come first: then the operations overlap.
  entries.sort((left, right) =>
    left.moment === right.moment ? Number(right.isCall) - Number(left.isCall) : left.moment < right.moment ? -1 : 1,
  )
  let last = head
  for (const entry of entries) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return returns
}

function unlink({ previous, next }: Entry): void {
  if (previous !== undefined) previous.next = next
  if (next !== undefined) next.previous = previous
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry
  if (entry.next !== undefined) entry.next.previous = entry
}
