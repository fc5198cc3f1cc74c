import { sumOfHashes, type Change, type Housekeeper, type ServerStep } from '@locktender/apiserver'
import { clone, ConnectionError, drained, errorText, type TransportRequest } from '@locktender/kube'
import { TerminalError, UndeclaredAccessError } from '../errors.ts'
import { actionText, countUnusual, unusualAction, usualAction, type Action } from './agenda.ts'
import type { Chooser } from './choice.ts'
import { Choices } from './choices.ts'
import { nextTurn } from './edge/next-turn.ts'
import { endHash, type HeldState } from './end-state.ts'
import { budgetOf, fatesOf, refusalBy, type Fate } from './fates.ts'
import { sentBy } from './identity.ts'
import type { HoldUntil, Informer } from './informer.ts'
import type { ReadyKey } from './key-queue.ts'
import { lagsOf, lagText, type Lag } from './lags.ts'
import { momentOf, tell } from './moment.ts'
import { BEGINNING_MS, type PreparedServer } from './prepared-server.ts'
import { Process, unanswered, type Operation, type ProcessHost, type Request, type Slot } from './process.ts'
import { RunState, type RunServer } from './run-state.ts'
import type { Finding, Observer, Prepared, Reference, RunResult, TraceEntry } from './run-types.ts'
import type { Oracle, OutsideReply, Step, WorldState } from './scenario.ts'
import { once } from './steps.ts'
import { changeText, operationText, scopeText, slotName } from './texts.ts'
import { differences, endlessErrors } from './verdict.ts'
import { changedFields, nameOf, WriteWatch } from './write-watch.ts'

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
/**
 * One schedule of a scenario. The scheduler does one thing at a time, and lets the code of controllers run until it
 * waits again before it does the next; so what happens depends only on the choices.
 */
export class Run {
  readonly #state: RunState
  readonly #choices: Choices
  readonly #reference: Reference | undefined
  readonly #observer: Observer
  readonly #invariants: { readonly name: string; readonly check: (state: WorldState) => string | undefined }[]
  readonly #writes = new WriteWatch()
  readonly #findings: Finding[] = []
  readonly #signal = new AbortController().signal
  #sequence = 0
  /** Stands for everything stored, whatever always differs between schedules left out. */
  #stored = 0
  /** Who made which change last. */
  #last: { readonly writer: string; readonly change: Change } | undefined
  /** The reconcile whose code was woken by the present action. */
  #woken: Slot | undefined
  /** Whether somebody tells moments apart. */
  readonly #tellsMoments: boolean
  /** While every key is reconciled once more at the end, nothing may be written. */
  #checksStability = false

