import { bodyOf, type Question } from './questions.test-support.ts'
import type { Quirk } from './quirks.ts'
import type { OcmSize, OcmStatus } from './types.ts'

/** The quirks that may show in a question; wide rather than exact. Without any, both modes must agree. */
export function conditionsOf(question: Question): Quirk[] {
  const { strategy, groups, statuses, now } = question
  const { type } = strategy
  const body = bodyOf(strategy)
  const { maxFailures = 0, maxConcurrency, minSuccessTime = '0s', progressDeadline = 'None' } = body
  const homes = new Map(groups.flatMap(({ index, clusters }) => clusters.map((cluster) => [cluster, index])))
  const current = statuses.filter(({ cluster }) => homes.has(cluster))
  const hasDeadline = progressDeadline !== 'None' && progressDeadline !== ''
  const soakMs = { '0s': 0, '60s': 60_000, '1m30s': 90_000, '10m': 600_000 }[minSuccessTime] ?? 0
  const deadlineMs = { '60s': 60_000, '90s': 90_000, '2h': 7_200_000 }[progressDeadline] ?? Infinity
  const soaks = type !== 'All' && soakMs > 0
  const isRunning = ({ status }: OcmStatus) => status === 'Progressing' || status === 'Failed'
  const isLate = (status: OcmStatus) => isRunning(status) && now >= (status.transitionAt ?? now) + deadlineMs
  const isSoaking = (status: OcmStatus) =>
    status.status === 'Succeeded' && now < (status.transitionAt ?? now) + (soaks ? soakMs : 0)
  const isListed = (status: OcmStatus) => (isRunning(status) && !isLate(status)) || isSoaking(status)
  const isFailure = (status: OcmStatus) => status.status === 'Failed' || status.status === 'TimeOut' || isLate(status)
  const failures = current.filter(isFailure)
  const listed = current.filter(isListed)
  const waiting = current.filter(({ status }) => status === 'ToApply')
  const entries = type === 'All' ? [] : (body.mandatoryDecisionGroups ?? [])
  const isMandatory = ({ name, index }: { name: string; index: number }) =>
    entries.some(({ groupName = '', groupIndex = 0 }) => (groupName === '' ? index === groupIndex : name === groupName))
  const mandatory = groups.filter(isMandatory)
  const mandatoryClusters = new Set(mandatory.flatMap(({ clusters }) => clusters))
  const elsewhere = mandatory.length === 0 ? [] : current.filter(({ cluster }) => !mandatoryClusters.has(cluster))
  const byGroups = type === 'ProgressivePerGroup' || mandatory.length > 0
  const started = (cluster: string) =>
    current.some((status) => status.cluster === cluster && status.status !== 'ToApply')
  const unknownIn = (clusters: readonly string[]) => clusters.some((cluster) => !started(cluster))
  const free = groups.filter((group) => !isMandatory(group)).flatMap(({ clusters }) => clusters).length
  const slots = type === 'Progressive' ? sizeOf(maxConcurrency ?? free, free, free) : homes.size
  const order = (list: readonly OcmStatus[], key: (status: OcmStatus) => number) =>
    list.every((status, place) => {
      const before = list[place - 1]
      return (
        before === undefined ||
        key(before) < key(status) ||
        (key(before) === key(status) && before.cluster < status.cluster)
      )
    })
  const met: Partial<Record<Quirk, boolean>> = {
    budgetAboveFleetIsZero: type === 'Progressive' && failures.length > 0 && isAbove(maxFailures, homes.size),
    budgetAboveGroupIsZero:
      type === 'ProgressivePerGroup' &&
      failures.length > 0 &&
      groups.some(({ clusters }) => isAbove(maxFailures, clusters.length)),
    timeoutElsewhereHoldsGate: elsewhere.some(isLate),
    runningElsewhereHoldsGate: elsewhere.some(isRunning),
    soakElsewhereHoldsGate: elsewhere.some(isSoaking),
    failuresCancelRunning: byGroups && failures.some((status) => !isListed(status)) && listed.length > 0,
    breachInNameOrder: failures.length > 0 && waiting.length > 0,
    fullListHidesFailures: failures.length > 0 && listed.length + waiting.length >= slots,
    fullListHidesTimeouts: current.some(isLate) && listed.length + waiting.length >= slots,
    fullListHidesRunning: (waiting.length > 0 && listed.length > 0) || listed.length > slots,
    timeoutHandedInPassesGate: current.some(
      ({ cluster, status }) => status === 'TimeOut' && mandatoryClusters.has(cluster),
    ),
    unknownMandatoryGroupIgnored: entries.some(
      ({ groupName = '', groupIndex = 0 }) =>
        !groups.some(({ name, index }) => (groupName === '' ? index === groupIndex : name === groupName)),
    ),
    soakWithoutTimeNeverEnds:
      soaks && current.some(({ status, transitionAt }) => status === 'Succeeded' && transitionAt === undefined),
    deadlineWithoutTimeNeverComes:
      hasDeadline && current.some((status) => isRunning(status) && status.transitionAt === undefined),
    waitingNeverTimesOut: hasDeadline && waiting.length > 0,
    failedWithoutDeadlineKeepsSlot: !hasDeadline && current.some(({ status }) => status === 'Failed'),
    laterGroupHoldsEarlier:
      byGroups &&
      listed.some(({ cluster }) => {
        const home = homes.get(cluster) ?? 0
        return groups.some(
          ({ index, clusters }) =>
            (index <= home && unknownIn(clusters)) ||
            (index < home && listed.some((other) => homes.get(other.cluster) === index)),
        )
      }),
    breachedGroupStillStarts:
      byGroups &&
      groups.some(
        ({ index, clusters }) => unknownIn(clusters) && failures.some(({ cluster }) => homes.get(cluster) === index),
      ),
    openGroupHidesBreach:
      byGroups &&
      failures.length > 0 &&
      (waiting.length > 0 || listed.length > 0 || groups.some(({ clusters }) => unknownIn(clusters))),
    zeroConcurrencyIsAll: type === 'Progressive' && (maxConcurrency === 0 || maxConcurrency === '0%'),
    mandatoryGroupIgnoresConcurrency:
      maxConcurrency !== undefined && mandatory.some(({ clusters }) => unknownIn(clusters)),
    listInInputOrder:
      !order(current, ({ cluster }) => homes.get(cluster) ?? 0) ||
      !order(
        statuses.filter(({ cluster }) => !homes.has(cluster)),
        () => 0,
      ),
  }
  return (Object.keys(met) as Quirk[]).filter((quirk) => met[quirk])
}

function isAbove(value: OcmSize, total: number): boolean {
  return typeof value === 'number' ? value > total : Number.parseFloat(value) > 100
}

/** As a user reads it; percentages round up. */
export function sizeOf(value: OcmSize, total: number, otherwise: number): number {
  const size = typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * total)
  return size > 0 ? Math.min(size, total) : otherwise
}
