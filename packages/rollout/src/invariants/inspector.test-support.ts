import type { RolloutEngine } from '../engine.ts'
import type { Decision, PersistedRollout, RolloutEvent, RolloutPhase, RolloutSummary, TargetInput } from '../types.ts'
import { checkCounters, checkCounts } from './counts.test-support.ts'
import { checkUntil } from './earned.test-support.ts'
import { lookAtSamples, ruleToHalt } from './evidence.test-support.ts'
import { isTakenBack, isTouched, Known, standOf, type KnownTarget, type KnownWave } from './known.test-support.ts'
import { strategyOf, type Story } from './story.test-support.ts'
import { checkNobodyWaits, checkRequest, RevertOrder } from './targets.test-support.ts'
import { violates } from './violation.test-support.ts'
import {
  candidatesOf,
  checkClosing,
  checkMembers,
  checkOrder,
  checkQuiet,
  checkSize,
  checkSoaking,
  takenOf,
} from './waves.test-support.ts'
import type { Asked, Watch } from './world.test-support.ts'

const ENDED: readonly RolloutPhase[] = ['Completed', 'Reverted', 'Aborted']

/** Holds every step of a run against the invariants of SPEC.md; throws at the first that does not hold. */
export class Inspector implements Watch {
  /** How often each kind of decision was checked. */
  readonly checked: Record<string, number> = {}
  readonly #story: Story
  readonly #maxPerShard: (shard: string) => number
  #known!: Known
  #now = 0
  #life = 0
  #summary: RolloutSummary | undefined
  #reverts: RevertOrder | undefined
  /** What is repeated until it is acknowledged. */
  #repeated: string | undefined
  #hasStrangers = false
  /** Waves somebody ended the soak of, in any life. */
  readonly #expedited = new Set<string>()

  constructor(story: Story, maxPerShard: (shard: string) => number) {
    this.#story = story
    this.#maxPerShard = maxPerShard
  }

