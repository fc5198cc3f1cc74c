import { isFailure } from './evaluate.ts'
import type { GroupSelection } from './groups.ts'
import type { PassInput } from './per-cluster.ts'
import type { OcmStatus } from './types.ts'

/** Failures of all groups, whatever a pass would look at. */
interface Failures {
  readonly total: number
  /** By position of the first group of their cluster. */
  readonly ofGroup: Int32Array
}

export function countFailures({ groups, intake, evaluator }: Omit<PassInput, 'selection'>): Failures {
  const { statuses, ranks } = intake
  const ofGroup = new Int32Array(groups.keys.length)
  let total = 0
  for (let index = 0; index < statuses.length; index++) {
    const rank = ranks[index] as number
    const status = statuses[index] as OcmStatus
    if (rank < 0 || status.cluster === '' || !isFailure(status, evaluator.standingOf(status))) continue
    total++
    const home = groups.homeOf(rank)
    ofGroup[home] = (ofGroup[home] ?? 0) + 1
  }
  return { total, ofGroup }
}

/** Whether one of these groups has more failures than it may. */
export function someGroupBreaks(
  input: Omit<PassInput, 'selection'>,
  selection: GroupSelection,
  maxFailuresOf: (groupSize: number) => number,
): boolean {
  const { ofGroup, total } = countFailures(input)
  if (total === 0) return false
  const once = !input.kept.has('duplicatesCountTwice')
  return selection.positions.some((position) => {
    const failures = ofGroup[position] ?? 0
    return failures > 0 && failures > maxFailuresOf(input.groups.membersOf(position, once).length)
  })
}
