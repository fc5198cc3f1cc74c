export * from './well-known.ts'
export { crds } from './crds.ts'
export type { CustomResourceDefinition } from './crds.ts'
export { TARGET_STATES } from './states.ts'
export type { StateCounts, TargetState } from './states.ts'
export { ENVIRONMENTS, PLATFORMS } from './schema/common.ts'
export type { Approval, ApprovalSpec } from './kinds/approval.ts'
export type {
  ComponentFix,
  ComponentFixPhase,
  ComponentFixSpec,
  ComponentFixStatus,
  ComponentFixTarget,
} from './kinds/component-fix.ts'
export type {
  ComponentImage,
  ComponentOverride,
  ControlPlane,
  ControlPlaneHealth,
  ControlPlaneSignal,
  ControlPlaneIdentity,
  ControlPlaneOperation,
  ControlPlaneSpec,
  ControlPlaneStatus,
  Hold,
} from './kinds/control-plane.ts'
export type { FreezeWindow, FreezeWindowSpec } from './kinds/freeze-window.ts'
export type { ManagementCluster, ManagementClusterSpec, ManagementClusterStatus } from './kinds/management-cluster.ts'
export type { Release, ReleaseImage, ReleaseSpec } from './kinds/release.ts'
export { MAX_LOG_DATA } from './kinds/rollout-log.ts'
export type { RolloutLog, RolloutLogSpec } from './kinds/rollout-log.ts'
export { MAX_CREDIT, MAX_OUTLOOK_WAVES, MAX_SINGLED_OUT } from './kinds/rollout.ts'
export type { RolloutStrategy, RolloutStrategySpec, StrategySignal, StrategyStage } from './kinds/rollout-strategy.ts'
export { MAX_STRATA } from './kinds/rollout.ts'
export type {
  Rollout,
  RolloutPhase,
  RolloutPlan,
  RolloutExposure,
  RolloutForecast,
  RolloutHistory,
  RolloutOutlook,
  RolloutProblem,
  RolloutSpec,
  RolloutStageStatus,
  RolloutStatus,
  RolloutCredit,
  RolloutSignal,
  RolloutSuspect,
  RolloutVerdict,
  SingledOut,
  RolloutWaveStatus,
} from './kinds/rollout.ts'
export { formatDuration, parseDuration } from './durations.ts'
export { fixMatcher, imageForControlPlane } from './fix-targets.ts'
export type { FixMatcher } from './fix-targets.ts'
export { hypershiftCrds } from './hypershift-crds.ts'
export { AGENT_LEASE, agentRole, agentUserName, fleetRoleBindings, fleetRoles, ROLE_GROUPS } from './roles.ts'
export type { BindingObject, FleetRole, PolicyRule, RoleObject } from './roles.ts'
export { stratum } from './stratum.ts'
export { activeHold, heldStatus, holdEnd, targetState } from './target-state.ts'
export type { ControlPlaneView, TargetContext, TargetStatus } from './target-state.ts'
export { fleetAdmission } from './admission/fleet-admission.ts'
export { fleetPolicies } from './admission/policies.ts'
export type { PolicyObject } from './admission/policies.ts'
export type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './admission/types.ts'
export { FleetIndex } from './fleet-index.ts'
