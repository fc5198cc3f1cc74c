import type { Housekeeper } from '@locktender/apiserver'
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
      if (slot.key !== undefined || !slot.queue.isReady) continue
      for (const ready of slot.queue.ready()) {
        if (found === undefined || goesBefore(ready, found.ready)) found = { do: 'begin', slot, ready }
      }
    }
  }
  return found
}

/**
 * Counts what else could happen, and makes one action of it when asked for: at nearly every moment the usual one is
 * taken, and only the number of the others is of interest.
 */
class Others {
  readonly #usual: Action
  readonly #wanted: number
  count = 0
  action: Action | undefined

  constructor(usual: Action, wanted: number) {
    this.#usual = usual
    this.#wanted = wanted
  }

  #isWanted(isUsual: boolean): boolean {
    return !isUsual && this.count++ === this.#wanted
  }

  answer(operation: Operation): void {
    const usual = this.#usual
    if (this.#isWanted(usual.do === 'answer' && usual.operation === operation))
      this.action = { do: 'answer', operation }
  }

  begin(slot: Slot, ready: ReadyKey): void {
    const usual = this.#usual
    const isUsual = usual.do === 'begin' && usual.slot.queue === slot.queue && usual.ready.key === ready.key
    if (this.#isWanted(isUsual)) this.action = { do: 'begin', slot, ready }
  }

  housekeep(server: RunServer, keeper: Housekeeper): void {
    const usual = this.#usual
    const isUsual = usual.do === 'housekeep' && usual.server === server && usual.keeper === keeper
    if (this.#isWanted(isUsual)) this.action = { do: 'housekeep', server, keeper }
  }

  hear(process: Process, informer: Informer): void {
    const usual = this.#usual
    if (this.#isWanted(usual.do === 'hear' && usual.informer === informer)) {
      this.action = { do: 'hear', process, informer }
    }
  }

  start(process: Process): void {
    const usual = this.#usual
    if (this.#isWanted(usual.do === 'start' && usual.process === process)) this.action = { do: 'start', process }
  }

  crash(process: Process): void {
    if (this.#isWanted(false)) this.action = { do: 'crash', process }
  }

  time(): void {
    if (this.#isWanted(this.#usual.do === 'time')) this.action = { do: 'time' }
  }

  step(): void {
    if (this.#isWanted(this.#usual.do === 'step')) this.action = { do: 'step', early: true }
  }
}

/** Which unusual actions are allowed at a moment; choosing one may use the allowance up. */
export interface Allowance {
  readonly reorderings: boolean
  readonly restarts: boolean
}

/** How much else could happen now. */
export function countUnusual(state: RunState, allowed: Allowance, usual: Action): number {
  const others = new Others(usual, -1)
  tellUnusual(state, allowed, others)
  return others.count
}

/** What else could happen now, by its number from 0. */
export function unusualAction(state: RunState, allowed: Allowance, usual: Action, index: number): Action {
  const others = new Others(usual, index)
  tellUnusual(state, allowed, others)
  return others.action!
}

function tellUnusual(state: RunState, allowed: Allowance, others: Others): void {
  if (allowed.reorderings) {
    for (const process of state.processes) beginnings(process, others)
    for (const process of state.processes) {
      for (const informer of process.informers) if (informer.hold !== undefined) others.hear(process, informer)
      if (state.down.has(process)) others.start(process)
    }
    for (const operation of state.operations) others.answer(operation)
    for (const server of state.servers.values()) {
      for (const keeper of server.chores) others.housekeep(server, keeper)
    }
    if (state.timers.nextMs !== undefined) others.time()
    if (state.hasOpenStep && state.advanceToMs === undefined && state.refusedAt !== state.actions) others.step()
  }
  if (allowed.restarts) {
    for (const process of state.processes) {
      if (!state.down.has(process) && !process.steady) others.crash(process)
    }
  }
}

/** Keys that free workers of a process could begin; workers of one controller stand beside each other. */
function beginnings({ slots }: Process, others: Others): void {
  let last: Slot['queue'] | undefined
  for (const slot of slots) {
    if (slot.key !== undefined || slot.queue === last) continue
    last = slot.queue
    if (!last.isReady) continue
    for (const ready of last.ready()) others.begin(slot, ready)
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
