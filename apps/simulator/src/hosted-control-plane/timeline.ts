import { forkRandom } from '@locktender/kube'
import { dependenciesOf, operatorComponent, replicasOf } from './components.ts'
import type { FailureMode, Fate } from './failure-modes.ts'
import type { ControlPlaneFacts, MovingCondition, SimulatedCondition } from './view.ts'
import { healthyCondition, rolledOut, workloadOf } from './view.ts'

/** One visible change of a control plane under an override. */
export type TimelineChange =
  | { readonly type: 'operator-template'; readonly image: string; readonly overrides: string }
  | { readonly type: 'operator-ready'; readonly ready: boolean }
  /** The operator of the new image leads: from here on, going back means rolling everything back. */
  | { readonly type: 'operator-leads' }
  | { readonly type: 'component'; readonly name: string; readonly value: Omit<SimulatedCondition, 'since'> }
  | { readonly type: 'condition'; readonly name: MovingCondition; readonly value: Omit<SimulatedCondition, 'since'> }
  | { readonly type: 'broken'; readonly mode: FailureMode; readonly cause: 'fix' | 'background' }

export interface TimelineEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly change: TimelineChange
}

/** An operation on one control plane: its operator goes from one template to another. */
export interface OperationPlan {
  readonly startedAt: number
  readonly image: string
  /** Overrides of other images, `name=image,…`. */
  readonly overrides: string
  /** Components that restart: none when they run already what they should. */
  readonly rolls: readonly string[]
  readonly fate: Fate
}

/**
 * Nominal moments in seconds after the annotation was written (reference/hypershift.md E.2). One factor per
 * operation within ±30 % stretches all of them, so that their order never changes.
 */
const nominal = {
  templateChanges: 8,
  operatorRolls: 22,
  operatorLeads: 65,
  componentsRoll: 85,
  etcdRolled: 230,
  apiServerRolled: 540,
  firstDependantRolled: 580,
  lastRolled: 840,
  lateFailure: 840 + 20 * 60,
  flapsFor: 24 * 60 * 60,
  flapEvery: 40 * 60,
  flapLasts: 80,
} as const

/** Plans everything that will be seen of an operation, in order of time; a pure function of its arguments. */
export function planTimeline(facts: ControlPlaneFacts, plan: OperationPlan): TimelineEvent[] {
  if (plan.fate.mode === 'NotPickedUp') {
    return [{ at: plan.startedAt, change: { type: 'broken', mode: plan.fate.mode, cause: plan.fate.cause! } }]
  }
  const random = forkRandom(Math.floor(plan.fate.detail * 2 ** 32), `timeline/${facts.name}/${contentOf(plan)}`)
  // A single replica restarts in one go, without waiting for its siblings.
  const stretch = (0.7 + 0.6 * random.next()) * (facts.topology === 'SingleReplica' ? 0.6 : 1)
  const timeline = new Timeline(plan.startedAt, stretch)
  if (plan.rolls.length === 0) return operatorOnly(timeline, plan).sorted()
  operatorRolls(timeline, plan)
  if (plan.fate.mode === 'ImageNotPullable') {
    timeline.broken(nominal.operatorRolls, plan.fate)
    timeline.condition(nominal.operatorRolls, 'Degraded', unavailableReplicas(operatorComponent))
    return timeline.sorted()
  }
  timeline.add(nominal.operatorLeads, { type: 'operator-ready', ready: true })
  timeline.add(nominal.operatorLeads, { type: 'operator-leads' })
  timeline.add(nominal.operatorLeads, {
    type: 'component',
    name: operatorComponent,
    value: rolledOut(operatorComponent),
  })
  const names = plan.rolls
  for (const name of names) {
    timeline.add(nominal.componentsRoll, { type: 'component', name, value: rolling(name, facts) })
  }
  timeline.condition(nominal.componentsRoll, 'Degraded', unavailableReplicas(busiest(names)))
  componentsRoll(timeline, facts, plan.fate, names, () => random.next())
  return timeline.sorted()
}

