import { sumOfHashes, type Change, type Housekeeper, type ServerState, type ServerStep } from '@locktender/apiserver'
import {
  type ApiError,
  conflict,
  ConnectionError,
  drained,
  errorText,
  forbidden,
  hash52,
  internalError,
  tooManyRequests,
  type TransportRequest,
} from '@locktender/kube'
import { targetOf } from '../api-path.ts'
import { TerminalError, UndeclaredAccessError } from '../errors.ts'
import type { ChoiceKind, Chooser } from './choice.ts'
import { nextTurn } from './edge/next-turn.ts'
import { describeDifference, endHash, type HeldState } from './end-state.ts'
import type { HoldUntil, Informer } from './informer.ts'
import type { ReadyKey } from './key-queue.ts'
import { BEGINNING_MS, type PreparedServer } from './prepared-server.ts'
import { Process, unanswered, type Operation, type Slot } from './process.ts'
import type { AccessVerb, Limits, Oracle, OutsideReply, Scenario, Step, WorldState } from './scenario.ts'
import { once, type PreparedStep } from './steps.ts'
import { Timers } from './timers.ts'
import { nameOf, WriteWatch } from './write-watch.ts'

/** A scenario with everything that its schedules share. */
export interface Prepared {
  readonly scenario: Scenario
  /** By every name they have. */
  readonly servers: ReadonlyMap<string, PreparedServer>
  readonly steps: readonly PreparedStep[]
  readonly limits: Required<Limits>
  /** Ends in which reconciling every key once more has changed nothing. */
  readonly stableEnds: Set<number>
}

/** What the reference run came to, to compare others with. */
export interface Reference {
  readonly end: readonly HeldState[]
  readonly hash: number
  /** Writes by controller and kind of write. */
  readonly counts: ReadonlyMap<string, number>
}

/** Something that happened, for people. */
export interface TraceEntry {
  /** Milliseconds since the schedule began. */
  readonly atMs: number
  readonly what: 'step' | 'begin' | 'end' | 'request' | 'write' | 'cache' | 'crash' | 'start' | 'time'
  /** Who did it: `process/controller`, `outside`, or one of the server's controllers. */
  readonly who: string
  readonly text: string
}

/** What explorers want to know of a schedule while it runs. */
export interface Observer {
  /** After each write; `state` stands for everything stored. */
  wrote?(state: number, writer: string, change: Change): void
  trace?(entry: TraceEntry): void
}

/** What was found wrong under a schedule. */
export interface Finding {
  readonly oracle: Oracle
  readonly message: string
}

/** What a schedule came to. */
export interface RunResult extends Reference {
  readonly findings: readonly Finding[]
  /** Requests, beginnings of reconciles and steps. */
  readonly actions: number
}

type Action =
  | { readonly do: 'answer'; readonly operation: Operation }
  | { readonly do: 'begin'; readonly slot: Slot; readonly ready: ReadyKey }
  | { readonly do: 'housekeep'; readonly server: RunServer; readonly keeper: Housekeeper }
  | { readonly do: 'hear'; readonly process: Process; readonly informer: Informer }
  | { readonly do: 'start'; readonly process: Process }
  | { readonly do: 'crash'; readonly process: Process }
  | { readonly do: 'time' }
  | { readonly do: 'step'; readonly early: boolean }

interface RunServer {
  readonly prepared: PreparedServer
  state: ServerState
  down: boolean
  /** Its own controllers that may have something to do. */
  readonly chores: Set<Housekeeper>
  /** What it held before each change of this schedule, oldest first. */
  readonly past: { readonly state: ServerState; readonly change: Change }[]
}

/** A process that is down, and until when. */
interface Downtime {
  readonly until: HoldUntil
  readonly step: number
}

/** What some caches of a process do not know yet when it starts. */
interface Lag {
  readonly informers: readonly Informer[]
  /** They know all but the last so many changes of this one. */
  readonly of: Informer
  readonly changes: number
  /** Position of the first change they do not know among those of the schedule. */
  readonly first: number
  readonly until: HoldUntil
}

/** What becomes of a request, other than being answered. */
type Fate =
  | 'late'
  | 'crash before'
  | 'crash after'
  | 'answer lost'
  | 'conflict'
  | 'fails with 500'
  | 'fails with 429'
  | 'no connection'

type Budget = 'reorderings' | 'staleness' | 'restarts' | 'lostAnswers' | 'conflicts' | 'failures'

const BUDGET_OF: Readonly<Record<Fate, Budget>> = {
  late: 'reorderings',
  'crash before': 'restarts',
  'crash after': 'restarts',
  'answer lost': 'lostAnswers',
  conflict: 'conflicts',
  'fails with 500': 'failures',
  'fails with 429': 'failures',
  'no connection': 'failures',
}

const READ_FATES: readonly Fate[] = ['fails with 500', 'fails with 429', 'no connection']
const WRITE_FATES: readonly Fate[] = ['crash before', 'crash after', 'answer lost', 'late', 'conflict', ...READ_FATES]
const OUTSIDE_FATES: readonly Fate[] = ['no connection']

