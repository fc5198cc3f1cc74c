import { controlPlanes, hostedClusters, rolloutLogs, rollouts, type RolloutStrategySpec } from '@locktender/fleet'
import type { Limits, Scenario, Step } from '@locktender/runtime/explore'
import { agentIdentity, approvers, managerIdentity, requester } from '@locktender/simulator'
import { countsAreRight, expect, fixed, logsReplay, nobodyOnTheWay, phaseIs, type Check } from './ends.ts'
import {
  CLUSTERS,
  FIXED,
  HUB,
  hosted,
  hub,
  managementCluster,
  own,
  PLACES,
  planes,
  registration,
  SPOILT,
  type Plane,
} from './fleet.ts'
import { hyperShift } from './hypershift.ts'
import { invariants } from './invariants.ts'
import { agent, approver, heart, manager } from './processes.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const BEGINNING_MS = Date.UTC(2026, 0, 5, 8)
const FIX = 'fix'
const HOLD = [{ name: 'migration', reason: 'moves', owner: 'ops' }]

/** What may depend on the schedule: who came into which wave, when, and in what words that is told. */
const IGNORED = [
  { kind: 'ControlPlane', path: 'spec.overrides.*.wave' },
  ...[
    'stages',
    'decisions',
    'log',
    'problems',
    'conditions',
    'verdict',
    'eta',
    'outlook',
    'forecast',
    'minutesBehind',
    'exposure',
    'deadlineAtRisk',
  ].map((field) => ({ kind: 'Rollout', path: `status.${field}` })),
  { kind: 'HostedCluster', path: 'metadata.annotations.*' },
]

interface Story {
  readonly name: string
  readonly fleet: readonly Plane[]
  readonly strategy?: Partial<RolloutStrategySpec>
  readonly steps: readonly Step[]
  /** Until when agents are heard of, and between which times that of the second management cluster is not, in ms. */
  readonly hearts?: { readonly lastMs: number; readonly silent: readonly [number, number] }
  readonly limits?: Limits
  readonly more?: Partial<Scenario>
}

/** The manager, two agents, and what is around them. */
function story({ name, fleet, strategy, steps, hearts, limits, more }: Story): Scenario {
  const agents = PLACES.map((place) => [`agent-${place.name}`, () => agent(place)] as const)
  const around = {
    hypershift: () => PLACES.map((place) => hyperShift(place.name)),
    ...Object.fromEntries(approvers.map((each) => [each.name, () => [approver(each.name)]])),
    ...(hearts && {
      hearts: () =>
        PLACES.map((place, index) =>
          heart(place.name, hearts.lastMs, index === 1 ? hearts.silent : [Infinity, Infinity]),
        ),
    }),
  }
  return {
    name,
    clusters: {
      [HUB]: hub(fleet, strategy),
      ...Object.fromEntries(PLACES.map((place) => [place.name, managementCluster(place, fleet)])),
    },
    processes: { manager, ...Object.fromEntries(agents), ...around },
    steady: Object.keys(around),
    users: {
      manager: managerIdentity,
      ...Object.fromEntries(PLACES.map((place) => [`agent-${place.name}`, agentIdentity(place.name)])),
      ...Object.fromEntries(approvers.map((each) => [each.name, each])),
    },
    // Nobody lags behind for longer than time passes here: an operation that is not seen for half an hour has failed.
    steps: steps.flatMap((step): Step[] => ('advance' in step ? [step, { settle: true }] : [step])),
    invariants,
    tales: [rolloutLogs],
    ignoredFields: IGNORED,
    remembers: true,
    // Our caches begin with a consistent list, so they never show a state older than one they showed before.
    limits: { settleMs: 90_000, actions: 20_000, timeTravel: 0, ...limits },
    ...more,
  }
}

const requested: Step = {
  create: own('ComponentFix', FIX, {
    ticket: 'BUG-1',
    targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: FIXED }],
    strategy: 'short',
  }),
  as: requester,
}

function pass(minutes: number): Step {
  return { advance: minutes * MINUTE }
}

function at(minutes: number): string {
  return new Date(BEGINNING_MS + minutes * MINUTE).toISOString().replace('.000Z', 'Z')
}

function target({ name, managementCluster: namespace }: Plane) {
  return { resource: controlPlanes, name, namespace }
}

function id({ name, managementCluster: namespace }: Plane): string {
  return `${namespace}/${name}`
}

/** Asks something of the rollout. */
function asked(spec: object): Step {
  return { change: { resource: rollouts, name: FIX }, to: { spec } }
}

function ends(phase: string, names: readonly string[], checks: readonly Check[] = [countsAreRight]): Step {
  const all = [phaseIs(FIX, phase), fixed(names), nobodyOnTheWay, logsReplay, ...checks]
  return expect(`the rollout is ${phase}`, ...all)
}

