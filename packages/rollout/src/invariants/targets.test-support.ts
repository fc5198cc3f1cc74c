import type { Decision } from '../types.ts'
import { isHarmed, isTakenBack, isTouched, standOf, type Known, type KnownTarget } from './known.test-support.ts'
import { violates } from './violation.test-support.ts'

type Of<Type extends Decision['type']> = Extract<Decision, { type: Type }>

/** I2, I4, I5, I8, I16: a target is asked once, in its wave, when it is open, and under the caps. */
export function checkRequest(known: Known, { id, stage, wave, attempt }: Of<'apply'>, now: number): void {
  const target = known.targets.get(id)
  if (!target) return violates('I2', `${id} is asked and is not there`)
  if (target.again === 'wanted') return checkRetry(known, target, attempt, now)
  if (attempt !== undefined) violates('I24', `nobody wants ${id} tried again`)
  if (target.isSkipped) violates('I23', `${id} is asked and was left out`)
  if (isTouched(target)) violates('I2', `${id} is asked twice`)
  const stand = standOf(target, now)
  if (stand === 'closed') violates('I16', `${id} is asked before its window opens`)
  if (stand !== 'idle') violates('I2', `${id} is asked and is ${target.input.phase}`)
  if (target.input.stage !== stage) violates('I4', `${id} is asked for ${stage} and is of ${target.input.stage}`)
  const its = known.waves.find((each) => each.stage === stage && each.number === wave)
  if (!its?.isAcknowledged) return violates('I4', `${id} is asked in ${stage}/${wave}, which is not open`)
  if (its !== known.lastWave(stage)) violates('I4', `${id} is asked in ${stage}/${wave}, which is over`)
  if (its.candidates && !known.passed.has(stage)) {
    if (!its.candidates.has(id)) violates('I8', `${id} cannot have been picked for ${stage}/${wave}`)
  }
  const isFull = its.asked.size + its.askedBefore >= its.size && !its.asked.has(id)
  if (isFull && !known.passed.has(stage)) violates('I10', `${stage}/${wave} grows`)
  if (!known.hasRoom(target.input.shard, now)) violates('I5', `there is no slot for ${id}`)
  checkPartner(known, target, now)
  for (const other of known.in(stage)) {
    const isOther = other !== target && its.asked.has(other.input.id) && isTouched(other) && other.wave === wave
    if (isOther && pairOf(other) !== undefined && pairOf(other) === pairOf(target))
      violates('P4', `${id} is asked in ${stage}/${wave} as ${other.input.id} was, which stands in for it`)
  }
}

/** I24: a target that failed is tried again when somebody wants that, as it was asked first: under caps, windows, with no partner. */
function checkRetry(known: Known, target: KnownTarget, attempt: number | undefined, now: number): void {
  const { id, shard, phase, attempt: before = 1 } = target.input
  if (attempt !== before + 1) violates('I24', `attempt ${attempt} of ${id} follows attempt ${before}`)
  const stand = standOf(target, now)
  if (isTakenBack(target)) violates('I24', `${id} is tried again and was taken back`)
  if (stand !== 'idle' || phase !== 'Failed') violates('I24', `${id} is tried again and is ${phase} (${stand})`)
  if (!known.hasRoom(shard, now)) violates('I5', `there is no slot to try ${id} again`)
  checkPartner(known, target, now)
}

/** Undefined also when its label was changed since it was picked. */
function pairOf({ input, picked }: KnownTarget): string | undefined {
  return input.pair === picked.pair ? input.pair : undefined
}

/** I22: two of a pair are never in flight together. */
function checkPartner(known: Known, target: KnownTarget, now: number): void {
  const partner = known.busyPartner(target, now)
  if (partner !== undefined)
    violates('I22', `${target.input.id} is begun while ${partner}, which stands in for it, is under way`)
}

/** I5: whoever can be asked and has a slot is asked; and so it is with reverts. */
export function checkNobodyWaits(known: Known, now: number): void {
  for (const target of known.targets.values()) {
    const { id, stage, shard } = target.input
    if (known.phase === 'Progressing') {
      const wave = known.lastWave(stage)
      if (isTouched(target)) {
        const isFree = standOf(target, now) === 'idle' && known.hasRoom(shard, now) && !known.busyPartner(target, now)
        if (isFree) violates('I24', `${id} has a slot and waits to be tried again`)
        continue
      }
      const isMember = known.passed.has(stage) && wave?.isAcknowledged && wave.candidates?.get(id) !== target
      const waitsForPartner = target.input.pair !== undefined && hasPartner(known, target)
      if (isMember && !waitsForPartner && standOf(target, now) === 'idle' && known.hasRoom(shard, now))
        violates('I5', `${id} has a slot and waits`)
      continue
    }
    if (!isTouched(target) || isTakenBack(target)) continue
    if (!waitsForSlot(target, now)) violates('I13', `${id} is not turned around at once`)
    const isFree = known.hasRoom(shard, now) && known.busyPartner(target, now) === undefined
    if (isFree) violates('I13', `${id} has a slot and waits to be reverted`)
  }
}

/** Somebody in its stage stands in for it: the two come one after the other. */
function hasPartner(known: Known, { input: { id, pair, stage } }: KnownTarget): boolean {
  for (const { input } of known.in(stage)) if (input.pair === pair && input.id !== id) return true
  return false
}

/** It has ended, or was to be tried again. */
function waitsForSlot(target: KnownTarget, now: number): boolean {
  return ['done', 'idle', 'closed'].includes(standOf(target, now))
}

interface Place {
  readonly isHarmed: boolean
  readonly at: number
}

/** I13: the order in which the change is taken back. */
export class RevertOrder {
  readonly #places = new Map<string, Place>()

  constructor(known: Known) {
    for (const target of known.targets.values()) {
      const { id, onsetAt, completedAt, since } = target.input
      const harmed = isHarmed(target)
      const at = harmed ? (onsetAt ?? completedAt ?? since) : since
      if (at !== undefined) this.#places.set(id, { isHarmed: harmed, at })
    }
  }

  /** It left, or its revert is decided again: it waits behind the others. */
  forget(id: string): void {
    this.#places.delete(id)
  }

  check(known: Known, { id }: Of<'revert'>, now: number): void {
    const target = known.targets.get(id)
    if (!target || !isTouched(target)) return violates('I13', `${id} is reverted and was never asked`)
    if (isTakenBack(target)) violates('I13', `${id} is reverted twice`)
    if (!waitsForSlot(target, now)) return
    if (!known.hasRoom(target.input.shard, now)) violates('I5', `there is no slot to revert ${id}`)
    checkPartner(known, target, now)
    for (const other of known.targets.values()) if (other !== target) this.#checkTurn(known, target, other, now)
  }

  #checkTurn(known: Known, target: KnownTarget, other: KnownTarget, now: number): void {
    const isWaiting = isTouched(other) && !isTakenBack(other) && waitsForSlot(other, now)
    if (!isWaiting || other.input.shard !== target.input.shard) return
    if (known.busyPartner(other, now) !== undefined) return
    const mine = this.#places.get(target.input.id)
    const its = this.#places.get(other.input.id)
    const order = `${target.input.id} is reverted before ${other.input.id}`
    if (isHarmed(other) && !isHarmed(target)) violates('I13', `${order}, which was harmed`)
    if (!mine || !its || mine.isHarmed !== its.isHarmed) return
    if (mine.isHarmed !== isHarmed(target) || its.isHarmed !== isHarmed(other)) return
    if (mine.isHarmed ? its.at < mine.at : its.at > mine.at) violates('I13', `${order}, whose turn it is`)
  }
}