  constructor(prepared: Prepared, chooser: Chooser, reference?: Reference, observer: Observer = {}) {
    const { scenario, servers, limits } = prepared
    this.#state = new RunState(prepared)
    this.#choices = new Choices(observer.trace === undefined ? chooser : this.#traced(chooser), limits)
    this.#reference = reference
    this.#observer = observer
    const host: ProcessHost = {
      servers,
      timers: this.#state.timers,
      sequence: () => this.#sequence++,
      ask: (operation) => {
        operation.slot.waiting++
        this.#state.operations = [...this.#state.operations, operation]
      },
      broke: (what, error) => this.#find('exception', `${what}: ${errorText(error)}`),
    }
    this.#state.processes = Object.entries(scenario.processes).map(
      ([name, make]) => new Process(name, make, scenario.steady?.includes(name) === true, host),
    )
    this.#tellsMoments = chooser.attach !== undefined
    chooser.attach?.(() => momentOf(this.#state, this.#choices))
    this.#invariants = (scenario.invariants ?? []).map((invariant) => ({
      name: invariant.name,
      check: invariant.start(),
    }))
  }

  /** Runs the schedule to its end, or to the first thing that is found wrong. */
  async execute(): Promise<RunResult> {
    for (const process of this.#state.processes) this.#start(process)
    await drained()
    await this.#work()
    // Errors that nobody waits for are told between two turns.
    await nextTurn()
    const end = this.#state.held()
    const hash = endHash(end)
    if (this.#findings.length === 0) await this.#judgeEnd(end, hash)
    return { findings: this.#findings, actions: this.#state.actions, end, hash, counts: this.#writes.counts }
  }

  /** Something went wrong in code that nobody waits for. */
  lost(error: unknown): void {
    this.#find('exception', `an error that nobody waited for: ${errorText(error)}`)
  }

  /** Does one thing after the other until nothing is left to do, or something is wrong. */
  async #work(): Promise<void> {
    const { actions: most } = this.#state.prepared.limits
    while (this.#findings.length === 0) {
      const action = this.#next()
      if (action === undefined) return
      if (++this.#state.actions > most) {
        this.#find('convergence', `${most} actions have not led to an end; the last to write: ${this.#lastWrite()}`)
        return
      }
      // Most actions have come to their end when the code they wake has run once.
      const waits = this.#perform(action)
      if (waits === undefined) continue
      await waits
      const slot = this.#woken
      this.#woken = undefined
      if (slot !== undefined && isAtLarge(slot)) await this.#bePatient(slot)
    }
  }

  #lastWrite(): string {
    return this.#last === undefined ? 'nobody' : `${this.#last.writer}, ${nameOf(this.#last.change.key)}`
  }

  #next(): Action | undefined {
    const state = this.#state
    const usual = usualAction(state)
    if (!this.#choices.isOpen || usual === undefined) return usual
    const allowed = { reorderings: this.#choices.may('reorderings'), restarts: this.#choices.may('restarts') }
    const others = countUnusual(state, allowed, usual)
    const other = (option: number): Action => unusualAction(state, allowed, usual, option - 1)
    const chosen = this.#choices.choose(
      'order',
      others + 1,
      () => `before: ${actionText(state, usual)}`,
      (option) => actionText(state, option === 0 ? usual : other(option)),
    )
    if (chosen === 0) return usual
    const action = other(chosen)
    this.#choices.spend(action.do === 'crash' ? 'restarts' : 'reorderings')
    return action
  }

  /** Undefined when no code of controllers has been woken by it. */
  #perform(action: Action): Promise<void> | undefined {
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
        return undefined
      case 'start':
        this.#state.down.delete(action.process)
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

  #passTime(): Promise<void> {
    const state = this.#state
    const { nextMs } = state.timers
    if (state.advanceToMs !== undefined && (nextMs === undefined || nextMs > state.advanceToMs)) {
      state.timers.moveTo(state.advanceToMs)
      state.advanceToMs = undefined
      state.quietSinceMs = state.timers.now()
    } else state.timers.fire()
    return drained()
  }

  #begin(slot: Slot, { key }: ReadyKey): Promise<void> {
    const { queue, controller, process, world } = slot
    const { life } = process
    queue.take(key)
    slot.key = key
    slot.began = this.#sequence++
    if (this.#tellsMoments) {
      slot.told.length = 0
      tell(slot, 0, key)
    }
    process.reconciled.get(controller.name)!.add(key)
    if (this.#observer.trace !== undefined) {
      const unseen = process.informers.flatMap(({ hold }) => hold?.changes.map(changeText) ?? [])
      this.#trace('begin', slotName(slot), key, { unseen: [...new Set(unseen)] })
    }
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
          const { requeueAfterMs } = result ?? {}
          const again = requeueAfterMs === undefined ? '' : `, again in ${requeueAfterMs / 1000} s`
          if (this.#observer.trace !== undefined) this.#trace('end', slotName(slot), `${key}${again}`)
          queue.succeeded(key, requeueAfterMs)
        }),
      (error: unknown) => free(() => this.#failed(slot, key, error)),
    )
    return this.#letRun(slot)
  }

  /** Lets the code of a reconcile run until it waits for the world, or has ended. */
  #letRun(slot: Slot): Promise<void> {
    this.#woken = slot
    return drained()
  }

  async #bePatient(slot: Slot): Promise<void> {
    for (let turn = 0; turn < PATIENCE_TURNS && isAtLarge(slot); turn++) await nextTurn()
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

  #answer(operation: Operation): Promise<void> | undefined {
    if ('url' in operation) return this.#answerOutside(operation)
    const { slot, request, server } = operation
    const fate = operation.late ? undefined : this.#fate(operation)
    if (fate === 'late') {
      operation.late = true
      return undefined
    }
    this.#state.operations = this.#state.operations.filter((other) => other !== operation)
    if (fate === 'crash before') return this.#crash(slot.process)
    const held = this.#state.servers.get(server)!
    if (held.down || fate === 'no connection') {
      operation.reject(unanswered(request))
      return this.#answered(slot, 1)
    }
    const refusal = refusalBy(fate, request) ?? this.#state.permissions.refusal(slot.process.name, server, request)
    if (refusal !== undefined) {
      const body = Buffer.from(JSON.stringify(refusal.status))
      return this.#reply(operation, { status: refusal.code, headers: {}, body })
    }
    const user = this.#state.prepared.scenario.users?.[slot.process.name]
    const step = this.#send(held, sentBy(user, request))
    return step instanceof Promise
      ? step.then((made) => this.#served(operation, fate, held, made))
      : this.#served(operation, fate, held, step)
  }

  /** The server has done what it was asked for; what becomes of its answer? */
  #served(operation: Request, fate: Fate | undefined, held: RunServer, step: ServerStep): Promise<void> | undefined {
    const { slot, request } = operation
    this.#changed(held, step, slotName(slot))
    if (this.#findings.length > 0) return undefined
    if (fate === 'crash after') return this.#crash(slot.process)
    if (fate === 'answer lost') {
      operation.reject(unanswered(request))
      return this.#answered(slot, 2)
    }
    return this.#reply(operation, step)
  }

  #reply(
    operation: Request,
    { status, headers, body }: Pick<ServerStep, 'status' | 'headers' | 'body'>,
  ): Promise<void> {
    const { slot } = operation
    if (this.#observer.trace !== undefined)
      this.#trace('request', slotName(slot), `${operationText(operation)}: ${status}`)
    operation.resolve({
      status,
      headers,
      get body() {
        return once(body)
      },
      json: () => clone(parsed(body)),
    })
    return this.#answered(slot, status, body)
  }

  /** What becomes of an operation other than being answered. */
  #fate(operation: Operation): Fate | undefined {
    if (!this.#choices.isOpen || operation.slot.process.steady) return undefined
    const fates = fatesOf('request' in operation ? operation.request : undefined)
    const open = fates.filter((fate) => this.#choices.may(budgetOf[fate]))
    const chosen = this.#choices.choose(
      'request',
      open.length + 1,
      () => operationText(operation),
      (option) => (option === 0 ? 'answered' : open[option - 1]!),
    )
    if (chosen === 0) return undefined
    const fate = open[chosen - 1]!
    this.#choices.spend(budgetOf[fate])
    return fate
  }

  #answerOutside(operation: Extract<Operation, { url: string }>): Promise<void> {
    const { slot, url } = operation
    const fate = this.#fate(operation)
    this.#state.operations = this.#state.operations.filter((other) => other !== operation)
    const reply = fate === undefined ? outsideReply(this.#state.outside, url) : 'unreachable'
    if (reply === 'unreachable') {
      operation.reject(new ConnectionError(`${url} cannot be reached`))
      return this.#answered(slot, 3)
    }
    const { status, headers = {}, body = '' } = reply
    operation.resolve({ status, headers, body })
    return this.#answered(slot, status, body)
  }

  /** Lets a reconcile go on with what it was told. */
  #answered(slot: Slot, status: number, body?: Uint8Array | string): Promise<void> {
    slot.waiting--
    if (this.#tellsMoments) tell(slot, status, body)
    return this.#letRun(slot)
  }

  /** What a request does to a server; at once when that is known already. */
  #send(held: RunServer, request: TransportRequest): ServerStep | Promise<ServerStep> {
    const { server } = held.prepared
    const now = this.#state.timers.now()
    return server.known(held.state, request, now) ?? server.step(held.state, request, now)
  }

  /** Takes over what a server did, and tells everybody what has changed. */
  #changed(held: RunServer, step: ServerStep, writer: string): void {
    const { prepared } = held
    const before = held.state
    held.state = step.state
    for (const change of step.changes) {
      held.past.push({ state: before, change })
      this.#state.quietSinceMs = this.#state.timers.now()
      this.#last = { writer, change }
      this.#stored = sumOfHashes(this.#stored, weightOf(prepared, change))
      if (this.#observer.trace !== undefined) {
        this.#trace('write', writer, changeText(change), { fields: changedFields(prepared, change) })
      }
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
      for (const process of this.#state.processes) {
        for (const informer of process.informers) {
          if (informer.server === prepared && informer.concerns(change)) this.#deliver(process, informer, change)
        }
      }
      this.#checkInvariants()
    }
  }

  #checkInvariants(): void {
    for (const { name, check } of this.#invariants) {
      const wrong = check(this.#state.world)
      if (wrong !== undefined) this.#find('invariant', `${name}: ${wrong}`)
    }
  }

  #deliver(process: Process, informer: Informer, change: Change): void {
    if (informer.hold !== undefined) {
      informer.keepToo(change)
      return
    }
    if (!process.steady && this.#choices.may('staleness')) {
      // After the last step there is none to wait for.
      const holds = this.#state.hasOpenStep ? HOLDS : HOLDS.slice(0, 2)
      const chosen = this.#choices.choose(
        'cache',
        holds.length + 1,
        () => `${process.name}: ${changeText(change)}${scopeText(informer)}`,
        (option) => (option === 0 ? 'hears of it at once' : holds[option - 1]!.name),
      )
      if (chosen !== 0) {
        const { until, lastOnly } = holds[chosen - 1]!
        this.#choices.spend('staleness')
        informer.keep(change, until, this.#state.step, lastOnly)
        return
      }
    }
    informer.hear(change)
  }

  async #housekeep(server: RunServer, keeper: Housekeeper): Promise<void> {
    const step = await server.prepared.server.housekeep(server.state, keeper, this.#state.timers.now())
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
      const { past, state } = this.#state.servers.get(informer.server)!
      const first = lag?.informers.includes(informer) === true ? lag.first : past.length
      informer.list(past[first]?.state ?? state)
      for (const { change } of past.slice(first)) {
        if (!informer.concerns(change)) continue
        if (informer.hold === undefined) informer.keep(change, lag!.until, this.#state.step, false)
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
    if (process.life === 1 || process.steady || !this.#choices.may('staleness')) return undefined
    const lags = lagsOf(this.#state, process)
    const chosen = this.#choices.choose(
      'relist',
      1 + lags.length,
      () => `${process.name} lists`,
      (option) => (option === 0 ? 'the newest state' : lagText(lags[option - 1]!)),
    )
    if (chosen === 0) return undefined
    this.#choices.spend('staleness')
    return lags[chosen - 1]
  }

  #crash(process: Process): Promise<void> | undefined {
    this.#trace('crash', process.name, 'crashes')
    process.crash()
    this.#state.operations = this.#state.operations.filter(({ slot }) => slot.process !== process)
    const downtimes: readonly { readonly name: string; readonly until: HoldUntil }[] = [
      { name: 'when nothing else is left to do', until: 'idle' },
      ...(this.#state.hasOpenStep ? [{ name: 'after the next step', until: 'next step' } as const] : []),
    ]
    const chosen = this.#choices.choose(
      'relist',
      downtimes.length + 1,
      () => `${process.name} starts again`,
      (option) => (option === 0 ? 'at once' : downtimes[option - 1]!.name),
    )
    if (chosen !== 0) {
      this.#state.down.set(process, { until: downtimes[chosen - 1]!.until, step: this.#state.step })
      return undefined
    }
    this.#start(process)
    return drained()
  }

  // Steps.

  async #performStep(early: boolean): Promise<void> {
    const { parts, text } = this.#state.prepared.steps[this.#state.step]!
    this.#trace('step', 'outside', text)
    for (const [index, { step, requests }] of parts.entries()) {
      for (const { server, request } of requests) {
        const held = this.#state.servers.get(server)!
        const made = await this.#send(held, request)
        this.#changed(held, made, 'outside')
        const { status, body } = made
        if (status < 400) continue
        if (early && index === 0) {
          // It is too early for this step: what it is about is not there yet.
          this.#state.refusedAt = this.#state.actions
          return
        }
        const { message } = JSON.parse(Buffer.from(body).toString('utf8')) as { message?: string }
        this.#find('step', `step ${this.#state.step + 1} (${text}) was refused: ${message ?? status}`)
        return
      }
      await this.#applyStep(step)
    }
    this.#state.step++
    this.#state.quietSinceMs = this.#state.timers.now()
  }

  async #applyStep(step: Step): Promise<void> {
    if ('advance' in step) this.#state.advanceToMs = this.#state.timers.now() + step.advance
    else if ('answer' in step) this.#state.outside.set(step.answer, step.with)
    else if ('deny' in step) {
      this.#state.permissions.deny(step.deny, this.#state.serverOf(step.cluster).prepared, step.resource, step.verbs)
    } else if ('allow' in step) {
      this.#state.permissions.allow(step.allow, this.#state.serverOf(step.cluster).prepared, step.resource)
    } else if ('restart' in step) {
      const process = this.#state.processes.find(({ name }) => name === step.restart)
      if (process === undefined) throw new RangeError(`a step restarts ${step.restart}, which is no process`)
      process.crash()
      this.#state.operations = this.#state.operations.filter(({ slot }) => slot.process !== process)
      this.#state.down.delete(process)
      this.#start(process)
      await drained()
    } else if ('outage' in step) this.#state.serverOf(step.outage).down = true
    else if ('restore' in step) this.#state.serverOf(step.restore).down = false
    else if ('expect' in step) {
      const wrong = step.that(this.#state.world)
      if (wrong !== undefined) this.#find('expectation', `${step.expect}: ${wrong}`)
    }
  }

  // The end.

  async #judgeEnd(end: readonly HeldState[], hash: number): Promise<void> {
    await this.#checkStuck()
    this.#report(endlessErrors(this.#state))
    if (this.#reference !== undefined && this.#findings.length === 0) {
      const { updateFactor } = this.#state.prepared.limits
      this.#report(differences(this.#reference, end, hash, this.#writes.counts, updateFactor))
    }
    const { stableEnds } = this.#state.prepared
    if (this.#findings.length > 0 || !this.#applies('stability') || stableEnds.has(hash)) return
    await this.#checkStability()
    if (this.#findings.length === 0) stableEnds.add(hash)
  }

  async #checkStuck(): Promise<void> {
    const waiting = (): Slot[] =>
      this.#state.processes.flatMap(({ slots }) => slots.filter(({ key }) => key !== undefined))
    if (waiting().length === 0) return
    // Sleeping until after the end is no mistake.
    const lost = (): Slot | undefined => waiting().find((slot) => slot.waiting === 0)
    for (let turn = 0; turn < LAST_PATIENCE_TURNS && lost() !== undefined; turn++) await nextTurn()
    const slot = lost()
    if (slot !== undefined)
      this.#find('stuck', `${slotName(slot)} ${slot.key}: its reconcile waits for something that never comes`)
  }

  async #checkStability(): Promise<void> {
    this.#checksStability = true
    this.#choices.close()
    for (const { slots, reconciled } of this.#state.processes) {
      for (const { controller, queue } of slots) {
        for (const key of reconciled.get(controller.name) ?? []) queue.add(key)
      }
    }
    this.#state.quietSinceMs = -Infinity
    await this.#work()
  }

  #applies(oracle: Oracle): boolean {
    return this.#state.prepared.scenario.withoutOracles?.includes(oracle) !== true
  }

  #find(oracle: Oracle, message: string): void {
    if (!this.#applies(oracle)) return
    this.#findings.push({ oracle, message })
    this.#trace('found', oracle, message)
  }

  #report(findings: readonly Finding[]): void {
    for (const { oracle, message } of findings) this.#find(oracle, message)
  }

  /** Tells of choices other than the default. */
  #traced(chooser: Chooser): Chooser {
    return {
      choose: (kind, options, at, name) => {
        const chosen = chooser.choose(kind, options, at, name)
        if (chosen !== 0) this.#trace('choice', kind, '', { choice: { kind, at: at(), take: name(chosen) } })
        return chosen
      },
    }
  }

  #trace(what: TraceEntry['what'], who: string, text: string, more: Partial<TraceEntry> = {}): void {
    this.#observer.trace?.({ atMs: this.#state.timers.now() - BEGINNING_MS, what, who, text, ...more })
  }
}

