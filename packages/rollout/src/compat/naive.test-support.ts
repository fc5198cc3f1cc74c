import { parseGoDuration } from './go-text.ts'
import { bodyOf, type Question } from './questions.test-support.ts'
import type { OcmGroup, OcmSize, OcmStatus } from './types.ts'

/** The upstream rules as they are written down, step by step and without regard to cost. Does not share code with ours. */
export function naiveAnswer({ strategy, groups, statuses, now }: Question): unknown {
  const body = bodyOf(strategy)
  const type = strategy.type
  if (!['All', 'Progressive', 'ProgressivePerGroup'].includes(type)) return { error: 'type' }
  const deadline = deadlineOf(body.progressDeadline ?? '')
  if (deadline === 'bad') return { error: 'deadline' }
  const soak = type === 'All' ? 0 : Number(parseGoDuration(body.minSuccessTime ?? '0') ?? 0n) / 1e6
  const merged = mergeSameKeys(groups)
  const all = reachable(merged)
  const fleet = clustersOf(all)
  const removed = statuses.filter(({ cluster }) => !fleet.includes(cluster))
  const current = statuses.filter(({ cluster }) => fleet.includes(cluster))
  const maxFailures = body.maxFailures ?? 0
  if (type !== 'All' && isBadSize(maxFailures)) return { error: 'maxFailures' }
  const finish = (found: Found) => ({ ...found, removed, recheckAfter: soonest(found.rollout, now) })
  if (type === 'All') return finish(perCluster(all, fleet.length, fleet.length, 0, deadline, current, now))
  const mandatory = (body.mandatoryDecisionGroups ?? []).flatMap(({ groupName = '', groupIndex = 0 }) =>
    groupName === ''
      ? merged.filter(({ index }) => index === groupIndex).slice(-1)
      : merged.filter(({ name }) => name === groupName),
  )
  if (mandatory.length > 0) {
    const first = [...new Set(mandatory)].sort((left, right) => left.index - right.index)
    const found = perGroup(first, 0, soak, deadline, current, now)
    if (found.rollout.length > 0 || found.timeout.length > 0) return finish(found)
  }
  const rest = all.filter((group) => !mandatory.includes(group))
  if (type === 'ProgressivePerGroup') return finish(perGroup(rest, maxFailures, soak, deadline, current, now))
  const concurrency = body.maxConcurrency ?? 0
  if (isBadSize(concurrency)) return { error: 'maxConcurrency' }
  const left = clustersOf(rest).length
  const budget = size(maxFailures, fleet.length, 0)
  return finish(perCluster(rest, size(concurrency, left, left), budget, soak, deadline, current, now))
}

interface Found {
  rollout: OcmStatus[]
  timeout: OcmStatus[]
  maxFailureBreach: boolean
}

function perCluster(
  groups: readonly OcmGroup[],
  slots: number,
  maxFailures: number,
  soak: number,
  deadline: number,
  current: readonly OcmStatus[],
  now: number,
): Found {
  const found: Found = { rollout: [], timeout: [], maxFailureBreach: false }
  const existing = new Set<string>()
  let failures = 0
  for (const handedIn of [...current].sort((left, right) => byName(left.cluster, right.cluster))) {
    if (handedIn.cluster === '') continue
    existing.add(handedIn.cluster)
    let { status } = handedIn
    if (!found.maxFailureBreach || status !== 'ToApply') status = evaluate(handedIn, soak, deadline, now, found)
    if (status === 'TimeOut' || status === 'Failed') {
      failures++
      found.maxFailureBreach = failures > maxFailures
    }
    if (found.rollout.length >= slots) return found
  }
  if (found.maxFailureBreach) return found
  for (const cluster of [...clustersOf(groups)].sort(byName)) {
    if (existing.has(cluster)) continue
    const home = groups.find(({ clusters }) => clusters.includes(cluster)) as OcmGroup
    found.rollout.push({ cluster, group: { name: home.name, index: home.index }, status: 'ToApply' })
    if (found.rollout.length >= slots) return found
  }
  return found
}

