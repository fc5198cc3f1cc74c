/** What one quirk is about: what goes in, what the engine of Open Cluster Management answers, what a user expects. */
export interface QuirkDescription {
  readonly input: string
  readonly compatible: string
  readonly strict: string
  /** Cases that show it: ids of the public case collection, F1-F6 of the peer comparison, or `own`. */
  readonly seenIn: readonly string[]
}

/** Every behaviour of Open Cluster Management's rollout engine that contradicts its documentation or common sense. */
export const QUIRKS = {
  budgetAboveFleetIsZero: {
    input: 'Progressive: maxFailures is larger than the number of clusters, or above 100 %',
    compatible: 'read as 0: the first failure is a breach',
    strict: 'tolerates as many failures as there are clusters',
    seenIn: ['edge-01', 'F6'],
  },
  budgetAboveGroupIsZero: {
    input: 'ProgressivePerGroup: maxFailures is larger than the number of clusters of a group, or above 100 %',
    compatible: 'read as 0 for that group: its first failure is a breach',
    strict: 'tolerates as many failures as the group has clusters',
    seenIn: ['edge-03'],
  },
  timeoutElsewhereHoldsGate: {
    input: 'mandatory groups are done; a cluster of another group timed out within what maxFailures tolerates',
    compatible: 'nothing starts any more',
    strict: 'only clusters of mandatory groups hold the gate',
    seenIn: ['edge-04'],
  },
  runningElsewhereHoldsGate: {
    input: 'mandatory groups are done; a cluster of another group is progressing or failed within its deadline',
    compatible: 'nothing starts until it is done: concurrency becomes a batch, and one failure stops everything',
    strict: 'free slots are filled at once',
    seenIn: ['edge-06', 'F3', 'F4'],
  },
  soakElsewhereHoldsGate: {
    input: 'mandatory groups are done; a cluster of another group soaks',
    compatible: 'nothing starts until it has soaked',
    strict: 'free slots are filled at once',
    seenIn: ['edge-08'],
  },
  failuresCancelRunning: {
    input: 'per group: some clusters timed out, as many others still progress or soak',
    compatible: 'they cancel out, and the next group starts early',
    strict: 'the next group waits for every cluster that may still succeed',
    seenIn: ['edge-09', 'F2'],
  },
  breachInNameOrder: {
    input: 'Progressive: a waiting cluster sorts before the failed one that breaks maxFailures',
    compatible: 'it is started in spite of the breach',
    strict: 'after a breach nothing starts',
    seenIn: ['edge-11'],
  },
  fullListHidesFailures: {
    input: 'Progressive: the concurrency is used up by clusters that sort before a failed one',
    compatible: 'the failure is not counted; a breach is not reported',
    strict: 'every failure counts',
    seenIn: ['edge-12'],
  },
  fullListHidesTimeouts: {
    input: 'Progressive: the concurrency is used up by clusters that sort before one whose deadline has passed',
    compatible: 'it is missing from the timeouts',
    strict: 'every timeout is listed',
    seenIn: ['edge-13'],
  },
  fullListHidesRunning: {
    input: 'Progressive: a waiting cluster sorts before a running one',
    compatible: 'it takes the slot that the running one has: more run than maxConcurrency allows',
    strict: 'running and soaking clusters have their slots first',
    seenIn: ['own'],
  },
  timeoutHandedInPassesGate: {
    input: 'a cluster of a mandatory group is handed in as TimeOut',
    compatible: 'the gate opens as if it had succeeded',
    strict: 'it is a failure of the mandatory group: a breach, and nothing starts',
    seenIn: ['edge-14'],
  },
  unknownMandatoryGroupIgnored: {
    input: 'mandatoryDecisionGroups names a group that does not exist',
    compatible: 'the entry is dropped and with it the gate',
    strict: 'refused: error mandatoryDecisionGroups',
    seenIn: ['edge-15'],
  },
  gapLosesGroups: {
    input: 'the group indexes have a gap, a duplicate or a negative number',
    compatible: 'groups past the gap do not exist, their clusters count as removed',
    strict: 'every group is treated, in the order of indexes',
    seenIn: ['edge-19'],
  },
  soakWithoutTimeNeverEnds: {
    input: 'Succeeded without a transition time, and minSuccessTime is set',
    compatible: 'the end of the soak is always minSuccessTime from now',
    strict: 'the soak starts now; the answer carries that time, to be handed in again (carryTimes)',
    seenIn: ['edge-21'],
  },
  deadlineWithoutTimeNeverComes: {
    input: 'Progressing, Failed or unknown without a transition time, and progressDeadline is set',
    compatible: 'the deadline is always progressDeadline from now',
    strict: 'the clock starts now; the answer carries that time, to be handed in again (carryTimes)',
    seenIn: ['edge-22'],
  },
  waitingNeverTimesOut: {
    input: 'an offline cluster was told to start (ToApply with a time) and does not answer within progressDeadline',
    compatible: 'it keeps its slot for ever, never times out and is never counted',
    strict: 'it times out, counts as a failure and gives its slot back',
    seenIn: ['F5'],
  },
  failedWithoutDeadlineKeepsSlot: {
    input: 'Failed, and there is no progressDeadline',
    compatible: 'it keeps its slot for ever, and counts as a failure',
    strict: 'still listed and counted as a failure, but it gives its slot back',
    seenIn: ['edge-25', 'F3'],
  },
  laterGroupHoldsEarlier: {
    input: 'per group: clusters are running in another group than the first',
    compatible: 'they are listed first, and no group after the first starts anything, not even their own',
    strict: 'listed group by group; a group waits only for the groups before it',
    seenIn: ['edge-33'],
  },
  breachedGroupStillStarts: {
    input: 'per group: a group has more failures than maxFailures and clusters that have not started',
    compatible: 'these are started in spite of the breach',
    strict: 'after a breach nothing starts',
    seenIn: ['own'],
  },
  openGroupHidesBreach: {
    input:
      'an earlier or mandatory group is not finished, for example because a cluster joined it; maxFailures is broken elsewhere',
    compatible: 'its clusters are started, and no breach is reported',
    strict: 'after a breach nothing starts',
    seenIn: ['own'],
  },
  compoundDeadlineAccepted: {
    input: 'progressDeadline is a compound such as 1h30m or 5ms',
    compatible: 'accepted, although the documented form is one number with h, m or s',
    strict: 'refused: error deadline',
    seenIn: ['edge-34'],
  },
  zeroConcurrencyIsAll: {
    input: 'maxConcurrency is 0, 0 % or less',
    compatible: 'every cluster at once',
    strict: 'nothing starts (left out it still means every cluster)',
    seenIn: ['F1', 'edge-28'],
  },
  mandatoryGroupIgnoresConcurrency: {
    input: 'Progressive: a mandatory group has more clusters than maxConcurrency',
    compatible: 'all of them start at once',
    strict: 'maxConcurrency holds there too (a percentage is of that group)',
    seenIn: ['own'],
  },
  concurrencyCheckedLate: {
    input: 'maxConcurrency is no number and no percentage, and a mandatory group has work to do',
    compatible: 'unnoticed until the mandatory groups are done',
    strict: 'refused at once: error maxConcurrency',
    seenIn: ['own'],
  },
  listInInputOrder: {
    input: 'removed clusters, or the running ones per group, are not handed in by group and name',
    compatible: 'listed in the order they were handed in',
    strict: 'listed by group and name (removed ones by name)',
    seenIn: ['own'],
  },
  duplicatesCountTwice: {
    input: 'two statuses for one cluster, or one cluster in two groups',
    compatible: 'listed and counted twice',
    strict: 'the latest status counts (the worse of two at one time), and the group with the lowest index',
    seenIn: ['own'],
  },
  degradedCountsAsSuccess: {
    input: 'a ManifestWork with Progressing=False and Degraded=True',
    compatible: 'Succeeded',
    strict: 'Failed, since the time it became degraded',
    seenIn: ['own'],
  },
} as const satisfies Readonly<Record<string, QuirkDescription>>

/** The name of a quirk. */
export type Quirk = keyof typeof QUIRKS

/** The quirks that are kept; the others are mended. */
export type KeptQuirks = ReadonlySet<Quirk>

export const ALL_QUIRKS: readonly Quirk[] = Object.keys(QUIRKS) as Quirk[]

/** Keeps every quirk: answers exactly as the engine of Open Cluster Management. */
export const COMPATIBLE: KeptQuirks = new Set(ALL_QUIRKS)

/** Mends every quirk. */
export const STRICT: KeptQuirks = new Set()

/** Mends these quirks and keeps the others. */
export function mending(...quirks: readonly Quirk[]): KeptQuirks {
  return new Set(ALL_QUIRKS.filter((quirk) => !quirks.includes(quirk)))
}

/** Keeps these quirks and mends the others. */
export function keeping(...quirks: readonly Quirk[]): KeptQuirks {
  return new Set(quirks)
}
