import type { RolloutPhase, StrategyInput, TargetInput } from '../types.ts'

export type Stand = 'idle' | 'closed' | 'busy' | 'done' | 'excluded'
export type End = 'applied' | 'failed' | 'broken'

/** What stays known of a target that leaves. */
export interface Memory {
  isTouched: boolean
  isReverted: boolean
  end: End | undefined
  /** The wave its end counts in; undefined when that cannot be said. */
  countedIn: number | undefined
}

/** A target, as somebody knows it who reads SPEC.md and hears what the engine hears. */
export interface KnownTarget {
  input: TargetInput
  /** As it was told first, or when it moved last: what it is picked by. */
  readonly picked: TargetInput
  /** As it was told last, wherever it was when it was asked. */
  told: TargetInput
  isIssued: boolean
  /** Another attempt is wanted and yet to be decided, or decided and yet to be seen. */
  again: 'wanted' | 'decided' | undefined
  isSkipped: boolean
  isRevertIssued: boolean
  lateSince: number | undefined
  lastingOnset: number | undefined
  /** 0 = in none; undefined = cannot be said. */
  wave: number | undefined
  readonly memory: Memory
}

/** A wave as it was announced. */
export interface KnownWave {
  readonly stage: string
  readonly number: number
  readonly size: number
  /** Who could be in it when it was picked; undefined when that was in an earlier life. */
  readonly candidates: ReadonlyMap<string, KnownTarget> | undefined
  /** Of each stratum, how many were in waves before. */
  readonly taken: ReadonlyMap<string, number>
  /** Targets of each customer by then. */
  readonly customers: ReadonlyMap<string, number>
  isAcknowledged: boolean
  isExpedited: boolean
  closedAt: number | undefined
  readonly asked: Set<string>
  /** Members that were asked in an earlier life, as far as that was recorded. */
  readonly askedBefore: number
}

const RUNNING = ['Applying', 'Verifying', 'Reverting']
const OVER = ['Applied', 'Failed', 'Reverted']
const AWAY = ['NotAffected', 'Held', 'Unreachable']
const HALTING = ['UnexpectedNodeRollout', 'EtcdQuorumLost']

export function isRunning({ input }: KnownTarget): boolean {
  return RUNNING.includes(input.phase)
}

export function isTouched({ input, isIssued }: KnownTarget): boolean {
  return isIssued || input.requested || RUNNING.includes(input.phase) || OVER.includes(input.phase)
}

export function isTakenBack(target: KnownTarget): boolean {
  const { input, isIssued, isRevertIssued } = target
  return isTouched(target) && (isRevertIssued || !(isIssued || input.requested))
}

function isLate({ input, lateSince }: KnownTarget): boolean {
  return lateSince !== undefined && lateSince === input.since
}

/** The table of SPEC.md, read row by row, without the code of the engine. */
export function standOf(target: KnownTarget, now: number): Stand {
  const { input, isIssued } = target
  if (AWAY.includes(input.phase)) return 'excluded'
  const waiting = (input.notBefore ?? now) > now ? 'closed' : 'idle'
  if (!isTouched(target)) return target.isSkipped ? 'excluded' : waiting
  if (!isTakenBack(target)) {
    if (input.phase === 'Pending') return 'busy'
    if (input.phase === 'Failed' && target.again) return target.again === 'wanted' ? waiting : 'busy'
    return OVER.includes(input.phase) || isLate(target) ? 'done' : 'busy'
  }
  switch (input.phase) {
    case 'Pending':
      return isIssued || input.requested ? 'busy' : 'done'
    case 'Failed':
      return input.revert ? 'done' : 'busy'
    case 'Reverting':
      return isLate(target) ? 'done' : 'busy'
    case 'Reverted':
      return 'done'
    default:
      return 'busy'
  }
}

export function isUndecided(target: KnownTarget): boolean {
  const { input, lastingOnset, memory } = target
  if (input.onsetAt === undefined || lastingOnset === input.onsetAt || AWAY.includes(input.phase)) return false
  return memory.end !== 'failed' && memory.end !== 'broken' && isTouched(target) && !isTakenBack(target)
}

