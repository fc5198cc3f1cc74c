import { pairsOf, rolledByOverrides, rollsWithOverride } from './components.ts'
import type { FailureMode, FailureSettings, Fate } from './failure-modes.ts'
import { fateOf } from './failure-modes.ts'
import type { TimelineEvent } from './timeline.ts'
import { planTimeline } from './timeline.ts'
import type { ControlPlaneFacts, ControlPlaneView, MovingCondition, SimulatedCondition } from './view.ts'
import { componentsComplete, healthyView, movingConditions } from './view.ts'

/** What a template of the operator makes the components run. */
export interface Template {
  /** Image of the operator. */
  readonly image: string
  /** Overrides of other images, `name=image,…`; '' for none. */
  readonly overrides: string
}

/** What must outlive a restart of the simulator; kept in an annotation of the operator's Deployment. */
export interface OperationRecord {
  /** When the annotation was seen, milliseconds since the epoch. */
  readonly startedAt: number
  /** The operator image that the operation goes to. */
  readonly image: string
  /** Overrides of other images, `name=image,…`, that it goes to. */
  readonly overrides: string
  /** What the components ran before. */
  readonly from: Template
  /** Components that restart on the way. */
  readonly rolls: readonly string[]
  /** Whether a fix has really broken this control plane before, healed or not. */
  readonly brokenByFix: boolean
}

/** A hosted control plane as the simulator sees it. A value: every change makes a new one. */
export interface ControlPlaneState {
  readonly facts: ControlPlaneFacts
  readonly view: ControlPlaneView
  /** The last thing asked for; absent as long as nothing ever was. */
  readonly operation?: OperationRecord
  /** What the components run or are rolling to. */
  readonly leading: Template
  /** Whether a fix has ever really broken it, healed or not. */
  readonly brokenByFix: boolean
  /** What is wrong with it now, if anything. */
  readonly brokenBy?: FailureMode
  readonly pending: readonly TimelineEvent[]
}

/** One object whose visible state changed. */
export type ControlPlaneWrite =
  | { readonly target: 'operator-template' }
  | { readonly target: 'operator-status' }
  | { readonly target: 'component'; readonly name: string }
  | { readonly target: 'hosted-cluster' }

export interface Step {
  readonly state: ControlPlaneState
  /** What to write, in order; the contents are in the new state's view. */
  readonly writes: readonly ControlPlaneWrite[]
  /** When something will happen next, milliseconds since the epoch; absent when nothing will by itself. */
  readonly nextDue?: number
}

/** A control plane that nobody has touched. */
export function initialState(facts: ControlPlaneFacts): ControlPlaneState {
  return {
    facts,
    view: healthyView(facts),
    leading: payloadOf(facts),
    brokenByFix: false,
    pending: [],
  }
}

function payloadOf(facts: ControlPlaneFacts): Template {
  return { image: facts.payloadOperatorImage, overrides: '' }
}

/** The state after a restart: what the objects show, and the operation that the Deployment remembers. */
export function resumedState(
  facts: ControlPlaneFacts,
  view: ControlPlaneView,
  record: OperationRecord | undefined,
  settings: FailureSettings,
): ControlPlaneState {
  if (record === undefined) {
    return { facts, view, leading: payloadOf(facts), brokenByFix: false, pending: [] }
  }
  const fate = fateFor(settings, facts, record)
  return {
    facts,
    view,
    operation: record,
    leading: record.from,
    brokenByFix: record.brokenByFix,
    // Events of the past set absolute values, so going through them again ends where the objects already are.
    pending: planTimeline(facts, { ...record, fate }),
  }
}

/**
 * Tells the control plane what its annotations ask for: an operator image (absent: the payload's) and overrides of other
 * images. Asking again for the same changes nothing; asking for something else starts an operation, whatever is under
 * way.
 */
export function request(
  state: ControlPlaneState,
  asked: Partial<Template>,
  now: number,
  settings: FailureSettings,
): ControlPlaneState {
  const { facts, leading } = state
  const wanted: Template = { ...payloadOf(facts), ...asked }
  if (sameTemplate(wanted, state.operation ?? payloadOf(facts))) return state
  const everything = wanted.image !== leading.image || !componentsComplete(state.view)
  const named = rolledByOverrides(leading.overrides, wanted.overrides)
  const record: OperationRecord = {
    startedAt: now,
    ...wanted,
    from: leading,
    rolls: facts.components.filter((name) => (everything ? rollsWithOverride(name) : named.has(name))),
    brokenByFix: state.brokenByFix,
  }
  const fate = fateFor(settings, facts, record)
  return { ...state, operation: record, pending: planTimeline(facts, { ...record, fate }) }
}