/** What an operation brings, in a word that is the image alone where nothing else is overridden. */
function contentOf({ image, overrides }: Pick<OperationPlan, 'image' | 'overrides'>): string {
  return overrides === '' ? image : `${image},${overrides}`
}

function template({ image, overrides }: OperationPlan): TimelineChange {
  return { type: 'operator-template', image, overrides }
}

/** Back to an image that the components never left: only the operator's Deployment moves. */
function operatorOnly(timeline: Timeline, plan: OperationPlan): Timeline {
  timeline.add(nominal.templateChanges, template(plan))
  timeline.add(nominal.operatorLeads, { type: 'operator-ready', ready: true })
  timeline.add(nominal.operatorLeads, {
    type: 'component',
    name: operatorComponent,
    value: rolledOut(operatorComponent),
  })
  timeline.add(nominal.operatorLeads, { type: 'operator-leads' })
  timeline.condition(nominal.operatorLeads, 'Degraded', healthyCondition('Degraded'))
  return timeline
}

/** Whose replicas the operator complains of while `names` roll. */
function busiest(names: readonly string[]): string {
  return names.includes('kube-apiserver') ? 'kube-apiserver' : names[0]!
}

function operatorRolls(timeline: Timeline, plan: OperationPlan): void {
  timeline.add(nominal.templateChanges, template(plan))
  timeline.add(nominal.operatorRolls, { type: 'operator-ready', ready: false })
  timeline.add(nominal.operatorRolls, {
    type: 'component',
    name: operatorComponent,
    value: waitingForRollout(operatorComponent, 1),
  })
}

function componentsRoll(
  timeline: Timeline,
  facts: ControlPlaneFacts,
  fate: Fate,
  names: readonly string[],
  next: () => number,
): void {
  if (fate.mode === 'EtcdQuorumLoss') {
    const at = (nominal.componentsRoll + nominal.etcdRolled) / 2
    timeline.broken(at, fate)
    timeline.condition(at, 'EtcdAvailable', etcdWithoutQuorum)
    timeline.condition(at, 'Available', waitingForAvailable('Waiting for etcd to reach quorum'))
    return
  }
  if (names.includes('etcd')) {
    timeline.add(nominal.etcdRolled, { type: 'component', name: 'etcd', value: rolledOut('etcd') })
  }
  timeline.condition(nominal.etcdRolled, 'EtcdAvailable', healthyCondition('EtcdAvailable'))
  for (const name of names) {
    if (name !== 'etcd' && dependenciesOf(name).length === 0) {
      const at = nominal.componentsRoll + (nominal.apiServerRolled - nominal.componentsRoll) * (0.2 + 0.7 * next())
      timeline.add(at, { type: 'component', name, value: rolledOut(name) })
    }
  }
  if (fate.mode === 'KubeAPIServerDown') {
    timeline.broken(nominal.etcdRolled + 60, fate)
    timeline.apiServerDown(nominal.etcdRolled + 60)
    return
  }
  if (names.includes('kube-apiserver')) {
    timeline.add(nominal.apiServerRolled, {
      type: 'component',
      name: 'kube-apiserver',
      value: rolledOut('kube-apiserver'),
    })
  }
  timeline.condition(nominal.apiServerRolled, 'KubeAPIServerAvailable', healthyCondition('KubeAPIServerAvailable'))
  timeline.condition(nominal.apiServerRolled, 'Available', healthyCondition('Available'))
  const dependants = names.filter((name) => dependenciesOf(name).includes('kube-apiserver'))
  const victim =
    fate.mode === 'ComponentCrashLoop' ? dependants[Math.floor(fate.detail * dependants.length)] : undefined
  dependants.forEach((name, index) => {
    const last = index === dependants.length - 1
    const span = nominal.lastRolled - nominal.firstDependantRolled
    const at = last ? nominal.lastRolled : nominal.firstDependantRolled + span * next()
    timeline.add(at, {
      type: 'component',
      name,
      value: name === victim ? waitingForRollout(name, replicasOf(name, facts.topology)) : rolledOut(name),
    })
  })
  if (victim === undefined) {
    timeline.condition(nominal.lastRolled, 'Degraded', healthyCondition('Degraded'))
  } else {
    timeline.broken(nominal.firstDependantRolled, fate)
    timeline.condition(nominal.lastRolled, 'Degraded', unavailableReplicas(victim))
  }
  if (fate.mode === 'FlappingDegraded') {
    const { lastRolled, flapsFor, flapEvery, flapLasts } = nominal
    for (let at = lastRolled + flapEvery * next(); at < lastRolled + flapsFor; at += flapEvery * (0.5 + next())) {
      timeline.condition(at, 'Degraded', unavailableReplicas('kube-apiserver'))
      timeline.condition(at + flapLasts, 'Degraded', healthyCondition('Degraded'))
    }
  }
  if (fate.mode === 'LateFailure') {
    timeline.broken(nominal.lateFailure, fate)
    timeline.apiServerDown(nominal.lateFailure)
  }
}