/** Ways in which a cache may hear of a change late. */
const HOLDS: readonly { readonly name: string; readonly until: HoldUntil; readonly lastOnly: boolean }[] = [
  { name: 'hears of it when nothing else is left to do', until: 'idle', lastOnly: false },
  { name: 'hears only of the last state when nothing else is left to do', until: 'idle', lastOnly: true },
  { name: 'hears of it after the next step', until: 'next step', lastOnly: false },
  { name: 'hears only of the last state after the next step', until: 'next step', lastOnly: true },
]

/** Errors that only a mistake in the program makes. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError]

/** Turns of the event loop a reconcile may take for something that is not of the world, such as loading a module. */
const PATIENCE_TURNS = 20
const LAST_PATIENCE_TURNS = 2000
/** A key that failed so often in a row, the last time at the end, fails for ever. */
const ENDLESS_ERRORS = 6

/**
 * One schedule of a scenario. The scheduler does one thing at a time, and lets the code of controllers run until it
 * waits again before it does the next; so what happens depends only on the choices.
 */
export class Run {
  readonly #prepared: Prepared
  readonly #chooser: Chooser
  readonly #reference: Reference | undefined
  readonly #observer: Observer
  readonly #timers = new Timers(BEGINNING_MS)
  readonly #servers = new Map<PreparedServer, RunServer>()
  readonly #processes: Process[]
  readonly #down = new Map<Process, Downtime>()
  #operations: Operation[] = []
  readonly #outside: Map<string, OutsideReply>
  readonly #denied: {
    readonly process: string
    readonly group: string
    readonly plural: string
    readonly server: PreparedServer
    readonly verbs: readonly AccessVerb[] | undefined
  }[] = []
  readonly #world: WorldState
  readonly #invariants: { readonly name: string; readonly check: (state: WorldState) => string | undefined }[]
  readonly #writes = new WriteWatch()
  readonly #findings: Finding[] = []
  readonly #used: Record<Budget, number> = {
    reorderings: 0,
    staleness: 0,
    restarts: 0,
    lostAnswers: 0,
    conflicts: 0,
    failures: 0,
  }
  /** Choices left that may differ from the default. */
  #choicesLeft: number
  #sequence = 0
  #actions = 0
  #step = 0
  /** An early try of this step was refused at this many actions: it is not tried again before something has happened. */
  #refusedAt = -1
  /** Since when nothing was written and no step happened. */
  #quietSinceMs = BEGINNING_MS
  /** Where an `advance` step lets time go. */
  #advanceToMs: number | undefined
  #stored = 0
  /** While every key is reconciled once more at the end, nothing may be written. */
  #checksStability = false

  constructor(prepared: Prepared, chooser: Chooser, reference?: Reference, observer: Observer = {}) {
    this.#prepared = prepared
    this.#chooser = chooser
    this.#reference = reference
    this.#observer = observer
    this.#choicesLeft = prepared.limits.perturbations
    const { scenario, servers } = prepared
    for (const server of servers.values()) {
      if (this.#servers.has(server)) continue
      this.#servers.set(server, {
        prepared: server,
        state: server.server.initial,
        down: false,
        chores: new Set(),
        past: [],
      })
    }
    const controller = new AbortController()
    const host = {
      servers,
      timers: this.#timers,
      signal: controller.signal,
      sequence: () => this.#sequence++,
      ask: (operation: Operation) => {
        operation.slot.waiting++
        this.#operations.push(operation)
      },
      broke: (what: string, error: unknown) => this.#find('exception', `${what}: ${errorText(error)}`),
    }
    this.#signal = controller.signal
    this.#processes = Object.entries(scenario.processes).map(
      ([name, make]) => new Process(name, make, scenario.steady?.includes(name) === true, host),
    )
    this.#outside = new Map(Object.entries(scenario.outside ?? {}))
    const objects = new Map(
      [...servers].map(([name, server]) => [name, server.objects(() => this.#servers.get(server)!.state)]),
    )
    const timers = this.#timers
    this.#world = {
      get nowMs() {
        return timers.now()
      },
      cluster(name) {
        const found = objects.get(name)
        if (found === undefined) throw new RangeError(`the scenario has no cluster ${name}`)
        return found
      },
    }
    chooser.attach?.(() => this.moment())
    this.#invariants = (scenario.invariants ?? []).map((invariant) => ({
      name: invariant.name,
      check: invariant.start(),
    }))
  }

  readonly #signal: AbortSignal

  /** Runs the schedule to its end, or to the first thing that is found wrong. */
  async execute(): Promise<RunResult> {
    for (const process of this.#processes) this.#start(process)
    await drained()
    await this.#work()
    // Errors that nobody waits for are told between two turns.
    await nextTurn()
    const end = this.#held()
    const hash = endHash(end)
    if (this.#findings.length === 0) await this.#judgeEnd(end, hash)
    return { findings: this.#findings, actions: this.#actions, end, hash, counts: this.#writes.counts }
  }

  /** Something went wrong in code that nobody waits for. */
  lost(error: unknown): void {
    this.#find('exception', `an error that nobody waited for: ${errorText(error)}`)
  }

  /**
   * A number that stands for all that decides how the schedule goes on when everything goes the default way. What
   * controllers keep in memory is not in it, unless the scenario says that it matters: then it is all they were told.
   */
  moment(): number {
    const parts: (string | number)[] = [this.#step, this.#choicesLeft, this.#advanceToMs ?? 0]
    parts.push(...Object.values(this.#used), ...this.#timers.delays(), this.#timers.now() - this.#quietSinceMs)
    for (const { state, down, chores } of this.#servers.values()) parts.push(state.hash, Number(down), ...chores)
    for (const { process, plural, verbs } of this.#denied) parts.push(process, plural, ...(verbs ?? []))
    for (const operation of this.#operations) parts.push(operationText(operation), Number(operation.late))
    for (const process of this.#processes) {
      const downtime = this.#down.get(process)
      parts.push(process.name, downtime === undefined ? '' : `${downtime.until} ${downtime.step}`)
      if (this.#prepared.scenario.remembers === true) parts.push(...process.told.map(toldText))
      for (const { content, hold } of process.informers) {
        parts.push(content)
        if (hold === undefined) continue
        parts.push(hold.until, hold.step, Number(hold.lastOnly))
        for (const { key, after } of hold.changes) parts.push(key, after?.hash ?? 0)
      }
      for (const slot of process.slots) {
        parts.push(slot.key ?? '', slot.waiting, ...slot.told.map(toldText))
        for (const { key, initial } of slot.queue.ready()) parts.push(key, Number(initial))
        for (const [key, count] of slot.queue.failures) parts.push(key, count)
      }
    }
    return hash52(parts.join(' '))
  }

  #held(): HeldState[] {
    return [...this.#servers.values()].map(({ prepared, state }) => ({ prepared, state }))
  }

  /** Does one thing after the other until nothing is left to do, or something is wrong. */
  async #work(): Promise<void> {
    const { actions: most } = this.#prepared.limits
    while (this.#findings.length === 0) {
      const action = this.#next()
      if (action === undefined) return
      if (action.do !== 'time' && ++this.#actions > most) {
        this.#find('convergence', `${most} actions have not led to an end; the last to write: ${this.#lastWriter}`)
        return
      }
      await this.#perform(action)
    }
  }

  #lastWriter = 'nobody'

  // What could happen next.

  #next(): Action | undefined {
    const usual = this.#usual()
    if (this.#choicesLeft <= 0 || usual === undefined) return usual
    const others = this.#unusual(usual)
    if (others.length === 0) return usual
    const chosen = this.#choose(
      'order',
      others.length + 1,
      () => `before: ${this.#textOf(usual)}`,
      (option) => this.#textOf(option === 0 ? usual : others[option - 1]!),
    )
    if (chosen === 0) return usual
    const action = others[chosen - 1]!
    this.#spend(action.do === 'crash' ? 'restarts' : 'reorderings')
    return action
  }

  /** What happens by default: whoever is at work goes on, then keys in their order, then what was put off, then time. */
  #usual(): Action | undefined {
    const operation = this.#newestOperation()
    if (operation !== undefined) return { do: 'answer', operation }
    const first = this.#firstReady()
    if (first !== undefined) return first
    for (const server of this.#servers.values()) {
      for (const keeper of server.chores) return { do: 'housekeep', server, keeper }
    }
    return this.#whenIdle()
  }

  #whenIdle(): Action | undefined {
    for (const operation of this.#operations) if (operation.late) return { do: 'answer', operation }
    for (const process of this.#processes) {
      for (const informer of process.informers) {
        if (informer.hold !== undefined && this.#isOver(informer.hold)) return { do: 'hear', process, informer }
      }
      const downtime = this.#down.get(process)
      if (downtime !== undefined && this.#isOver(downtime)) return { do: 'start', process }
    }
    const { nextMs } = this.#timers
    const horizon = this.#advanceToMs ?? this.#quietSinceMs + this.#prepared.limits.settleMs
    if (nextMs !== undefined && nextMs <= horizon) return { do: 'time' }
    if (this.#advanceToMs !== undefined) return { do: 'time' }
    return this.#step < this.#prepared.steps.length ? { do: 'step', early: false } : undefined
  }

  /** Whether what was put off happens now that nothing else does. */
  #isOver({ until, step }: Downtime): boolean {
    return until === 'idle' || this.#step > step || !this.#hasOpenStep()
  }

  /** Whether a step is to come before the controllers must have settled. */
  #hasOpenStep(): boolean {
    return this.#prepared.steps[this.#step]?.isBarrier === false
  }

  /** Of the reconcile that began last, its oldest: a reconcile runs to its end unless a choice interrupts it. */
  #newestOperation(): Operation | undefined {
    let found: Operation | undefined
    for (const operation of this.#operations) {
      if (operation.late) continue
      if (found === undefined || operation.slot.began > found.slot.began) found = operation
    }
    return found
  }

  #firstReady(): (Action & { do: 'begin' }) | undefined {
    let found: (Action & { do: 'begin' }) | undefined
    for (const { slots } of this.#processes) {
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
  #unusual(usual: Action): Action[] {
    const actions: Action[] = []
    if (this.#may('reorderings')) {
      for (const process of this.#processes) {
        const queues = new Set<unknown>()
        for (const slot of process.slots) {
          if (slot.key !== undefined || queues.has(slot.queue)) continue
          queues.add(slot.queue)
          for (const ready of slot.queue.ready()) actions.push({ do: 'begin', slot, ready })
        }
        for (const informer of process.informers)
          if (informer.hold !== undefined) actions.push({ do: 'hear', process, informer })
        if (this.#down.has(process)) actions.push({ do: 'start', process })
      }
      for (const operation of this.#operations) actions.push({ do: 'answer', operation })
      for (const server of this.#servers.values()) {
        for (const keeper of server.chores) actions.push({ do: 'housekeep', server, keeper })
      }
      if (this.#timers.nextMs !== undefined) actions.push({ do: 'time' })
      if (this.#hasOpenStep() && this.#advanceToMs === undefined && this.#refusedAt !== this.#actions) {
        actions.push({ do: 'step', early: true })
      }
    }
    if (this.#may('restarts')) {
      for (const process of this.#processes) {
        if (!this.#down.has(process) && !process.steady) actions.push({ do: 'crash', process })
      }
    }
    return actions.filter((action) => !isSame(action, usual))
  }

  #textOf(action: Action): string {
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
        return `step ${this.#step + 1}: ${this.#prepared.steps[this.#step]!.text}`
    }
  }

  // Choices.

  #choose(kind: ChoiceKind, options: number, at: () => string, name: (option: number) => string): number {
    if (this.#choicesLeft <= 0) return 0
    const chosen = this.#chooser.choose(kind, options, at, name)
    if (chosen !== 0) this.#choicesLeft--
    return chosen
  }

  #may(budget: Budget): boolean {
    return this.#choicesLeft > 0 && this.#used[budget] < this.#prepared.limits[budget]
  }

  #spend(budget: Budget): void {
    this.#used[budget]++
  }

  // What happens.

  async #perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'answer':
        return this.#answer(action.operation)
      case 'begin':
        return this.#begin(action.slot, action.ready)
      case 'housekeep':
        return this.#housekeep(action.server, action.keeper)
      case 'hear':
        this.#trace('cache', action.process.name, `hears of ${action.informer.watch.resource.plural}`)
        action.informer.release()
        return
      case 'start':
        this.#down.delete(action.process)
        this.#start(action.process)
        return drained()
      case 'crash':
        return this.#crash(action.process)
      case 'time':
        return this.#passTime()
      case 'step':
        return this.#performStep(action.early)
    }
  }

  async #passTime(): Promise<void> {
    const { nextMs } = this.#timers
    if (this.#advanceToMs !== undefined && (nextMs === undefined || nextMs > this.#advanceToMs)) {
      this.#timers.moveTo(this.#advanceToMs)
      this.#advanceToMs = undefined
      this.#quietSinceMs = this.#timers.now()
      return
    }
    this.#timers.fire()
    await drained()
  }

  async #begin(slot: Slot, { key }: ReadyKey): Promise<void> {
    const { queue, controller, process, world } = slot
    const { life } = process
    queue.take(key)
    slot.key = key
    slot.began = this.#sequence++
    slot.told.length = 0
    tell(slot, 0, key)
    process.reconciled.get(controller.name)!.add(key)
    if (this.#observer.trace !== undefined) this.#trace('begin', slotName(slot), key)
    const free = (end: () => void) => {
      // What a process did before it crashed has no end.
      if (process.life !== life) return
      slot.key = undefined
      end()
    }
    let work: Promise<{ readonly requeueAfterMs?: number } | void>
    try {
      work = controller.reconcile(key, world, this.#signal)
    } catch (error) {
      work = Promise.reject(error)
    }
    work.then(
      (result) =>
        free(() => {
          if (this.#observer.trace !== undefined) this.#trace('end', slotName(slot), key)
          queue.succeeded(key, result?.requeueAfterMs)
        }),
      (error: unknown) => free(() => this.#failed(slot, key, error)),
    )
    await this.#letRun(slot)
  }

  /** Lets the code of a reconcile run until it waits for the world, or has ended. */
  async #letRun(slot: Slot): Promise<void> {
    await drained()
    if (slot.key === undefined || slot.waiting > 0) return
    for (let turn = 0; turn < PATIENCE_TURNS && slot.key !== undefined && slot.waiting === 0; turn++) await nextTurn()
  }

  #failed(slot: Slot, key: string, error: unknown): void {
    if (this.#observer.trace !== undefined) this.#trace('end', slotName(slot), `${key} failed: ${errorText(error)}`)
    const cause = error instanceof Error && error.cause instanceof TerminalError ? error.cause : error
    if (cause instanceof UndeclaredAccessError) this.#find('undeclared access', cause.message)
    else if (MISTAKES.some((type) => error instanceof type)) {
      const frozen = /read only|not extensible|Cannot delete property/.test(errorText(error))
      const hint = frozen ? ' (what comes from a cache is shared and must not be changed)' : ''
      this.#find('exception', `${slotName(slot)} ${key}: ${String(error)}${hint}`)
    }
    if (cause instanceof TerminalError) slot.queue.gaveUp(key)
    else slot.queue.failed(key)
  }

  async #answer(operation: Operation): Promise<void> {
    if ('url' in operation) return this.#answerOutside(operation)
    const { slot, request, server, to } = operation
    const fate = operation.late ? undefined : this.#fate(operation, request)
    if (fate === 'late') {
      operation.late = true
      return
    }
    this.#operations = this.#operations.filter((other) => other !== operation)
    if (fate !== undefined && this.#observer.trace !== undefined)
      this.#trace('request', slotName(slot), `${operationText(operation)}: ${fate}`)
    if (fate === 'crash before') return this.#crash(slot.process)
    const held = this.#servers.get(server)!
    const refusal = this.#refusal(operation, held, fate)
    if (refusal instanceof ConnectionError) {
      slot.waiting--
      tell(slot, 1)
      operation.reject(refusal)
      return this.#letRun(slot)
    }
    let status: number
    let headers: Readonly<Record<string, string>> = {}
    let body: Uint8Array
    if (refusal !== undefined) {
      status = refusal.code
      body = Buffer.from(JSON.stringify(refusal.status))
    } else {
      const step = await this.#send(held, request, slotName(slot))
      ;({ status, headers, body } = step)
      if (this.#findings.length > 0) return
      if (fate === 'crash after') return this.#crash(slot.process)
      if (fate === 'answer lost') {
        slot.waiting--
        tell(slot, 2)
        operation.reject(unanswered(request))
        return this.#letRun(slot)
      }
    }
    if (this.#observer.trace !== undefined)
      this.#trace('request', slotName(slot), `${request.method} ${request.path} of ${to}: ${status}`)
    slot.waiting--
    tell(slot, status, body)
    operation.resolve({ status, headers, body: once(body) })
    await this.#letRun(slot)
  }

  #fate(operation: Operation, request: TransportRequest): Fate | undefined {
    if (this.#choicesLeft <= 0 || operation.slot.process.steady) return undefined
    const fates = request.method === 'GET' ? READ_FATES : WRITE_FATES
    const open = fates.filter(
      (fate) => this.#may(BUDGET_OF[fate]) && (fate !== 'conflict' || request.method !== 'POST'),
    )
    if (open.length === 0) return undefined
    const chosen = this.#choose(
      'request',
      open.length + 1,
      () => operationText(operation),
      (option) => (option === 0 ? 'answered' : open[option - 1]!),
    )
    if (chosen === 0) return undefined
    const fate = open[chosen - 1]!
    this.#spend(BUDGET_OF[fate])
    return fate
  }

  /** Why a request does not reach the handlers of its server. */
  #refusal(
    operation: Extract<Operation, { request: TransportRequest }>,
    held: RunServer,
    fate: Fate | undefined,
  ): ApiError | ConnectionError | undefined {
    const { request, slot } = operation
    if (held.down || fate === 'no connection') return unanswered(request)
    if (fate === 'fails with 500') return internalError('an error that the explorer made')
    if (fate === 'fails with 429')
      return tooManyRequests('The server has received too many requests, please try again later.', 1)
    if (fate === undefined && this.#denied.length === 0) return undefined
    const target = targetOf(request.path)
    if (target === undefined) return undefined
    const resource = { group: target.group, resource: target.plural }
    if (fate === 'conflict') {
      return conflict(
        resource,
        target.name ?? '',
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    }
    const verb = verbOf(request, target.name)
    const denied = this.#denied.some(
      ({ process, group, plural, server, verbs }) =>
        process === slot.process.name &&
        group === target.group &&
        plural === target.plural &&
        server === held.prepared &&
        (verbs?.includes(verb) ?? true),
    )
    if (!denied) return undefined
    const where = target.namespace === undefined ? 'at the cluster scope' : `in the namespace "${target.namespace}"`
    const why = `User "${slot.process.name}" cannot ${verb} resource "${target.plural}" in API group "${target.group}" ${where}`
    return forbidden(resource, target.name ?? '', why)
  }

  async #answerOutside(operation: Extract<Operation, { url: string }>): Promise<void> {
    const { slot, url } = operation
    const open = slot.process.steady ? [] : OUTSIDE_FATES.filter((fate) => this.#may(BUDGET_OF[fate]))
    const chosen =
      open.length === 0
        ? 0
        : this.#choose(
            'request',
            open.length + 1,
            () => operationText(operation),
            (option) => (option === 0 ? 'answered' : open[option - 1]!),
          )
    if (chosen !== 0) this.#spend('failures')
    this.#operations = this.#operations.filter((other) => other !== operation)
    slot.waiting--
    let reply: OutsideReply = 'unreachable'
    let best = -1
    for (const [prefix, candidate] of this.#outside) {
      if (url.startsWith(prefix) && prefix.length > best) [reply, best] = [candidate, prefix.length]
    }
    if (chosen !== 0 || reply === 'unreachable') {
      tell(slot, 3)
      operation.reject(new ConnectionError(`${url} cannot be reached`))
    } else {
      const { status, headers = {}, body = '' } = reply
      tell(slot, status, body)
      operation.resolve({ status, headers, body })
    }
    await this.#letRun(slot)
  }

  /** Sends a request to a server, and tells everybody what it changed. */
  async #send(held: RunServer, request: TransportRequest, writer: string): Promise<ServerStep> {
    const { server } = held.prepared
    const now = this.#timers.now()
    const step = server.known(held.state, request, now) ?? (await server.step(held.state, request, now))
    this.#changed(held, step, writer)
    return step
  }

  #changed(held: RunServer, step: ServerStep, writer: string): void {
    const { prepared } = held
    const before = held.state
    held.state = step.state
    for (const change of step.changes) {
      held.past.push({ state: before, change })
      this.#quietSinceMs = this.#timers.now()
      this.#lastWriter = `${writer}, ${nameOf(change.key)}`
      this.#stored = sumOfHashes(this.#stored, weightOf(prepared, change))
      if (this.#observer.trace !== undefined) this.#trace('write', writer, changeText(change))
      if (this.#checksStability) {
        this.#find(
          'stability',
          `with nothing changed, ${writer} ${changeText(change)} when every key is reconciled once more`,
        )
        return
      }
      for (const keeper of prepared.server.triggered(change, held.state)) held.chores.add(keeper)
      const quarrel = this.#writes.observe(prepared, change, writer)
      if (quarrel !== undefined) this.#find('one writer', quarrel)
      this.#observer.wrote?.(this.#stored, writer, change)
      for (const process of this.#processes) {
        for (const informer of process.informers) {
          if (informer.server === prepared && informer.concerns(change)) this.#deliver(process, informer, change)
        }
      }
      this.#checkInvariants()
    }
  }

  #checkInvariants(): void {
    for (const { name, check } of this.#invariants) {
      const wrong = check(this.#world)
      if (wrong !== undefined) this.#find('invariant', `${name}: ${wrong}`)
    }
  }

  #deliver(process: Process, informer: Informer, change: Change): void {
    if (informer.hold !== undefined) {
      informer.keepToo(change)
      return
    }
    if (!process.steady && this.#may('staleness')) {
      // After the last step there is none to wait for.
      const holds = this.#hasOpenStep() ? HOLDS : HOLDS.slice(0, 2)
      const chosen = this.#choose(
        'cache',
        holds.length + 1,
        () => `${process.name}: ${changeText(change)}${scopeText(informer)}`,
        (option) => (option === 0 ? 'hears of it at once' : holds[option - 1]!.name),
      )
      if (chosen !== 0) {
        const { until, lastOnly, name } = holds[chosen - 1]!
        this.#spend('staleness')
        if (this.#observer.trace !== undefined) this.#trace('cache', process.name, `${changeText(change)}: ${name}`)
        informer.keep(change, until, this.#step, lastOnly)
        return
      }
    }
    informer.hear(change)
  }

  async #housekeep(server: RunServer, keeper: Housekeeper): Promise<void> {
    const step = await server.prepared.server.housekeep(server.state, keeper, this.#timers.now())
    if (step.changes.length === 0) server.chores.delete(keeper)
    this.#changed(server, step, keeper)
  }

  // Processes.

  #start(process: Process): void {
    this.#trace('start', process.name, 'starts')
    try {
      process.start()
    } catch (error) {
      if (error instanceof UndeclaredAccessError) this.#find('undeclared access', error.message)
      else this.#find('exception', `${process.name} cannot start: ${errorText(error)}`)
      return
    }
    const lag = this.#lag(process)
    for (const informer of process.informers) {
      const { past, state } = this.#servers.get(informer.server)!
      const first = lag?.informers.includes(informer) === true ? lag.first : past.length
      informer.list(past[first]?.state ?? state)
      for (const { change } of past.slice(first)) {
        if (!informer.concerns(change)) continue
        if (informer.hold === undefined) informer.keep(change, lag!.until, this.#step, false)
        else informer.keepToo(change)
      }
    }
    for (const { controller, queue } of process.slots) for (const key of controller.atStart ?? []) queue.add(key)
  }

  /**
   * Which caches of a process list from a server that is behind when it starts, and how far; undefined when none do.
   * A server keeps each resource in a cache of its own, so one may be behind while others are not.
   */
  #lag(process: Process): Lag | undefined {
    if (process.life === 1 || process.steady || !this.#may('staleness')) return undefined
    const lags = this.#lags(process)
    if (lags.length === 0) return undefined
    const chosen = this.#choose(
      'relist',
      1 + lags.length,
      () => `${process.name} lists`,
      (option) => (option === 0 ? 'the newest state' : lagText(lags[option - 1]!)),
    )
    if (chosen === 0) return undefined
    this.#spend('staleness')
    return lags[chosen - 1]
  }

  #lags(process: Process): Lag[] {
    const untils: readonly HoldUntil[] = this.#hasOpenStep() ? ['idle', 'next step'] : ['idle']
    const lags: Lag[] = []
    for (const informer of process.informers) {
      const { past } = this.#servers.get(informer.server)!
      const neighbours = process.informers.filter(({ server }) => server === informer.server)
      const choices = neighbours.length > 1 ? [[informer], neighbours] : [[informer]]
      let changes = 0
      for (let first = past.length - 1; first >= 0 && changes < this.#prepared.limits.timeTravel; first--) {
        if (!informer.concerns(past[first]!.change)) continue
        changes++
        for (const until of untils) {
          for (const informers of choices) lags.push({ informers, of: informer, changes, first, until })
        }
      }
    }
    return lags
  }

  async #crash(process: Process): Promise<void> {
    this.#trace('crash', process.name, 'crashes')
    process.crash()
    this.#operations = this.#operations.filter(({ slot }) => slot.process !== process)
    const downtimes: readonly { readonly name: string; readonly until: HoldUntil }[] = [
      { name: 'when nothing else is left to do', until: 'idle' },
      ...(this.#hasOpenStep() ? [{ name: 'after the next step', until: 'next step' } as const] : []),
    ]
    const chosen = this.#choose(
      'relist',
      downtimes.length + 1,
      () => `${process.name} starts again`,
      (option) => (option === 0 ? 'at once' : downtimes[option - 1]!.name),
    )
    if (chosen !== 0) {
      this.#down.set(process, { until: downtimes[chosen - 1]!.until, step: this.#step })
      return
    }
    this.#start(process)
    await drained()
  }

  // Steps.

  async #performStep(early: boolean): Promise<void> {
    const { parts, text } = this.#prepared.steps[this.#step]!
    this.#trace('step', 'outside', text)
    for (const [index, { step, requests }] of parts.entries()) {
      for (const { server, request } of requests) {
        const { status, body } = await this.#send(this.#servers.get(server)!, request, 'outside')
        if (status < 400) continue
        if (early && index === 0) {
          // It is too early for this step: what it is about is not there yet.
          this.#refusedAt = this.#actions
          return
        }
        const { message } = JSON.parse(Buffer.from(body).toString('utf8')) as { message?: string }
        this.#find('step', `step ${this.#step + 1} (${text}) was refused: ${message ?? status}`)
        return
      }
      await this.#applyStep(step)
    }
    this.#step++
    this.#quietSinceMs = this.#timers.now()
  }

  async #applyStep(step: Step): Promise<void> {
    if ('advance' in step) this.#advanceToMs = this.#timers.now() + step.advance
    else if ('answer' in step) this.#outside.set(step.answer, step.with)
    else if ('deny' in step) {
      const { deny: process, resource, verbs, cluster } = step
      const { group, plural } = resource
      this.#denied.push({ process, group, plural, server: this.#server(cluster).prepared, verbs })
    } else if ('allow' in step) {
      const { prepared } = this.#server(step.cluster)
      const kept = this.#denied.filter(
        ({ process, plural, group, server }) =>
          process !== step.allow ||
          plural !== step.resource.plural ||
          group !== step.resource.group ||
          server !== prepared,
      )
      this.#denied.splice(0, this.#denied.length, ...kept)
    } else if ('restart' in step) {
      const process = this.#processes.find(({ name }) => name === step.restart)
      if (process === undefined) throw new RangeError(`a step restarts ${step.restart}, which is no process`)
      process.crash()
      this.#operations = this.#operations.filter(({ slot }) => slot.process !== process)
      this.#down.delete(process)
      this.#start(process)
      await drained()
    } else if ('outage' in step) this.#server(step.outage).down = true
    else if ('restore' in step) this.#server(step.restore).down = false
    else if ('expect' in step) {
      const wrong = step.that(this.#world)
      if (wrong !== undefined) this.#find('expectation', `${step.expect}: ${wrong}`)
    }
  }

  #server(cluster: string | undefined): RunServer {
    const name = cluster ?? this.#prepared.servers.keys().next().value ?? ''
    const server = this.#prepared.servers.get(name)
    if (server === undefined) throw new RangeError(`a step is about the cluster ${name}, which the scenario has not`)
    return this.#servers.get(server)!
  }

  // The end.

  async #judgeEnd(end: readonly HeldState[], hash: number): Promise<void> {
    await this.#checkStuck()
    this.#checkErrors()
    const reference = this.#reference
    if (reference !== undefined && this.#findings.length === 0) {
      if (hash !== reference.hash) this.#find('confluence', describeDifference(reference.end, end))
      const { updateFactor } = this.#prepared.limits
      for (const [what, count] of this.#writes.counts) {
        if (what.startsWith('outside ')) continue
        const usual = reference.counts.get(what) ?? 0
        if (count > updateFactor * Math.max(1, usual))
          this.#find('update count', `${what} ${count} times, ${usual} in the reference run`)
      }
    }
    const { stableEnds } = this.#prepared
    if (this.#findings.length > 0 || !this.#applies('stability') || stableEnds.has(hash)) return
    await this.#checkStability()
    if (this.#findings.length === 0) stableEnds.add(hash)
  }

  async #checkStuck(): Promise<void> {
    const waiting = (): Slot[] => this.#processes.flatMap(({ slots }) => slots.filter(({ key }) => key !== undefined))
    if (waiting().length === 0) return
    // Sleeping until after the end is no mistake.
    const lost = (): Slot | undefined => waiting().find((slot) => slot.waiting === 0)
    for (let turn = 0; turn < LAST_PATIENCE_TURNS && lost() !== undefined; turn++) await nextTurn()
    const slot = lost()
    if (slot !== undefined)
      this.#find('stuck', `${slotName(slot)} ${slot.key}: its reconcile waits for something that never comes`)
  }

  #checkErrors(): void {
    if (this.#denied.length > 0 || [...this.#servers.values()].some(({ down }) => down)) return
    for (const { slots } of this.#processes) {
      for (const slot of slots) {
        for (const [key, count] of slot.queue.failures) {
          if (count >= ENDLESS_ERRORS)
            this.#find(
              'endless errors',
              `${slotName(slot)} ${key} has failed ${count} times in a row, the last time at the end`,
            )
        }
      }
    }
  }

  async #checkStability(): Promise<void> {
    this.#checksStability = true
    this.#choicesLeft = 0
    for (const { slots, reconciled } of this.#processes) {
      for (const { controller, queue } of slots) {
        for (const key of reconciled.get(controller.name) ?? []) queue.add(key)
      }
    }
    this.#quietSinceMs = -Infinity
    await this.#work()
  }

  #applies(oracle: Oracle): boolean {
    return this.#prepared.scenario.withoutOracles?.includes(oracle) !== true
  }

  #find(oracle: Oracle, message: string): void {
    if (this.#applies(oracle)) this.#findings.push({ oracle, message })
  }

  #trace(what: TraceEntry['what'], who: string, text: string): void {
    this.#observer.trace?.({ atMs: this.#timers.now() - BEGINNING_MS, what, who, text })
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