/** One control plane is held for a while, another comes, and one goes. */
export function delivery(count: number): Scenario {
  // Who goes is not treated before, whatever the order.
  const fleet = planes(count).map((plane, index): Plane => (index === 1 ? { ...plane, holds: HOLD } : plane))
  const [held, going] = [fleet[2]!, fleet[1]!]
  const joins: Plane = { name: 'cp-new', managementCluster: PLACES[1]!.name }
  const stays = [...fleet.filter((plane) => plane !== going), joins]
  return story({
    name: `delivery to ${count}`,
    fleet,
    steps: [
      { settle: true },
      { change: target(held), to: { spec: { holds: HOLD } } },
      requested,
      pass(6),
      {
        together: [
          ...hosted(joins).map((object) => ({ create: object, cluster: joins.managementCluster })),
          { create: registration(joins) },
        ],
      },
      pass(10),
      { delete: target(going) },
      pass(5),
      { change: target(held), to: { spec: { holds: null } } },
      pass(5 * 60),
      ends(
        'Completed',
        stays.map(({ name }) => name),
      ),
    ],
  })
}

/** Everybody is held at the moment at which a fix is requested: nobody is treated, however late the manager hears of it. */
export function heldBack(count: number): Scenario {
  const fleet = planes(count)
  return story({
    name: `holds of all ${count}`,
    fleet,
    steps: [
      { settle: true },
      {
        together: [
          ...fleet.map((plane): Step => ({ change: target(plane), to: { spec: { holds: HOLD } } })),
          requested,
        ],
      },
      pass(60),
      expect('nobody is treated', fixed([]), nobodyOnTheWay),
    ],
    // How many rollouts there were in between depends on when the manager heard of it.
    more: { withoutOracles: ['confluence'] },
  })
}

/** The fix gets stuck on the second one: the rollout halts, and takes it back everywhere. */
export function halt(count: number): Scenario {
  const fleet = planes(count).map((plane, index): Plane => (index === 2 ? { ...plane, spoilt: 'stuck' } : plane))
  return story({
    name: `halt among ${count}`,
    fleet,
    steps: [{ settle: true }, requested, pass(5 * 60), ends('Reverted', [])],
    // Who was treated before the halt depends on the order.
    more: { withoutOracles: ['confluence'] },
  })
}

/** Somebody falls ill by the fix, partners are in the fleet, and people take it back in the end. */
export function interventions(count: number): Scenario {
  const fleet = planes(count).map((plane, index): Plane => {
    if (index === 0) return { ...plane, spoilt: 'stuck' }
    return index === 1 || index === 3 ? { ...plane, pair: 'twins' } : plane
  })
  const [stuck, left] = [fleet[0]!, fleet[5]!]
  const names = fleet.filter((plane) => plane !== left).map(({ name }) => name)
  const freeze = own('FreezeWindow', 'week-end', { from: at(30), to: at(60), reason: 'sale', owner: 'ops' })
  const cured = { metadata: { labels: { [SPOILT]: null } } }
  return story({
    name: `interventions among ${count}`,
    fleet,
    strategy: { failureBudget: { percent: 0, minimum: 1 } },
    steps: [
      { settle: true },
      requested,
      pass(3),
      asked({ skip: [{ controlPlane: id(left), reason: 'fragile' }] }),
      { create: freeze },
      // By then it is stuck for longer than it may be, whenever it was asked.
      pass(40),
      {
        change: { resource: hostedClusters, name: stuck.name, namespace: CLUSTERS },
        to: cured,
        cluster: stuck.managementCluster,
      },
      asked({ retry: [{ controlPlane: id(stuck), reason: 'cured' }] }),
      pass(15),
      asked({ pause: { reason: 'lunch' } }),
      pass(15),
      asked({ pause: null }),
      pass(4 * 60),
      ends('Completed', names),
      asked({ revert: { reason: 'regret' } }),
      pass(2 * 60),
      ends('Reverted', []),
    ],
  })
}

/** The agent of the second management cluster is not heard of for a while. */
export function silence(count: number): Scenario {
  const fleet = planes(count)
  return story({
    name: `silence among ${count}`,
    fleet,
    // Who could not be treated is tried again six hours after nobody could.
    hearts: { lastMs: 8 * HOUR, silent: [26 * MINUTE, 50 * MINUTE] },
    // Of a rollout that is over, nobody counts any more what later ones do.
    steps: [
      { settle: true },
      requested,
      pass(9 * 60),
      ends(
        'Completed',
        fleet.map(({ name }) => name),
        [],
      ),
    ],
    // Deadlines of follow-ups, and so their plans, count from when they were found to be needed.
    more: { withoutOracles: ['confluence'] },
  })
}
