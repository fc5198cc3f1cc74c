import type { Decision, TargetInput } from '../types.ts'
import { soakOf } from './earned.test-support.ts'
import { isTouched, isUndecided, standOf, type Known, type KnownTarget, type KnownWave } from './known.test-support.ts'
import { violates } from './violation.test-support.ts'

type Of<Type extends Decision['type']> = Extract<Decision, { type: Type }>

/** I1: stages in the order of the strategy, waves in the order of their numbers. */
export function checkOrder(known: Known, { stage, wave }: Of<'open-wave'>): void {
  const before = known.lastWave(stage)?.number ?? 0
  if (wave !== before + 1) violates('I1', `wave ${wave} of ${stage} follows wave ${before}`)
  const reached = Math.max(-1, ...known.waves.map((each) => known.stage(each.stage)))
  // Only who joins a passed stage that had nobody comes later.
  const isLate = known.passed.has(stage)
  if (known.stage(stage) < reached && !isLate) violates('I1', `${stage} opens a wave after a later stage did`)
  for (const target of known.targets.values()) {
    const earlier = known.stage(target.input.stage)
    if (earlier < 0 || earlier >= known.stage(stage) || known.lastWave(target.input.stage)) continue
    if (standOf(target, 0) === 'idle') violates('I1', `${target.input.id} of an earlier stage was passed over`)
  }
}

/** Who could come into a wave of the stage now. */
export function candidatesOf(known: Known, stage: string, now: number): Map<string, KnownTarget> {
  const candidates = new Map<string, KnownTarget>()
  for (const target of known.in(stage)) {
    if (!isTouched(target) && standOf(target, now) === 'idle') candidates.set(target.input.id, target)
  }
  return candidates
}

export function takenOf(known: Known, stage: string): Map<string, number> {
  const taken = new Map<string, number>()
  for (const target of known.in(stage)) {
    if (!isTouched(target) || !target.wave) continue
    taken.set(target.input.stratum, (taken.get(target.input.stratum) ?? 0) + 1)
  }
  return taken
}

/** I3: round(canary × factorⁿ⁻¹) or what `sizes` says, as long as there are so many; of a pair one; not those who are never first. */
export function checkSize(
  known: Known,
  { stage, wave, size }: Of<'open-wave'>,
  candidates: ReadonlyMap<string, KnownTarget>,
): void {
  const strategy = known.strategy.stages[known.stage(stage)]
  if (!strategy) return violates('I3', `there is no stage ${stage}`)
  const { sizes = [], canary, factor } = strategy
  const wanted =
    sizes[wave - 1] ?? Math.round((sizes.at(-1) ?? canary) * factor ** (wave - 1 - Math.max(0, sizes.length - 1)))
  const all = [...candidates.values()].map(({ input }) => input)
  const others = wave === 1 ? all.filter(({ notFirst }) => !notFirst) : []
  const allowed = new Set((others.length > 0 ? others : all).map(({ id, pair }) => pair ?? id))
  const expected = Math.min(wanted, allowed.size)
  if (size !== expected) violates('I3', `wave ${wave} of ${stage} has ${size} instead of ${expected}`)
}

/** I6: nothing is under way, waiting or undecided in the stage, and it has soaked. */
export function checkQuiet(known: Known, stage: string, now: number, isEnd: boolean): void {
  let closed = 0
  for (const target of known.in(stage)) {
    const stand = standOf(target, now)
    const { id } = target.input
    if (stand === 'busy') violates('I6', `an operation of ${id} is under way`)
    if (isUndecided(target)) violates('I6', `it is undecided whether ${id} is ill`)
    if (stand === 'closed') closed++
    if (stand === 'idle' && isEnd) violates('I2', `${id} was passed over`)
    const wave = target.wave && known.lastWave(stage)
    if (stand === 'idle' && wave && wave.asked.has(id) && target.wave === wave.number) {
      violates('I6', `${id} is a member of the wave before and yet to be asked`)
    }
  }
  if (isEnd && closed > 0) violates('I16', `${closed} of ${stage} wait for their windows`)
  const last = known.completions.get(stage)
  const wave = known.lastWave(stage)
  if (last === undefined || (wave?.isExpedited && (wave.closedAt ?? last) >= last)) return
  const end = soakOf(known, stage, isEnd, now) ?? last
  if (now < end) violates('I6', `${stage} has soaked only ${now - last} of ${end - last} ms`)
}

/** I17: what somebody hurried does not soak, also after a restart. */
export function checkSoaking(known: Known, stage: string): void {
  const wave = known.lastWave(stage)
  const last = known.completions.get(stage) ?? 0
  const isLateStage = known.waves.at(-1)?.stage !== stage || known.passed.has(stage)
  if (wave?.isExpedited && !isLateStage && (wave.closedAt ?? last) >= last) violates('I17', `${stage} soaks again`)
}

/** I6: of a wave that closes everybody was asked who can be. */
export function checkClosing(known: Known, wave: KnownWave, now: number): void {
  const { candidates, asked, size } = wave
  if (!candidates || known.passed.has(wave.stage)) return
  let gone = 0
  for (const [id, then] of candidates) {
    const isThere = known.targets.get(id) === then && standOf(then, now) === 'idle'
    if (!asked.has(id) && !isThere) gone++
  }
  if (size - asked.size > gone)
    violates('I6', `${wave.stage}/${wave.number} closes with ${asked.size} of ${size} asked`)
}

/** I7 and I3: who got into a wave, held against everybody who could have. */
export function checkMembers(known: Known, wave: KnownWave): void {
  const { candidates, taken, asked, size, number, stage } = wave
  if (!candidates || asked.size !== size || known.passed.has(stage)) return
  const all = [...candidates.values()].map(({ picked }) => picked)
  const members = all.filter(({ id }) => asked.has(id))
  const left = all.filter(({ id }) => !asked.has(id))
  const count = (of: (target: TargetInput) => string | undefined) => {
    const counts = new Map<string | undefined, number>()
    for (const member of members) counts.set(of(member), (counts.get(of(member)) ?? 0) + 1)
    return counts
  }
  const pairs = count(({ pair, id }) => pair ?? id)
  for (const [pair, together] of pairs) if (together > 1) violates('P4', `${pair} is in ${stage}/${number} together`)
  const isFirstKept = number === 1 && all.some(({ notFirst }) => !notFirst)
  if (isFirstKept && members.some(({ notFirst }) => notFirst))
    violates('P4', `${stage}/1 has targets that are never first`)
  const customers = count(({ customer }) => customer)
  const strata = count(({ stratum }) => stratum)
  for (const other of left) {
    if (pairs.has(other.pair ?? other.id) || (isFirstKept && other.notFirst)) continue
    if ((customers.get(other.customer) ?? 0) >= shareOf(known, other.customer, wave)) continue
    for (const [customer = '', inWave] of customers) {
      if (inWave > shareOf(known, customer, wave)) {
        violates('I7', `${customer} has ${inWave} in ${stage}/${number} while ${other.id} is left out`)
      }
    }
    const mine = (taken.get(other.stratum) ?? 0) + (strata.get(other.stratum) ?? 0)
    for (const [stratum = '', inWave] of strata) {
      if ((taken.get(stratum) ?? 0) + inWave - 1 > mine) {
        violates('I3', `${stratum} has more than its turn in ${stage}/${number} while ${other.id} is left out`)
      }
    }
  }
}

function shareOf(known: Known, customer: string, wave: KnownWave): number {
  const all = wave.customers.get(customer) ?? 0
  return Math.max(1, Math.floor((all * (known.strategy.customerShare ?? 20)) / 100))
}