/** Whether a reconcile waits for something that is not of the world. */
function isAtLarge({ key, waiting }: Slot): boolean {
  return key !== undefined && waiting === 0
}

const weights = new WeakMap<Change, number>()

/** How much a change adds to the number that stands for all that is stored, whatever always differs left out. */
function weightOf(prepared: PreparedServer, change: Change): number {
  let weight = weights.get(change)
  if (weight === undefined) {
    const { before, after } = change
    const was = before === undefined ? 0 : prepared.normal(before).hash
    const is = after === undefined ? 0 : prepared.normal(after).hash
    weights.set(change, (weight = (is - was + 2 ** 52) % 2 ** 52))
  }
  return weight
}

/** Answers by their bytes, which are the same for all schedules that get them. */
const parsedAnswers = new WeakMap<Uint8Array, unknown>()

function parsed(body: Uint8Array): unknown {
  let answer = parsedAnswers.get(body)
  if (answer === undefined) {
    answer = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
    parsedAnswers.set(body, answer)
  }
  return answer
}

/** The longest prefix that fits counts. */
function outsideReply(replies: ReadonlyMap<string, OutsideReply>, url: string): OutsideReply {
  let best = ''
  for (const prefix of replies.keys()) if (url.startsWith(prefix) && prefix.length >= best.length) best = prefix
  return replies.get(best) ?? 'unreachable'
}