function perGroup(
  groups: readonly OcmGroup[],
  maxFailures: OcmSize,
  soak: number,
  deadline: number,
  current: readonly OcmStatus[],
  now: number,
): Found {
  const found: Found = { rollout: [], timeout: [], maxFailureBreach: false }
  const remembered = new Map<string, string>()
  for (const handedIn of current)
    if (handedIn.cluster !== '' && handedIn.status !== 'ToApply')
      remembered.set(handedIn.cluster, evaluate(handedIn, soak, deadline, now, found))
  let allFailures = 0
  for (const { name, index, clusters } of groups) {
    let failures = 0
    for (const cluster of [...new Set(clusters)].sort(byName)) {
      const status = remembered.get(cluster)
      if (status === undefined) found.rollout.push({ cluster, group: { name, index }, status: 'ToApply' })
      else if (status === 'TimeOut' || status === 'Failed') {
        failures++
        found.maxFailureBreach = failures > size(maxFailures, new Set(clusters).size, 0)
      }
    }
    allFailures += failures
    if (found.rollout.length - allFailures > 0 || found.maxFailureBreach) return found
  }
  return found
}

/** Lists the status if it is to be listed, and says what it is now. */
function evaluate(handedIn: OcmStatus, soak: number, deadline: number, now: number, found: Found): string {
  const { status, transitionAt = now } = handedIn
  if (status === 'ToApply') found.rollout.push(handedIn)
  else if (status === 'Succeeded') {
    if (now < transitionAt + soak) found.rollout.push({ ...handedIn, recheckAt: transitionAt + soak })
  } else if (status !== 'TimeOut' && status !== 'Skip') {
    if (deadline === Infinity) found.rollout.push(handedIn)
    else if (now < transitionAt + deadline) found.rollout.push({ ...handedIn, recheckAt: transitionAt + deadline })
    else {
      found.timeout.push({ ...handedIn, status: 'TimeOut', recheckAt: transitionAt + deadline })
      return 'TimeOut'
    }
  }
  return status
}

function soonest(rollout: readonly OcmStatus[], now: number): number | undefined {
  const left = rollout.map(({ recheckAt = now }) => recheckAt - now).filter((duration) => duration > 0)
  return left.length === 0 ? undefined : Math.min(...left)
}

function deadlineOf(text: string): number | 'bad' {
  if (text === '' || text === 'None') return Infinity
  if (!/^[0-9]+[hms|]/.test(text) && !text.endsWith('None')) return 'bad'
  const nanoseconds = parseGoDuration(text)
  return nanoseconds === undefined ? 'bad' : Number(nanoseconds) / 1e6
}

function isBadSize(value: OcmSize): boolean {
  return typeof value === 'string' && !/^-?[0-9]+(\.[0-9]+)?(e[0-9]+)?%$/.test(value)
}

function size(value: OcmSize, total: number, otherwise: number): number {
  const number = typeof value === 'number' ? value : Math.ceil((Number(value.slice(0, -1)) / 100) * total)
  return number <= 0 || number > total ? otherwise : number
}

function mergeSameKeys(groups: readonly OcmGroup[]): OcmGroup[] {
  const merged: OcmGroup[] = []
  for (const group of groups) {
    const same = merged.findIndex(({ name, index }) => name === group.name && index === group.index)
    if (same < 0) merged.push(group)
    else merged[same] = { ...group, clusters: [...(merged[same]?.clusters ?? []), ...group.clusters] }
  }
  return merged.sort((left, right) => left.index - right.index)
}

/** Those reached by counting as many indexes as there are. */
function reachable(groups: readonly OcmGroup[]): OcmGroup[] {
  const indexes = new Set(groups.map(({ index }) => index))
  return [...indexes.keys()].flatMap((_, wanted) => groups.filter(({ index }) => index === wanted).slice(-1))
}

function clustersOf(groups: readonly OcmGroup[]): string[] {
  return [...new Set(groups.flatMap(({ clusters }) => clusters))]
}

function byName(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