export function isHarmed({ input, memory }: KnownTarget): boolean {
  if (memory.end === 'failed' || memory.end === 'broken' || input.phase === 'Failed') return true
  return input.onsetAt !== undefined || HALTING.includes(input.reason ?? '')
}

function samePlace(left: TargetInput, right: TargetInput): boolean {
  const keys = ['stage', 'stratum', 'shard', 'customer', 'pair', 'notFirst'] as const
  return keys.every((key) => left[key] === right[key])
}

/** Everything that one life of the engine was told and decided, kept without any cleverness. */
export class Known {
  readonly strategy: StrategyInput
  readonly targets = new Map<string, KnownTarget>()
  readonly waves: KnownWave[]
  phase: RolloutPhase = 'Progressing'
  /** The engine waits for an acknowledgement. */
  isWaiting = false
  /** Last completion in each stage. */
  readonly completions = new Map<string, number>()
  /** Where something failed since the last decision. */
  readonly failedIn = new Set<KnownTarget>()
  isRevertWanted = false
  /** The samples were evidence enough at some look. */
  isWatchHalting = false
  /** Stages whose last soak is over. */
  readonly passed = new Set<string>()
  /** Of every stratum somebody was ever in. */
  readonly strata = new Set<string>()
  hasSignal = false
  samples = { bad: 0, total: 0, areNew: false }
  /** Everybody ever touched, who is here or not. */
  readonly memories = new Map<string, Memory>()
  readonly #departed = new Map<string, Memory>()
  /** Targets of the engine that counted an end when they were in another stage, or left: for the evidence. */
  readonly ends: { stage: string; stratum: string; wave: number | undefined; memory: Memory }[] = []

  readonly skipped: Set<string>

  constructor(
    strategy: StrategyInput,
    waves: KnownWave[],
    targets: readonly TargetInput[],
    begunAt: number,
    skipped: readonly string[] = [],
  ) {
    this.strategy = strategy
    this.skipped = new Set(skipped)
    this.waves = waves
    for (const target of targets) this.#enter(target).wave = target.wave
    for (const known of this.targets.values()) this.#settle(known, begunAt)
  }

  stage(name: string): number {
    return this.strategy.stages.findIndex((stage) => stage.name === name)
  }

  *in(stage: string): Iterable<KnownTarget> {
    for (const target of this.targets.values()) if (target.input.stage === stage) yield target
  }

  lastWave(stage: string): KnownWave | undefined {
    return this.waves.findLast((wave) => wave.stage === stage)
  }

  inFlight(now: number, shard?: string): number {
    let count = 0
    for (const target of this.targets.values()) {
      if ((shard ?? target.input.shard) === target.input.shard && standOf(target, now) === 'busy') count++
    }
    return count
  }

  hasRoom(shard: string, now: number): boolean {
    const { maxPerShard, maxConcurrent = Number.POSITIVE_INFINITY } = this.strategy
    return this.inFlight(now, shard) < maxPerShard(shard) && this.inFlight(now) < maxConcurrent
  }

  /** Another one of the pair whose operation is under way. */
  busyPartner({ input: { id, pair } }: KnownTarget, now: number): string | undefined {
    if (pair === undefined) return undefined
    for (const { input, ...rest } of this.targets.values()) {
      if (input.pair === pair && input.id !== id && standOf({ input, ...rest }, now) === 'busy') return input.id
    }
    return undefined
  }

  see(input: TargetInput, now: number): void {
    const before = this.targets.get(input.id)
    let known = before
    if (before && (isTouched(before) || samePlace(before.input, input))) {
      const { stage, stratum, shard, customer } = before.input
      const isSeen = before.again === 'decided' && input.attempt !== before.input.attempt
      if (isSeen || !input.requested) before.again = undefined
      before.input = { ...input, stage, stratum, shard, customer }
      before.told = input
      if (input.requested) before.isIssued = false
    } else {
      if (before) this.remove(input.id)
      known = this.#enter(input)
    }
    if (known) this.#settle(known, now)
  }

  remove(id: string): void {
    const known = this.targets.get(id)
    if (!known) return
    this.targets.delete(id)
    if (known.memory.isTouched) this.#departed.set(id, known.memory)
  }