/** How much a change adds to the number that stands for all that is stored, whatever always differs left out. */
function weightOf(prepared: PreparedServer, { before, after }: Change): number {
  const was = before === undefined ? 0 : prepared.normal(before).hash
  const is = after === undefined ? 0 : prepared.normal(after).hash
  return (is - was + 2 ** 52) % 2 ** 52
}

function slotName({ process, controller }: Slot): string {
  return process.name === controller.name ? controller.name : `${process.name}/${controller.name}`
}

function operationText(operation: Operation): string {
  const { slot } = operation
  const who = `${slotName(slot)} ${slot.key ?? ''}`
  if ('url' in operation) return `${who}: asks ${operation.url}`
  const { method, path } = operation.request
  const target = targetOf(path)
  if (target === undefined) return `${who}: ${method} ${path}`
  const { group, plural, subresource, namespace, name } = target
  const resource = `${group === '' ? plural : `${plural}.${group}`}${subresource === undefined ? '' : `/${subresource}`}`
  const object = [namespace, name].filter((part) => part !== undefined).join('/')
  return `${who}: ${VERBS[method]} ${resource} ${object}`.trimEnd()
}

const VERBS = { GET: 'reads', POST: 'creates', PUT: 'replaces', PATCH: 'patches', DELETE: 'deletes' }

