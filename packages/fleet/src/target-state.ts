import { sameImage } from '@locktender/releases'
import { imageForControlPlane } from './fix-targets.ts'
import type { FixMatcher } from './fix-targets.ts'
import type {
  ComponentImage,
  ComponentOverride,
  ControlPlane,
  ControlPlaneOperation,
  Hold,
} from './kinds/control-plane.ts'
import type { TargetState } from './states.ts'

/** Phases of an operation that has not ended. */
const UNDER_WAY: ReadonlySet<ControlPlaneOperation['phase']> = new Set(['Applying', 'Verifying', 'Reverting'])

/** Where one control plane is with one fix, and why when that is not obvious. */
export interface TargetStatus {
  readonly state: TargetState
  /** One CamelCase word for programs. */
  readonly reason?: string
  /** For people. */
  readonly message?: string
  /** The image the fix has for this control plane; absent when it does not concern it. */
  readonly image?: string
}

/** What {@link targetState} cannot see in the object. */
export interface TargetContext {
  /** Milliseconds since the epoch; decides whether holds have expired. */
  readonly now: number
  /** Count only what this rollout did, so that a reverted control plane can be treated again by the next one. */
  readonly rollout?: string | undefined
  /** False while the management cluster has not reported within its freshness limit. */
  readonly reachable?: boolean | undefined
}

/** The part of a ControlPlane that decides its state. */
export interface ControlPlaneView {
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: Pick<ControlPlane['spec'], 'overrides' | 'holds'>
  readonly status?: Pick<NonNullable<ControlPlane['status']>, 'identity' | 'version' | 'images' | 'operations'>
}

/**
 * The state of one control plane with respect to one fix: a fold over its object, with no memory. What the spec asks
 * for and the agent's last operation come first; only a control plane that is neither asked nor touched is judged by
 * what it runs.
 */
export function targetState(controlPlane: ControlPlaneView, fix: FixMatcher, context: TargetContext): TargetStatus {
  const { spec, status } = controlPlane
  const override = spec.overrides?.find(({ component }) => component === fix.component)
  const ours = override?.fix === fix.name ? override : undefined
  if (status === undefined) {
    return { state: 'Unknown', reason: 'NeverReported', message: 'The agent has not reported this control plane yet.' }
  }
  const image = imageForControlPlane(fix, controlPlane)
  const effective = status.images.find(({ component }) => component === fix.component)
  const operation = operationOf(status.operations, fix, ours?.rollout ?? context.rollout, ours?.attempt)
  const involved = image !== undefined || ours !== undefined || operation !== undefined || effective?.fix === fix.name
  if (!involved) return { state: 'NotAffected' }
  if (context.reachable === false) {
    return withImage(image, {
      state: 'Unknown',
      reason: 'Unreachable',
      message: 'The management cluster has not reported within its freshness limit.',
    })
  }
  return withImage(
    image,
    ours !== undefined
      ? requestedState(ours, image, effective, operation, fix)
      : (withdrawnState(override, effective, operation, fix) ??
          untouchedState(controlPlane, override, image, effective, fix, context)),
  )
}

/** The spec carries the fix. */
function requestedState(
  override: ComponentOverride,
  image: string | undefined,
  effective: ComponentImage | undefined,
  operation: ControlPlaneOperation | undefined,
  fix: FixMatcher,
): TargetStatus {
  const inPlace = effective !== undefined && sameImage(effective.image, override.image)
  switch (operation?.phase) {
    case 'Applying':
    case 'Verifying':
    case 'Failed':
    case 'Reverting':
      return told(operation.phase, operation)
    case 'Reverted':
      return { state: 'Scheduled' }
    case undefined:
      // The agent tells of it as soon as it begins; in place without it means that another agent did it.
      if (override.attempt !== undefined || !inPlace || effective.fix !== fix.name) return { state: 'Scheduled' }
      break
    case 'Applied':
      break
  }
  if (image === undefined || !sameImage(image, override.image)) {
    return {
      state: 'Regressed',
      reason: 'VersionChanged',
      message: 'The control plane moved to a release for which the override is not meant.',
    }
  }
  if (effective !== undefined && !inPlace) {
    return {
      state: 'Regressed',
      reason: 'ImageChanged',
      message: `${override.component} runs ${effective.image} although the fix was applied; something else changed it.`,
    }
  }
  return { state: 'Applied' }
}