  began(engine: RolloutEngine, targets: readonly TargetInput[], persisted: PersistedRollout, now: number): void {
    this.#life++
    this.#now = now
    const waves = persisted.stages.flatMap(({ name, waves }) =>
      waves.map(({ size, closedAt }, index): KnownWave => ({
        stage: name,
        number: index + 1,
        size,
        candidates: undefined,
        taken: new Map(),
        customers: new Map(),
        isAcknowledged: true,
        isExpedited: this.#expedited.has(`${name}/${index + 1}`),
        closedAt,
        asked: new Set(),
        askedBefore: targets.filter(({ stage, wave, requested }) => requested && stage === name && wave === index + 1)
          .length,
      })),
    )
    const known = new Known(strategyOf(this.#story, this.#maxPerShard), waves, targets, 0, persisted.skipped)
    this.#known = known
    const { outcome, verdict, decisions = 0, signals = [] } = persisted
    for (const { bad, total } of signals) known.samples = { bad, total, areNew: true }
    const isReverting = known.strategy.autoRevert || verdict?.rule === 'Operator'
    known.phase = outcome ?? (verdict ? (isReverting ? 'Reverting' : 'Halted') : 'Progressing')
    this.#repeated = undefined
    this.#summary = engine.summary(now)
    if (this.#summary.decisions < decisions) violates('I11', 'decisions went back in a restart')
    for (const stage of this.#summary.stages) if (stage.phase === 'Passed') known.passed.add(stage.name)
    this.#reverts = undefined
    this.#checkPhase(engine)
  }

  told(event: RolloutEvent): void {
    if (event.type === 'remove') {
      this.#known.remove(event.id)
      this.#reverts?.forget(event.id)
    } else if (event.type === 'upsert') {
      const { target } = event
      if (!this.#known.targets.has(target.id) && target.requested && target.wave === undefined)
        this.#hasStrangers = true
      this.#known.see(target, this.#now)
    } else {
      const { samples } = this.#known
      this.#known.samples = { bad: samples.bad + event.bad, total: samples.total + event.total, areNew: true }
    }
  }

  writeFailed(id: string): void {
    this.#known.writeFailed(id, this.#now)
    this.#reverts?.forget(id)
  }

  /** I23: whoever nobody asked can be left out while the rollout is under way. */
  skipped(id: string, hadEffect: boolean): void {
    const known = this.#known
    const target = known.targets.get(id)
    const isUnderWay = known.phase === 'Progressing' || known.phase === 'Paused'
    const expected = isUnderWay && !known.skipped.has(id) && (target === undefined || !isTouched(target))
    if (hadEffect !== expected) violates('I23', `leaving out ${id} has ${hadEffect ? 'an' : 'no'} effect`)
    if (!hadEffect) return
    this.checked['skip'] = (this.checked['skip'] ?? 0) + 1
    known.skipped.add(id)
    if (target) target.isSkipped = true
  }

  /** I24: whoever failed can be tried again while the rollout is under way. */
  retried(id: string, hadEffect: boolean): void {
    const known = this.#known
    const target = known.targets.get(id)
    const isUnderWay = known.phase === 'Progressing' || known.phase === 'Paused'
    const hasFailed = target !== undefined && target.input.phase === 'Failed' && !isTakenBack(target) && !target.again
    if (hadEffect !== (isUnderWay && hasFailed && this.#canRetry(target)))
      violates('I24', `trying ${id} again has ${hadEffect ? 'an' : 'no'} effect`)
    if (!hadEffect || !target) return
    this.checked['retry'] = (this.checked['retry'] ?? 0) + 1
    target.again = 'wanted'
  }

  /** A wave of its stage was open when it was seen. */
  #canRetry({ wave, input }: KnownTarget): boolean {
    return this.#known.stage(input.stage) >= 0 && wave !== 0
  }

  asked(what: Asked, hadEffect: boolean, place?: { readonly stage: string; readonly wave: number }): void {
    const known = this.#known
    const isUnderWay = known.phase === 'Progressing' || known.phase === 'Paused'
    const isHalted = known.phase === 'Halted'
    const canRevert = isHalted && this.#repeated === undefined
    const expected = {
      pause: known.phase === 'Progressing',
      resume: known.phase === 'Paused',
      abort: isUnderWay || isHalted,
      revert: canRevert,
      revertNow: canRevert || ((isUnderWay || known.phase === 'Completed') && !known.isRevertWanted),
      expedite: hadEffect,
    }[what]
    if (hadEffect !== expected) violates('States', `${what} in ${known.phase} has ${hadEffect ? 'an' : 'no'} effect`)
    if (!hadEffect) return
    if (what === 'pause') known.phase = 'Paused'
    if (what === 'resume') known.phase = 'Progressing'
    if (what === 'abort') known.phase = 'Aborted'
    if (what === 'expedite') this.#expedite(place)
    if (what === 'revertNow' && !isHalted) known.isRevertWanted = true
    else if (what === 'revert' || what === 'revertNow') this.#startReverting()
  }

  acknowledged(engine: RolloutEngine, decision: Decision): void {
    const known = this.#known
    this.#repeated = undefined
    if (decision.type === 'open-wave') {
      const wave = known.lastWave(decision.stage)
      if (wave) wave.isAcknowledged = true
    }
    const isReverting = known.strategy.autoRevert || (decision.type === 'halt' && decision.verdict.rule === 'Operator')
    if (decision.type === 'halt' && known.phase === 'Halted' && isReverting) this.#startReverting()
    this.#checkPhase(engine)
  }

  decided(engine: RolloutEngine, decisions: readonly Decision[], now: number): void {
    this.#now = now
    const known = this.#known
    known.advance(now)
    lookAtSamples(known)
    const phase = known.phase
    if (phase === 'Reverting') this.#reverts ??= new RevertOrder(known)
    const wasWaiting = this.#repeated !== undefined
    this.#checkHalt(decisions, now)
    for (const decision of decisions) {
      this.checked[decision.type] = (this.checked[decision.type] ?? 0) + 1
      this.#check(decision, now)
    }
    const summary = engine.summary(now)
    this.#checkPassed(summary, now)
    const isFirstLife = this.#life === 1
    if (phase === known.phase && !wasWaiting && (phase === 'Progressing' ? !this.#repeated : phase === 'Reverting')) {
      checkNobodyWaits(known, now)
    }
    if (known.phase === 'Progressing' && summary.gate.waitingFor === 'Soak') checkSoaking(known, summary.stage ?? '')
    if (known.phase === 'Progressing' && !this.#repeated && checkUntil(known, summary, now)) {
      this.checked.earned = (this.checked.earned ?? 0) + 1
    }
    checkCounts(known, summary, now, isFirstLife)
    checkCounters(this.#summary, summary)
    this.#summary = summary
    this.#checkPhase(engine)
  }

  /** C6: it says when it wants to be asked again, and that is later. */
  rested(engine: RolloutEngine, now: number): void {
    const due = engine.nextDue(now)
    if (due !== undefined && due <= now) violates('C6', `it is due at ${due}, and has nothing to say`)
  }

  /** I12: it halts when it must, and only then; what is seen before one decision counts together. */
  #checkHalt(decisions: readonly Decision[], now: number): void {
    const known = this.#known
    const [first] = decisions
    const verdict = first?.type === 'halt' && JSON.stringify(first) !== this.#repeated ? first.verdict : undefined
    if (known.phase === 'Completed' && known.isRevertWanted) {
      if (verdict?.rule !== 'Operator') violates('I18', 'it is wanted back and does not halt')
      known.phase = 'Halted'
      this.#repeated = JSON.stringify(first)
    } else if (known.phase === 'Progressing' || known.phase === 'Paused') {
      const isExact = !this.#hasStrangers && (this.#life === 1 || this.#story.recordsWave)
      const rule = ruleToHalt(known, now, isExact)
      if (rule !== 'unknown' && rule !== verdict?.rule)
        violates('I12', `${rule ?? 'nothing'} must halt, ${verdict?.rule ?? 'nothing'} does`)
      if (verdict) {
        known.phase = 'Halted'
        this.#repeated = JSON.stringify(first)
      }
    } else if (verdict) violates('I12', `it halts in ${known.phase}`)
    known.isRevertWanted = false
    known.failedIn.clear()
  }

  #check(decision: Decision, now: number): void {
    const known = this.#known
    if ('at' in decision && decision.type !== 'close-wave' && JSON.stringify(decision) === this.#repeated) return
    if (decision.type === 'halt') {
      if (JSON.stringify(decision) !== this.#repeated) violates('I12', 'a halt is not repeated as it was')
      return
    }
    const isRevert = decision.type === 'revert' || (decision.type === 'complete' && decision.outcome === 'Reverted')
    const wanted = isRevert ? 'Reverting' : 'Progressing'
    if (known.phase !== wanted) violates('I12', `${decision.type} in ${known.phase}`)
    if (this.#repeated !== undefined) violates('I4', `${decision.type} while ${this.#repeated} is not acknowledged`)
    switch (decision.type) {
      case 'apply': {
        checkRequest(known, decision, now)
        if (decision.attempt !== undefined) {
          known.retryIssued(decision.id)
          return
        }
        known.issued(decision.id, decision.wave, now)
        const wave = known.lastWave(decision.stage)
        wave?.asked.add(decision.id)
        if (wave) checkMembers(known, wave)
        return
      }
      case 'revert':
        this.#reverts?.check(known, decision, now)
        known.revertIssued(decision.id)
        return
      case 'close-wave': {
        const wave = known.lastWave(decision.stage)
        if (wave?.number !== decision.wave || wave.closedAt !== undefined)
          violates('I6', `${decision.stage}/${decision.wave} is closed and is not open`)
        checkClosing(known, wave, now)
        wave.closedAt = now
        return
      }
      case 'open-wave':
        this.#open(decision, now)
        return
      case 'complete':
        this.#complete(decision.outcome, now)
    }
    this.#repeated = JSON.stringify(decision)
  }

  #open(decision: Extract<Decision, { type: 'open-wave' }>, now: number): void {
    const known = this.#known
    const { stage, wave: number, size } = decision
    checkOrder(known, decision)
    checkQuiet(known, stage, now, false)
    const candidates = candidatesOf(known, stage, now)
    checkSize(known, decision, candidates)
    const customers = new Map<string, number>()
    for (const { input } of known.targets.values()) {
      if (known.stage(input.stage) >= 0) customers.set(input.customer, (customers.get(input.customer) ?? 0) + 1)
    }
    known.waves.push({
      stage,
      number,
      size,
      candidates,
      taken: takenOf(known, stage),
      customers,
      isAcknowledged: false,
      isExpedited: false,
      closedAt: undefined,
      asked: new Set(),
      askedBefore: 0,
    })
    this.#repeated = JSON.stringify(decision)
  }

  #complete(outcome: 'Completed' | 'Reverted', now: number): void {
    const known = this.#known
    known.phase = outcome
    if (outcome === 'Completed') {
      for (const { name } of known.strategy.stages) checkQuiet(known, name, now, true)
      return
    }
    for (const target of known.targets.values()) {
      if (!isTouched(target)) continue
      if (!isTakenBack(target)) violates('I13', `${target.input.id} keeps the change`)
      if (standOf(target, now) === 'busy') violates('I13', `${target.input.id} is still at it`)
    }
  }

  /** I6, I2: a stage is passed when nothing of it is left. */
  #checkPassed(summary: RolloutSummary, now: number): void {
    const { passed } = this.#known
    for (const { name, phase } of summary.stages) {
      if (phase !== 'Passed') {
        if (passed.has(name)) violates('I1', `${name} was passed`)
        continue
      }
      if (passed.has(name)) continue
      checkQuiet(this.#known, name, now, true)
      passed.add(name)
    }
  }

  #expedite(place: { readonly stage: string; readonly wave: number } | undefined): void {
    const wave = this.#known.lastWave(place?.stage ?? '')
    if (wave?.number !== place?.wave || !wave?.isAcknowledged)
      return violates('I17', 'it hurries a wave that is not open')
    wave.isExpedited = true
    this.#expedited.add(`${wave.stage}/${wave.number}`)
  }

  #startReverting(): void {
    this.#known.phase = 'Reverting'
    this.#reverts = undefined
  }

  #checkPhase(engine: RolloutEngine): void {
    const { phase } = this.#known
    if (engine.phase !== phase) violates('States', `it is ${engine.phase} instead of ${phase}`)
  }
}

/** I8: nothing stops a run for good but those who asked for that. */
export function checkEnd(story: Story, { phase, gate }: RolloutSummary): void {
  if (ENDED.includes(phase)) return
  if (phase === 'Paused' && story.happenings.some(({ kind }) => kind === 'pause')) return
  if (phase === 'Halted' && !story.autoRevert) return
  violates('I8', `it is ${phase} for ever: ${gate.message}`)
}
