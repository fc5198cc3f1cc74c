import type { FleetState } from './fleet-state.ts'
import { StagePool } from './stage-pool.ts'
import { lastWave, newWave, type StageState, type WaveState } from './stage-state.ts'
import { isTouched, type TargetRecord } from './target.ts'
import type { PersistedRollout, PersistedWave, TargetInput } from './types.ts'

/**
 * Fills an empty state with the targets and with what was persisted of an earlier engine. Which target is in which wave
 * is not stored: the waves are picked again, in order, each out of those targets that can have been in it. As picking
 * is a function of seed and membership, this gives the waves of the earlier engine; where membership changed since, a
 * requested target is always kept, and an open wave never gets more members than were persisted.
 */
export function restoreState(fleet: FleetState, targets: Iterable<TargetInput>, persisted?: PersistedRollout): void {
  for (const id of persisted?.skipped ?? []) fleet.skipped.add(id)
  const unplaced = new Map<StageState, TargetRecord[]>(fleet.stages.map((stage) => [stage, []]))
  const records: TargetRecord[] = []
  for (const target of targets) {
    const record = fleet.enter(target)
    records.push(record)
    const canBeMember = isTouched(record) || (target.phase === 'Pending' && record.marked !== 'skipped')
    if (record.stage && canBeMember) unplaced.get(record.stage)?.push(record)
  }
  const opened = fleet.stages.map(
    (stage) => persisted?.stages.find(({ name }) => name === stage.strategy.name)?.waves ?? [],
  )
  const completed = persisted?.outcome === 'Completed'
  const reached = completed ? fleet.stages.length : opened.findLastIndex((waves) => waves.length > 0)
  for (const stage of fleet.stages) {
    stage.passed = stage.index < reached
    restoreStage(fleet, stage, opened[stage.index] ?? [], unplaced.get(stage) ?? [])
  }
  // Finished ones in the order in which they finished, so that lists of problems read the same after a restart.
  const [waiting, others] = [[], []] as [TargetRecord[], TargetRecord[]]
  for (const record of records) (isAtRest(record) ? waiting : others).push(record)
  others.sort((left, right) => endOf(left) - endOf(right) || (left.id < right.id ? -1 : 1))
  for (const record of others) fleet.settle(record)
  for (const record of waiting) fleet.settle(record)
  fleet.compare()
}

/** It waits, as most do at the beginning: among these there is no order, and none needs to be made. */
function isAtRest(record: TargetRecord): boolean {
  const { input, marked } = record
  return input.phase === 'Pending' && input.onsetAt === undefined && marked === undefined && !isTouched(record)
}

function endOf({ input }: TargetRecord): number {
  return input.onsetAt ?? input.completedAt ?? Number.MAX_VALUE
}

function restoreStage(
  fleet: FleetState,
  stage: StageState,
  waves: readonly PersistedWave[],
  members: readonly TargetRecord[],
): void {
  const touched = new StagePool<TargetRecord>()
  const closed: TargetRecord[] = []
  const recorded = new Map<number, TargetRecord[]>()
  for (const record of members.filter(isTouched)) {
    const { wave } = record.input
    if (wave === undefined || wave < 1 || wave > waves.length) closed.push(record)
    else if (!recorded.get(wave)?.push(record)) recorded.set(wave, [record])
  }
  const place = (record: TargetRecord, wave: WaveState) => {
    stage.pool.adjustTaken(record.stratum, 1)
    fleet.assign(record, wave)
  }
  closed.sort((left, right) => opensAt(right) - opensAt(left))
  const open = (until: number) => {
    for (let next = closed.at(-1); next && opensAt(next) <= until; next = closed.at(-1)) {
      closed.pop()
      touched.add(next)
    }
  }
  for (const [index, persisted] of waves.entries()) {
    open(persisted.openedAt)
    const wave = newWave(index + 1, persisted.openedAt, persisted)
    stage.waves.push(wave)
    const certain = recorded.get(wave.number) ?? []
    if (wave.closedAt === undefined && index === waves.length - 1) {
      open(Number.POSITIVE_INFINITY)
      const wanted = { size: persisted.size, first: wave.number === 1, openedAt: persisted.openedAt }
      for (const record of membersOfOpenWave(fleet, wanted, certain, touched, members)) place(record, wave)
      return
    }
    for (const record of certain) {
      touched.adjustTaken(record.stratum, 1)
      place(record, wave)
    }
    const picked = touched.pick(Math.max(0, persisted.size - certain.length), fleet.customerShare, {
      first: wave.number === 1,
    })
    for (const record of picked) place(record, wave)
  }
  // More were touched than the waves had members: they belong to the last wave, or to none when none was opened.
  open(Number.POSITIVE_INFINITY)
  const last = lastWave(stage)
  if (last)
    for (const record of touched.pick(touched.size, fleet.customerShare, { together: true })) place(record, last)
}

/**
 * From when on it can have been picked, by its window. A window that speaks of a time after it was treated is a newer one;
 * of the older ones nothing is known.
 */
function opensAt({ input: { notBefore, since } }: TargetRecord): number {
  return notBefore !== undefined && since !== undefined && notBefore <= since ? notBefore : 0
}

/** Picks the members of the wave in progress, as when it was opened; certain and touched ones are always among them. Uses `touched` up. */
function membersOfOpenWave(
  fleet: FleetState,
  { size, first, openedAt }: { readonly size: number; readonly first: boolean; readonly openedAt: number },
  certain: readonly TargetRecord[],
  touched: StagePool<TargetRecord>,
  members: readonly TargetRecord[],
): TargetRecord[] {
  const mustHave = new Set(certain)
  for (const record of members) if (touched.has(record)) mustHave.add(record)
  for (const record of members) {
    const isCandidate = !isTouched(record) && (record.input.notBefore ?? 0) <= openedAt
    if (mustHave.has(record) || isCandidate) touched.add(record)
  }
  const picked = touched.pick(size, fleet.customerShare, { first })
  const pairs = new Set(Array.from(mustHave, ({ pair }) => pair))
  let spare = Math.max(0, size - mustHave.size)
  const chosen: TargetRecord[] = []
  for (const record of picked) {
    if (mustHave.delete(record)) chosen.push(record)
    else if (record.pair !== undefined && pairs.has(record.pair)) continue
    else if (spare-- > 0) chosen.push(record)
  }
  return [...chosen, ...mustHave]
}