function sameTemplate(left: Template, right: Template): boolean {
  return left.image === right.image && left.overrides === right.overrides
}

/** Lets everything happen that is due at `now` and says what became visible by it. */
export function step(state: ControlPlaneState, now: number): Step {
  const due = state.pending.filter(({ at }) => at <= now)
  const pending = state.pending.slice(due.length)
  const after = settleTimes(state.view, due.reduce(happen, { ...state, pending }), now)
  const next = pending[0]?.at
  return { state: after, writes: changes(state.view, after.view), ...(next !== undefined && { nextDue: next }) }
}

/** What is in the payload is known to work: going back to it always heals. */
function fateFor(settings: FailureSettings, facts: ControlPlaneFacts, wanted: Template): Fate {
  const images = [wanted.image, ...pairsOf(wanted.overrides).values()].filter(
    (image) => image !== facts.payloadOperatorImage,
  )
  const fates = images.map((image) => fateOf(settings, facts.name, image))
  return fates.find(({ mode }) => mode !== undefined) ?? { detail: fateOf(settings, facts.name, wanted.image).detail }
}

function happen(state: ControlPlaneState, { change }: TimelineEvent): ControlPlaneState {
  const { view } = state
  switch (change.type) {
    case 'operator-template': {
      // Every new template must be observed anew, also one that brings back the image observed last.
      const { image, overrides } = change
      return { ...state, view: { ...view, operatorImage: image, overrides, observedOperatorImage: '' } }
    }
    case 'operator-ready':
      return {
        ...state,
        view: { ...view, operatorReady: change.ready, observedOperatorImage: view.operatorImage },
      }
    case 'operator-leads': {
      const { brokenBy: _healed, ...rest } = state
      const { image, overrides } = state.operation!
      return { ...rest, leading: { image, overrides } }
    }
    case 'component': {
      const since = view.components[change.name]?.since ?? 0
      return {
        ...state,
        view: { ...view, components: { ...view.components, [change.name]: { ...change.value, since } } },
      }
    }
    case 'condition': {
      const since = view.conditions[change.name].since
      return {
        ...state,
        view: { ...view, conditions: { ...view.conditions, [change.name]: { ...change.value, since } } },
      }
    }
    case 'broken': {
      const brokenByFix = state.brokenByFix || change.cause === 'fix'
      return {
        ...state,
        brokenBy: change.mode,
        brokenByFix,
        ...(state.operation && { operation: { ...state.operation, brokenByFix } }),
      }
    }
  }
}

/** Conditions keep the time of their last change unless their status differs from what was last seen. */
function settleTimes(before: ControlPlaneView, state: ControlPlaneState, now: number): ControlPlaneState {
  const { view } = state
  if (view === before) return state
  const stamp = (old: SimulatedCondition | undefined, value: SimulatedCondition): SimulatedCondition =>
    old !== undefined && old.status === value.status ? value : { ...value, since: now }
  const components = Object.fromEntries(
    Object.entries(view.components).map(([name, value]) => [name, stamp(before.components[name], value)]),
  )
  const conditions = Object.fromEntries(
    movingConditions.map((name) => [name, stamp(before.conditions[name], view.conditions[name])]),
  ) as Record<MovingCondition, SimulatedCondition>
  return { ...state, view: { ...view, components, conditions } }
}

function changes(before: ControlPlaneView, after: ControlPlaneView): ControlPlaneWrite[] {
  const writes: ControlPlaneWrite[] = []
  if (before.operatorImage !== after.operatorImage || before.overrides !== after.overrides) {
    writes.push({ target: 'operator-template' })
  }
  const observed = after.observedOperatorImage !== '' && before.observedOperatorImage !== after.observedOperatorImage
  if (before.operatorReady !== after.operatorReady || observed) {
    writes.push({ target: 'operator-status' })
  }
  for (const [name, value] of Object.entries(after.components)) {
    if (!sameCondition(before.components[name], value)) writes.push({ target: 'component', name })
  }
  if (movingConditions.some((name) => !sameCondition(before.conditions[name], after.conditions[name]))) {
    writes.push({ target: 'hosted-cluster' })
  }
  return writes
}

function sameCondition(left: SimulatedCondition | undefined, right: SimulatedCondition): boolean {
  return left?.status === right.status && left.reason === right.reason && left.message === right.message
}
