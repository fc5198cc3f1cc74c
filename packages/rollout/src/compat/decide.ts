import { Evaluator } from './evaluate.ts'
import { countFailures, someGroupBreaks } from './failures.ts'
import { OcmGroups, type GroupSelection } from './groups.ts'
import { takeIn, type Intake } from './intake.ts'
import { parseDeadline, parseSoak, readMaxConcurrency, readMaxFailures } from './limits.ts'
import type { Listing } from './listing.ts'
import { perClusterPass } from './per-cluster.ts'
import { perGroupPass } from './per-group.ts'
import { COMPATIBLE, type KeptQuirks } from './quirks.ts'
import {
  OcmStrategyError,
  type OcmAnswer,
  type OcmGroup,
  type OcmStatus,
  type OcmStrategy,
  type OcmStrategyBody,
} from './types.ts'

/** A question to the engine. */
export interface OcmQuestion {
  readonly strategy: OcmStrategy
  /** Groups that were indexed before save a sort. */
  readonly groups: OcmGroups | Iterable<OcmGroup>
  readonly statuses: readonly OcmStatus[]
  /** Milliseconds. */
  readonly now: number
}

interface Call {
  readonly body: OcmStrategyBody
  readonly groups: OcmGroups
  readonly all: GroupSelection
  readonly intake: Intake
  readonly evaluator: Evaluator
  readonly kept: KeptQuirks
}

/**
 * Which clusters to start, keep waiting for, give up and forget, as Open Cluster Management's rollout engine answers. It
 * holds no state: ask again when a status changes and after `recheckAfter`. Costs O(clusters + statuses), and a sort when
 * the groups are not indexed yet.
 * @param kept the quirks to keep: COMPATIBLE (default), STRICT, `mending(…)` or `keeping(…)`
 * @throws {OcmStrategyError} for a strategy that cannot be carried out
 */
export function decideOcmRollout(question: OcmQuestion, kept: KeptQuirks = COMPATIBLE): OcmAnswer {
  const { strategy, statuses, now } = question
  const key = bodyKeyOf(strategy.type)
  const body = strategy[key] ?? {}
  const soak = key === 'all' ? 0 : parseSoak(body.minSuccessTime)
  const deadline = parseDeadline(body.progressDeadline ?? '', kept)
  const groups = question.groups instanceof OcmGroups ? question.groups : new OcmGroups(question.groups)
  const all = groups.all(kept)
  const evaluator = new Evaluator({ now, soak, deadline, kept })
  const call: Call = { body, groups, all, intake: takeIn(statuses, groups, all, kept), evaluator, kept }
  const listing = key === 'all' ? everything(call) : key === 'progressive' ? progressive(call) : perGroup(call)
  return { strategy: { type: strategy.type, [key]: body }, ...listing.answer(now) }
}

function bodyKeyOf(type: string): 'all' | 'progressive' | 'progressivePerGroup' {
  switch (type) {
    case 'All':
      return 'all'
    case 'Progressive':
      return 'progressive'
    case 'ProgressivePerGroup':
      return 'progressivePerGroup'
    default:
      throw new OcmStrategyError(
        'type',
        `strategy type ${JSON.stringify(type)} is unknown; write All, Progressive or ProgressivePerGroup`,
      )
  }
}

function everything(call: Call): Listing {
  const { clusters } = call.all
  return perClusterPass({ ...call, selection: call.all, slots: clusters, maxFailures: clusters })
}

function progressive(call: Call): Listing {
  const { body, groups, all, kept } = call
  const maxFailures = readMaxFailures(body.maxFailures, kept, 'budgetAboveFleetIsZero')(all.clusters)
  const concurrency = () => readMaxConcurrency(body.maxConcurrency, kept)
  const early = kept.has('concurrencyCheckedLate') ? undefined : concurrency()
  const mandatory = mandatoryOf(call)
  const slotsOf = kept.has('mandatoryGroupIgnoresConcurrency') ? undefined : concurrency()
  const broken = () => countFailures(call).total > maxFailures
  const held = gate(call, mandatory, broken, slotsOf)
  if (held !== undefined) return held
  const selection = groups.besides(all, mandatory)
  return perClusterPass({ ...call, selection, slots: (early ?? concurrency())(selection.clusters), maxFailures })
}

function perGroup(call: Call): Listing {
  const { body, groups, all, kept } = call
  const maxFailuresOf = readMaxFailures(body.maxFailures, kept, 'budgetAboveGroupIsZero')
  const mandatory = mandatoryOf(call)
  const selection = groups.besides(all, mandatory)
  const held = gate(call, mandatory, () => someGroupBreaks(call, selection, maxFailuresOf))
  return held ?? perGroupPass({ ...call, selection, maxFailuresOf })
}

function mandatoryOf({ body, groups, kept }: Call): GroupSelection {
  const mandatory = groups.mandatory(body.mandatoryDecisionGroups ?? [], kept)
  const [unknown] = mandatory.unknown
  if (unknown !== undefined && !kept.has('unknownMandatoryGroupIgnored'))
    throw new OcmStrategyError(
      'mandatoryDecisionGroups',
      `mandatory group ${JSON.stringify(unknown)} does not exist; without it nothing would hold the rollout back: correct the entry or take it out`,
    )
  return mandatory
}

/**
 * The answer while mandatory groups have work to do or have failed; undefined once they are done.
 * @param broken whether the rest of the fleet has more failures than it may
 */
function gate(
  call: Call,
  mandatory: GroupSelection,
  broken: () => boolean,
  slotsOf?: (groupSize: number) => number,
): Listing | undefined {
  const { groups, kept } = call
  if (mandatory.positions.length === 0) return undefined
  const brokenElsewhere = !kept.has('openGroupHidesBreach') && broken()
  const listing = perGroupPass({
    ...call,
    selection: mandatory,
    maxFailuresOf: () => 0,
    ...(slotsOf !== undefined && { slotsOf }),
    brokenElsewhere,
  })
  const holds =
    listing.withheld > 0 ||
    (listing.breach && !kept.has('timeoutHandedInPassesGate')) ||
    listing.some((rank, status, timedOut) => {
      if (status === undefined || groups.homeIn(rank, mandatory) >= 0) return true
      if (timedOut) return kept.has('timeoutElsewhereHoldsGate')
      return kept.has(status.status === 'Succeeded' ? 'soakElsewhereHoldsGate' : 'runningElsewhereHoldsGate')
    })
  if (!holds) return undefined
  if (brokenElsewhere) listing.breach = true
  return listing
}

/**
 * Gives statuses without a time the one that an earlier answer knows: when the cluster was told to start, or when its status
 * was first seen. Callers whose statuses have no times ask with what this returns.
 * @param previousAt when the earlier answer was given
 */
export function carryTimes(previous: OcmAnswer, previousAt: number, statuses: readonly OcmStatus[]): OcmStatus[] {
  const listed = new Map(previous.rollout.map((status) => [status.cluster, status]))
  const timedOut = new Map(previous.timeout.map((status) => [status.cluster, status]))
  return statuses.map((status) => {
    if (status.transitionAt !== undefined || status.status === 'Skip') return status
    const late = status.status === 'Succeeded' ? undefined : timedOut.get(status.cluster)?.transitionAt
    const same = listed.get(status.cluster)
    const since = late ?? (same?.status === status.status ? (same.transitionAt ?? previousAt) : undefined)
    return since === undefined ? status : { ...status, transitionAt: since }
  })
}