function verbOf({ method }: TransportRequest, name: string | undefined): AccessVerb {
  if (method === 'GET') return name === undefined ? 'list' : 'get'
  return ({ POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const)[method]
}

function lagText({ informers, of, changes, until }: Lag): string {
  const what = `${of.watch.resource.plural}${scopeText(of)}`
  const before = `before the last ${changes === 1 ? 'change' : `${changes} changes`} of ${what}`
  const end = until === 'idle' ? 'when nothing else is left to do' : 'after the next step'
  return `${informers.length === 1 ? `${what} as they were` : 'everything as it was'} ${before}, and hears of the rest ${end}`
}

function changeText({ key, before, after }: Change): string {
  return `${nameOf(key)} is ${before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'}`
}

function scopeText({ watch }: Informer): string {
  const { namespace, name, labelSelector } = watch
  const parts = [namespace, name, labelSelector].filter((part) => part !== undefined)
  return parts.length === 0 ? '' : ` (read of ${parts.join(' ')})`
}

/** Notes what a reconcile was told, and what it saw in its caches then, for telling moments apart. */
function tell(slot: Slot, status: number, body: Uint8Array | string = ''): void {
  const seen = slot.process.informers.reduce((sum, { content }) => sum + content, status)
  slot.told.push(seen, body)
  slot.process.told.push(seen, body)
}

const bodyHashes = new WeakMap<Uint8Array, number>()

function toldText(part: number | string | Uint8Array): number | string {
  if (!(part instanceof Uint8Array)) return part
  let hash = bodyHashes.get(part)
  if (hash === undefined) bodyHashes.set(part, (hash = hash52(Buffer.from(part).toString('latin1'))))
  return hash
}