  /** What follows from the time alone. */
  advance(now: number): void {
    const { operationTimeoutMs, onsetGraceMs = 0 } = this.strategy
    for (const known of this.targets.values()) {
      const { since, onsetAt } = known.input
      const isLateNow = isRunning(known) && since !== undefined && now > since + operationTimeoutMs
      const isLasting = onsetAt !== undefined && now >= onsetAt + onsetGraceMs
      if (isLateNow) known.lateSince = since
      if (isLasting) known.lastingOnset = onsetAt
      if (isLateNow || isLasting) this.#settle(known, now)
    }
  }

  issued(id: string, wave: number, now: number): void {
    const known = this.targets.get(id)
    if (!known) return
    known.isIssued = true
    known.wave = wave
    this.#settle(known, now)
  }

  /** Another attempt is decided. */
  retryIssued(id: string): void {
    const known = this.targets.get(id)
    if (known) known.again = 'decided'
  }

  revertIssued(id: string): void {
    const known = this.targets.get(id)
    if (!known) return
    known.isRevertIssued = true
    known.isIssued = false
    known.again = undefined
  }

  writeFailed(id: string, now: number): void {
    const known = this.targets.get(id)
    if (!known) return
    known.isIssued = false
    if (known.again) known.again = 'wanted'
    known.isRevertIssued = false
    if (isTouched(known) || samePlace(known.picked, known.told)) {
      this.#settle(known, now)
      return
    }
    this.remove(id)
    this.#settle(this.#enter(known.told), now)
  }

  #enter(input: TargetInput): KnownTarget {
    const memory = this.#departed.get(input.id) ?? {
      isTouched: false,
      isReverted: false,
      end: undefined,
      countedIn: undefined,
    }
    const known: KnownTarget = {
      input,
      picked: input,
      told: input,
      isIssued: false,
      again: undefined,
      isSkipped: this.skipped.has(input.id),
      isRevertIssued: false,
      lateSince: undefined,
      lastingOnset: undefined,
      wave: undefined,
      memory,
    }
    this.targets.set(input.id, known)
    if (this.stage(input.stage) >= 0) this.strata.add(input.stratum)
    return known
  }

  #settle(known: KnownTarget, now: number): void {
    const { input, memory } = known
    if (!isTouched(known)) return
    const isInStage = this.stage(input.stage) >= 0
    const last = this.lastWave(input.stage)
    if (!known.wave) known.wave = last?.isAcknowledged ? last.number : 0
    memory.isTouched = true
    this.memories.set(input.id, memory)
    if (input.phase === 'Reverted') memory.isReverted = true
    if (input.onsetAt !== undefined && (this.strategy.onsetGraceMs ?? 0) === 0) known.lastingOnset = input.onsetAt
    if (isInStage && standOf(known, now) === 'done' && !isTakenBack(known)) {
      const { operationTimeoutMs } = this.strategy
      const ended = input.completedAt ?? (input.since === undefined ? now : input.since + operationTimeoutMs)
      this.completions.set(input.stage, Math.max(this.completions.get(input.stage) ?? ended, ended))
    }
    const end = this.#endOf(known)
    if (isInStage && end && end !== memory.end && (memory.end ?? 'applied') === 'applied') {
      if (memory.end === undefined) {
        memory.countedIn = known.wave
        this.ends.push({ stage: input.stage, stratum: input.stratum, wave: known.wave, memory })
      }
      memory.end = end
      if (end !== 'applied') this.failedIn.add(known)
    }
    if (HALTING.includes(input.reason ?? '') && !isTakenBack(known)) this.hasSignal = true
  }

  #endOf(known: KnownTarget): End | undefined {
    const { input, lastingOnset } = known
    if (isTakenBack(known)) return undefined
    if ((input.attempt ?? 1) > 1 || input.phase === 'Failed' || isLate(known)) return 'failed'
    if (input.phase !== 'Applied' && input.phase !== 'Verifying') return undefined
    if (input.onsetAt !== undefined && lastingOnset === input.onsetAt) return 'broken'
    if (input.phase === 'Verifying') return undefined
    const { since = 0, completedAt = 0 } = input
    return completedAt - since > this.strategy.operationTimeoutMs ? 'failed' : 'applied'
  }
}