/** The spec does not carry the fix (any more), but the agent did something for it. */
function withdrawnState(
  override: ComponentOverride | undefined,
  effective: ComponentImage | undefined,
  operation: ControlPlaneOperation | undefined,
  fix: FixMatcher,
): TargetStatus | undefined {
  switch (operation?.phase) {
    case 'Reverting':
    case 'Reverted':
      return told(operation.phase, operation)
    case 'Applying':
    case 'Verifying':
    case 'Applied':
    case 'Failed':
      break
    case undefined:
      if (effective?.fix !== fix.name) return undefined
  }
  // The override of another fix takes the place of ours; nothing is being taken back then.
  return override === undefined ? { state: 'Reverting', reason: 'RevertRequested' } : undefined
}

/** Nothing was asked or done for this fix here. */
function untouchedState(
  controlPlane: ControlPlaneView,
  override: ComponentOverride | undefined,
  image: string | undefined,
  effective: ComponentImage | undefined,
  fix: FixMatcher,
  context: TargetContext,
): TargetStatus {
  if (image === undefined) return { state: 'NotAffected' }
  if (
    effective !== undefined &&
    sameImage(effective.image, image) &&
    (effective.origin === 'payload' || effective.origin === 'file')
  ) {
    return {
      state: 'Native',
      reason: effective.origin === 'payload' ? 'InPayload' : 'InOverrideFile',
      message: `${fix.component} already runs the image of the fix.`,
    }
  }
  if (override !== undefined && fix.supersededBy.has(override.fix)) {
    const message = `ComponentFix ${override.fix}, whose image contains this fix, replaces ${override.component} here.`
    return { state: 'Native', reason: 'Superseded', message }
  }
  const hold = activeHold(controlPlane, context.now)
  if (hold !== undefined) return heldStatus(hold)
  if (override !== undefined && !fix.supersedes.includes(override.fix)) {
    return {
      state: 'Blocked',
      reason: 'OtherFix',
      message: `ComponentFix ${override.fix} has replaced ${override.component} here; revert it or let this fix supersede it.`,
    }
  }
  const busy = controlPlane.status?.operations?.find(({ phase }) => UNDER_WAY.has(phase))
  if (busy !== undefined) {
    const cause = busy.fix === undefined ? `a change of ${busy.component}` : `ComponentFix ${busy.fix}`
    return {
      state: 'Blocked',
      reason: 'OtherOperation',
      message: `${cause} is in progress here (${busy.phase}); it must end first.`,
    }
  }
  return { state: 'Pending' }
}

/** The status of a control plane that nothing but `hold` keeps from being treated. */
export function heldStatus(hold: Hold): TargetStatus {
  const until = hold.expires === undefined ? 'until it is removed' : `until ${hold.expires}`
  return { state: 'Held', reason: 'Hold', message: `${hold.reason} (hold ${hold.name} of ${hold.owner}, ${until})` }
}

/** The hold that has not expired at `now` and lasts longest, if any. */
export function activeHold(controlPlane: Pick<ControlPlaneView, 'spec'>, now: number): Hold | undefined {
  let longest: Hold | undefined
  for (const hold of controlPlane.spec.holds ?? []) {
    if (holdEnd(hold) <= now) continue
    if (longest === undefined || holdEnd(hold) > holdEnd(longest)) longest = hold
  }
  return longest
}

/** When a hold ends by itself, milliseconds since the epoch; Infinity when it does not. */
export function holdEnd(hold: Hold): number {
  return hold.expires === undefined ? Infinity : Date.parse(hold.expires)
}

function operationOf(
  operations: readonly ControlPlaneOperation[] | undefined,
  fix: FixMatcher,
  rollout: string | undefined,
  attempt = 1,
): ControlPlaneOperation | undefined {
  const operation = operations?.find(({ component }) => component === fix.component)
  if (operation === undefined || operation.fix !== fix.name) return undefined
  const other = rollout !== undefined && operation.rollout !== undefined && operation.rollout !== rollout
  // What came of an earlier attempt is no answer to this one.
  return other || (operation.attempt ?? 1) < attempt ? undefined : operation
}

function told(state: TargetState, { reason, message }: ControlPlaneOperation): TargetStatus {
  return { state, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) }
}

function withImage(image: string | undefined, status: TargetStatus): TargetStatus {
  return image === undefined ? status : { ...status, image }
}