class Timeline {
  readonly #startedAt: number
  readonly #stretch: number
  readonly #events: TimelineEvent[] = []

  constructor(startedAt: number, stretch: number) {
    this.#startedAt = startedAt
    this.#stretch = stretch
  }

  add(seconds: number, change: TimelineChange): void {
    this.#events.push({ at: this.#startedAt + Math.round(seconds * this.#stretch * 1000), change })
  }

  condition(seconds: number, name: MovingCondition, value: Omit<SimulatedCondition, 'since'>): void {
    this.add(seconds, { type: 'condition', name, value })
  }

  broken(seconds: number, fate: Fate): void {
    this.add(seconds, { type: 'broken', mode: fate.mode!, cause: fate.cause! })
  }

  apiServerDown(seconds: number): void {
    this.condition(seconds, 'KubeAPIServerAvailable', apiServerUnavailable)
    this.condition(
      seconds,
      'Available',
      waitingForAvailable('Waiting for Kube APIServer deployment to become available'),
    )
  }

  sorted(): TimelineEvent[] {
    return this.#events.toSorted((left, right) => left.at - right.at)
  }
}

const etcdWithoutQuorum = {
  status: 'False',
  reason: 'EtcdWaitingForQuorum',
  message: 'Waiting for etcd to reach quorum',
} as const

const apiServerUnavailable = {
  status: 'False',
  reason: 'WaitingForAvailable',
  message: 'Waiting for Kube APIServer deployment to become available',
} as const

function waitingForAvailable(message: string): Omit<SimulatedCondition, 'since'> {
  return { status: 'False', reason: 'WaitingForAvailable', message }
}

function unavailableReplicas(name: string): Omit<SimulatedCondition, 'since'> {
  return {
    status: 'True',
    reason: 'UnavailableReplicas',
    message: `${name} deployment has 1 unavailable replicas`,
  }
}

function rolling(name: string, facts: ControlPlaneFacts): Omit<SimulatedCondition, 'since'> {
  const dependencies = dependenciesOf(name)
  if (dependencies.length === 0) return waitingForRollout(name, replicasOf(name, facts.topology))
  return {
    status: 'False',
    reason: 'WaitingForDependencies',
    message: `Waiting for Dependencies: ${dependencies.join(', ')}`,
  }
}

function waitingForRollout(name: string, replicas: number): Omit<SimulatedCondition, 'since'> {
  return {
    status: 'False',
    reason: 'WaitingForRolloutComplete',
    message: `${workloadOf(name)} ${name} rollout not finished: 0 out of ${replicas} new replicas have been updated`,
  }
}
