import { formatDuration, type Rollout } from '@locktender/fleet'
import type { Assessment, Reason, Scenario } from '@locktender/rollout'
import { isoTime } from '../times.ts'

/** One wave of a plan; times as if everything goes as planned. */
export interface PlanWave {
  readonly stage: string
  readonly wave: number
  readonly controlPlanes: number
  /** RFC 3339; absent when it can never begin (or end). */
  readonly startsAt?: string
  readonly endsAt?: string
  /** After its end: `30m`. */
  readonly soak: string
  /** How mixed it is. */
  readonly managementClusters: number
  readonly customers: number
  readonly kinds: number
  /** Of a rollout that has begun. */
  readonly state?: 'Waiting' | 'Open' | 'Passed'
}

/** What `lkt rollout plan -o json` prints. Fields may be added, never changed. */
export interface PlanDocument {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'RolloutPlan'
  readonly fix: string
  /** Absent while the fix is not requested. */
  readonly rollout?: string
  readonly phase?: string
  /** What approvals bind to. */
  readonly hash?: string
  /** Name of the strategy; of a rollout its frozen copy counts, whatever became of that object. */
  readonly strategy: string
  readonly controlPlanes: number
  /** When it began, or the beginning that is assumed. */
  readonly startTime: string
  readonly deadline: string
  readonly feasible: boolean
  readonly blockers: readonly { readonly kind: string; readonly message: string }[]
  /** When it ends: as planned, and with a chance of 50, 80 and 95 %. Absent when it never does. */
  readonly end: { readonly planned?: string; readonly p50?: string; readonly p80?: string; readonly p95?: string }
  /** Control-plane hours, and control planes that a bad fix would reach and hurt before it is stopped. */
  readonly harm: {
    readonly total: number
    readonly waiting: number
    readonly badFix: number
    readonly exposed: number
    readonly hurt: number
  }
  /** What was assumed of the bug and of the fix, each a share from 0 to 1. */
  readonly stakes: { readonly hazard: number; readonly prior: number }
  /** Left out because they are held. */
  readonly held: readonly {
    readonly controlPlane: string
    readonly owner: string
    readonly reason: string
    readonly until: string
  }[]
  /** Groups of control planes that stand in for each other, with how many members in the plan: two or more. */
  readonly pairs: { readonly groups: number; readonly controlPlanes: number }
  /** Control planes that the strategy keeps out of first waves for their tier, as long as a stage has others. */
  readonly notFirst: number
  readonly waves: readonly PlanWave[]
  /** Why the waves and soaks are as they are, when the planner chose them. */
  readonly reasons?: readonly Reason[]
}

export interface PlanInput {
  readonly fix: string
  readonly strategy: string
  readonly scenario: Scenario
  readonly assessment: Assessment
  /** Absent while the fix is not requested. */
  readonly rollout?: Rollout
  readonly reasons?: readonly Reason[]
}

type Target = Assessment['targets'][number]

/** A plan for programs. */
export function planDocument(input: PlanInput): PlanDocument {
  const { fix, strategy, scenario, assessment, rollout, reasons } = input
  const { harm, feasibility, eta, waves } = assessment
  const { hazard, prior } = scenario.stakes
  const planned = new Set(assessment.targets.map(({ id }) => id))
  const held = scenario.exemptions?.filter(({ id }) => !planned.has(id)) ?? []
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutPlan',
    fix,
    ...(rollout === undefined
      ? {}
      : {
          rollout: rollout.metadata.name,
          phase: rollout.status?.phase ?? 'AwaitingApproval',
          hash: rollout.spec.plan.hash,
        }),
    strategy,
    controlPlanes: waves.reduce((sum, { size }) => sum + size, 0),
    startTime: isoTime(scenario.startAt)!,
    deadline: isoTime(scenario.deadline ?? scenario.startAt)!,
    feasible: feasibility.feasible,
    blockers: feasibility.blockers.map(({ kind, message }) => ({ kind, message })),
    end: {
      ...timeOf('planned', feasibility.earliestEnd),
      ...timeOf('p50', eta.p50),
      ...timeOf('p80', eta.p80),
      ...timeOf('p95', eta.p95),
    },
    harm: {
      total: rounded(harm.total),
      waiting: rounded(harm.waiting),
      badFix: rounded(harm.defect),
      exposed: rounded(harm.exposed),
      hurt: rounded(harm.hurt),
    },
    stakes: { hazard, prior },
    held: held.map(({ id, owner, reason, until }) => ({ controlPlane: id, owner, reason, until: isoTime(until)! })),
    pairs: pairsOf(assessment.targets),
    notFirst: assessment.targets.filter(({ notFirst }) => notFirst === true).length,
    waves: wavesOf(input),
    ...(reasons === undefined ? {} : { reasons }),
  }
}

/** Who is alone in its group is no pair. */
function pairsOf(targets: readonly Target[]): PlanDocument['pairs'] {
  const sizes = new Map<string, number>()
  for (const { pair } of targets) if (pair !== undefined) sizes.set(pair, (sizes.get(pair) ?? 0) + 1)
  const together = [...sizes.values()].filter((size) => size > 1)
  return { groups: together.length, controlPlanes: together.reduce((sum, size) => sum + size, 0) }
}

function wavesOf({ assessment, scenario, rollout }: PlanInput): PlanWave[] {
  const members = membersOf(assessment, scenario)
  return assessment.waves.map(({ stage, wave, size, startsAt, endsAt, soakMs }) => {
    const own = members.get(`${stage}/${wave}`) ?? []
    const different = (of: (member: Target) => string) => new Set(own.map(of)).size
    return {
      stage,
      wave,
      controlPlanes: size,
      ...timeOf('startsAt', startsAt),
      ...timeOf('endsAt', endsAt),
      soak: formatDuration(soakMs),
      managementClusters: different(({ shard }) => shard),
      customers: different(({ customer }) => customer),
      kinds: different(({ stratum }) => stratum),
      ...stateOf(rollout, stage, wave),
    }
  })
}

/** The control planes of each wave, by `stage/wave`. */
function membersOf({ targets, assignment }: Assessment, { strategy }: Scenario): Map<string, Target[]> {
  const members = new Map<string, Target[]>()
  for (const [index, place] of assignment.places.entries()) {
    if (place === undefined) continue
    const key = `${strategy.stages[place.stage]!.name}/${place.wave}`
    const known = members.get(key)
    if (known === undefined) members.set(key, [targets[index]!])
    else known.push(targets[index]!)
  }
  return members
}

function stateOf(rollout: Rollout | undefined, stage: string, number: number): Pick<PlanWave, 'state'> {
  if (rollout?.status?.startTime === undefined) return {}
  const stages = rollout.status.stages
  const found = stages.find(({ name }) => name === stage)?.waves.find((wave) => wave.number === number)
  if (found?.openedAt === undefined) return { state: 'Waiting' }
  return { state: found.closedAt === undefined ? 'Open' : 'Passed' }
}

function timeOf<Name extends string>(name: Name, at: number | undefined): { readonly [Key in Name]?: string } {
  const text = at === undefined ? undefined : isoTime(at)
  return (text === undefined ? {} : { [name]: text }) as { readonly [Key in Name]?: string }
}

/** Three digits that matter: more would pretend. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
