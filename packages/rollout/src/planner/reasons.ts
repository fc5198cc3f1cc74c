import type { Exempted } from './exemptions.ts'
import type { Feasibility } from './feasibility.ts'
import type { Harm } from './harm.ts'
import type { StageOutline } from './outline.ts'
import type { Alternative, PlannerInput, ProposedWave } from './propose.ts'
import { amount, atTime, count, duration } from './words.ts'

export type ReasonSubject = 'Harm' | 'Waves' | 'Soak' | 'Canaries' | 'Deadline' | 'Exemptions'

/** Why a plan is as it is. */
export interface Reason {
  readonly subject: ReasonSubject
  /** One sentence. */
  readonly message: string
}

export interface ReasonInput {
  readonly input: PlannerInput
  readonly outlines: readonly StageOutline[]
  readonly chosen: Alternative & { readonly stages: readonly { readonly sizes?: readonly number[] }[] }
  readonly harm: Harm
  readonly feasibility: Feasibility
  readonly exempted: Exempted
  readonly waves: readonly ProposedWave[]
  readonly alternatives: readonly Alternative[]
}

/** A sentence for each choice, with the numbers it rests on. */
export function reasonsFor(context: ReasonInput): Reason[] {
  return [
    harmOf(context),
    wavesOf(context),
    soakOf(context),
    canariesOf(context),
    ...endOf(context),
    ...exemptedOf(context),
  ]
}

function harmOf({ harm, input }: ReasonInput): Reason {
  const { hazard, prior } = input.stakes
  return {
    subject: 'Harm',
    message:
      `Expected harm is ${amount(harm.total)} control-plane hours: ${amount(harm.waiting)} of control planes that wait ` +
      `(${percent(hazard)} suffer at any moment) and ${amount(harm.defect)} of a bad change ` +
      `(chance ${percent(prior)}, then ${amount(harm.hurt)} harmed before it stops).`,
  }
}

function wavesOf({ chosen, waves, alternatives }: ReasonInput): Reason {
  const shape = chosen.stages.some(({ sizes }) => sizes)
    ? 'have sizes found by search'
    : chosen.factor === 2
      ? `double from ${chosen.canary}`
      : `grow ${chosen.factor} times from ${chosen.canary}`
  const usual = alternatives.filter(({ canary, factor }) => canary === 10 && factor === 2)
  const least = Math.min(...usual.map(({ harm }) => harm))
  const why =
    chosen.factor === 2 && chosen.canary === 10
      ? 'no other shape saves a tenth of the harm within the deadline'
      : least > chosen.harm
        ? `doubling from 10 would cost ${amount(least)} control-plane hours instead of ${amount(chosen.harm)}`
        : 'doubling from 10 would end too late'
  return { subject: 'Waves', message: `${count(waves.length, 'wave')} ${shape}, because ${why}.` }
}

function soakOf({ chosen, alternatives }: ReasonInput): Reason {
  const same = alternatives.filter(({ canary, factor }) => canary === chosen.canary && factor === chosen.factor)
  const least = same.reduce((left, right) => (right.harm < left.harm ? right : left), same[0] ?? chosen)
  const next = same.find(({ soakMs }) => soakMs > chosen.soakMs)
  const after = `${duration(chosen.soakMs)} of soak after each wave`
  if (least.soakMs > chosen.soakMs) {
    return {
      subject: 'Soak',
      message: `${after}, because the ${duration(least.soakMs)} that harm least would end too late.`,
    }
  }
  if (!next) return { subject: 'Soak', message: `${after}, which harms least.` }
  return {
    subject: 'Soak',
    message: `${after}, because ${duration(next.soakMs)} would cost ${amount(next.harm - chosen.harm)} more control-plane hours than it saves.`,
  }
}

function canariesOf({ outlines, waves }: ReasonInput): Reason {
  const stages = outlines.filter(({ targets }) => targets > 0)
  const short = stages.filter(({ name, strata }) => {
    const first = waves.find(({ stage, wave }) => stage === name && wave === 1)
    return first !== undefined && first.size < strata
  })
  if (short.length === 0)
    return { subject: 'Canaries', message: 'The first wave of each stage has one of every stratum.' }
  const words = short.map(({ name, strata }) => {
    const own = waves.filter(({ stage }) => stage === name)
    let covered = 0
    const after = own.find(({ size }) => (covered += size) >= strata)
    return `${strata} strata of ${name} by wave ${after?.wave ?? own.length}`
  })
  return {
    subject: 'Canaries',
    message: `The first waves are smaller than the strata are many; one of each can have been reached of the ${words.join(', ')}.`,
  }
}

function endOf({ feasibility, input, waves }: ReasonInput): Reason[] {
  const { earliestEnd, feasible, blockers } = feasibility
  if (!feasible) return blockers.map(({ message }) => ({ subject: 'Deadline', message }))
  if (earliestEnd === undefined) return []
  const last = waves.at(-1)?.endsAt ?? input.startAt
  const margin = input.deadline === undefined ? '' : `, ${duration(input.deadline - earliestEnd)} before the deadline`
  return [
    {
      subject: 'Deadline',
      message: `The last control plane has it ${atTime(last)}; the last soak ends ${atTime(earliestEnd)}${margin}.`,
    },
  ]
}

function exemptedOf({ exempted, input }: ReasonInput): Reason[] {
  const { size } = exempted.active
  if (size === 0) return []
  const owners = new Set(Array.from(exempted.active.values(), ({ owner }) => owner))
  const suffering = exempted.unfixedHours * input.stakes.hazard
  return [
    {
      subject: 'Exemptions',
      message:
        `${count(size, 'control plane')} ${size === 1 ? 'is' : 'are'} exempt for ${Array.from(owners).sort().join(', ')}: ` +
        `${amount(exempted.unfixedHours)} hours without the change, ${amount(suffering)} control-plane hours of the harm.`,
    },
  ]
}

function percent(share: number): string {
  return `${amount(share * 100)} %`
}
