import type { Housekeeper } from '@locktender/apiserver'
import type { Choices } from './choices.ts'
import type { Informer } from './informer.ts'
import type { ReadyKey } from './key-queue.ts'
import type { Operation, Process, Slot } from './process.ts'
import type { RunServer, RunState } from './run-state.ts'
import { operationText, slotName } from './texts.ts'

/** Something that could happen next. */
export type Action =
  | { readonly do: 'answer'; readonly operation: Operation }
  | { readonly do: 'begin'; readonly slot: Slot; readonly ready: ReadyKey }
  | { readonly do: 'housekeep'; readonly server: RunServer; readonly keeper: Housekeeper }
  | { readonly do: 'hear'; readonly process: Process; readonly informer: Informer }
  | { readonly do: 'start'; readonly process: Process }
  | { readonly do: 'crash'; readonly process: Process }
  | { readonly do: 'time' }
  | { readonly do: 'step'; readonly early: boolean }

/** What happens by default: whoever is at work goes on, then keys in their order, then what was put off, then time. */
export function usualAction(state: RunState): Action | undefined {
  const operation = newestOperation(state)
  if (operation !== undefined) return { do: 'answer', operation }
  const first = firstReady(state)
  if (first !== undefined) return first
  for (const server of state.servers.values()) {
    for (const keeper of server.chores) return { do: 'housekeep', server, keeper }
  }
  return whenIdle(state)
}

function whenIdle(state: RunState): Action | undefined {
  for (const operation of state.operations) if (operation.late) return { do: 'answer', operation }
  for (const process of state.processes) {
    for (const informer of process.informers) {
      if (informer.hold !== undefined && state.isOver(informer.hold)) return { do: 'hear', process, informer }
    }
    const downtime = state.down.get(process)
    if (downtime !== undefined && state.isOver(downtime)) return { do: 'start', process }
  }
  const { nextMs } = state.timers
  const horizon = state.advanceToMs ?? state.quietSinceMs + state.prepared.limits.settleMs
  if (nextMs !== undefined && nextMs <= horizon) return { do: 'time' }
  if (state.advanceToMs !== undefined) return { do: 'time' }
  return state.step < state.prepared.steps.length ? { do: 'step', early: false } : undefined
}

/** Of the reconcile that began last, its oldest: a reconcile runs to its end unless a choice interrupts it. */
function newestOperation(state: RunState): Operation | undefined {
  let found: Operation | undefined
  for (const operation of state.operations) {
    if (operation.late) continue
    if (found === undefined || operation.slot.began > found.slot.began) found = operation
  }
  return found
}

function firstReady(state: RunState): (Action & { do: 'begin' }) | undefined {
  let found: (Action & { do: 'begin' }) | undefined
  for (const { slots } of state.processes) {
    for (const slot of slots) {
      if (slot.key !== undefined) continue
      for (const ready of slot.queue.ready()) {
        if (found === undefined || goesBefore(ready, found.ready)) found = { do: 'begin', slot, ready }
      }
    }
  }
  return found
}

/** Everything else that could happen now. */
export function unusualActions(state: RunState, choices: Choices, usual: Action): Action[] {
  const actions: Action[] = []
  if (choices.may('reorderings')) {
    for (const process of state.processes) beginnings(process, actions)
    for (const process of state.processes) {
      for (const informer of process.informers) {
        if (informer.hold !== undefined) actions.push({ do: 'hear', process, informer })
      }
      if (state.down.has(process)) actions.push({ do: 'start', process })
    }
    for (const operation of state.operations) actions.push({ do: 'answer', operation })
    for (const server of state.servers.values()) {
      for (const keeper of server.chores) actions.push({ do: 'housekeep', server, keeper })
    }
    if (state.timers.nextMs !== undefined) actions.push({ do: 'time' })
    if (state.hasOpenStep && state.advanceToMs === undefined && state.refusedAt !== state.actions) {
      actions.push({ do: 'step', early: true })
    }
  }
  if (choices.may('restarts')) {
    for (const process of state.processes) {
      if (!state.down.has(process) && !process.steady) actions.push({ do: 'crash', process })
    }
  }
  const same = actions.findIndex((action) => isSame(action, usual))
  if (same !== -1) actions.splice(same, 1)
  return actions
}

/** Keys that free workers of a process could begin; workers of one controller stand beside each other. */
function beginnings({ slots }: Process, actions: Action[]): void {
  let last: Slot['queue'] | undefined
  for (const slot of slots) {
    if (slot.key !== undefined || slot.queue === last) continue
    last = slot.queue
    for (const ready of slot.queue.ready()) actions.push({ do: 'begin', slot, ready })
  }
}

/** An action in words that stay the same when something unrelated changes. */
export function actionText(state: RunState, action: Action): string {
  switch (action.do) {
    case 'answer':
      return operationText(action.operation)
    case 'begin':
      return `${slotName(action.slot)} begins ${action.ready.key}`
    case 'housekeep':
      return `the ${action.keeper} does its work`
    case 'hear':
      return `${action.process.name} hears of ${action.informer.watch.resource.plural}`
    case 'start':
      return `${action.process.name} starts again`
    case 'crash':
      return `${action.process.name} crashes`
    case 'time':
      return 'time passes to the next timer'
    case 'step':
      return `step ${state.step + 1}: ${state.prepared.steps[state.step]!.text}`
  }
}

function goesBefore(left: ReadyKey, right: ReadyKey): boolean {
  return left.initial === right.initial ? left.sequence < right.sequence : right.initial
}

function isSame(left: Action, right: Action): boolean {
  if (left.do !== right.do) return false
  switch (left.do) {
    case 'answer':
      return left.operation === (right as typeof left).operation
    case 'begin':
      return (
        left.slot.queue === (right as typeof left).slot.queue && left.ready.key === (right as typeof left).ready.key
      )
    case 'housekeep':
      return left.server === (right as typeof left).server && left.keeper === (right as typeof left).keeper
    case 'hear':
      return left.informer === (right as typeof left).informer
    case 'start':
    case 'crash':
      return left.process === (right as typeof left).process
    case 'time':
    case 'step':
      return true
  }
}
