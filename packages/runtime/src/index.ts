export { outsideFetch } from './edge/outside-fetch.ts'
export { startMonitoring, type Monitoring } from './edge/serve-metrics.ts'
export type { ClusterView, Controller, ObjectEvent, ReconcileResult, Scope, Watch, World, Write } from './controller.ts'
export { LeadershipLostError, TerminalError, UndeclaredAccessError } from './errors.ts'
export { eventName, type EventNote, type EventRecorder, type EventSubject } from './events.ts'
export { keepFields } from './fields.ts'
export { guardedClient, guardedFetch } from './guard.ts'
export { hostedNamespaces, standalone, type NamespaceMapping } from './hosted-namespaces.ts'
export { holdLeadership, nextLeaseStep, type LeaderElectionOptions, type Lease } from './leader-election.ts'
export { Health, type HealthReport } from './health.ts'
export { runControllers, type LiveOptions, type LiveSurroundings } from './live.ts'
export type { RequestBudget } from './request-gate.ts'
export type { ShardingOptions } from './shards.ts'
export type { SourceHealth } from './sources.ts'
export {
  manageOperators,
  type ManagedCluster,
  type ManagedOperator,
  type ManageOptions,
  type OperatorRole,
} from './manage-operators.ts'
export { jsonLogger } from './json-logger.ts'
export { silentLogger, type LogFields, type Logger } from './logger.ts'
export * from './metrics.ts'
export * from './operator.ts'
export { mayCall, type OutsideAnswer, type OutsideRequest } from './outside.ts'
export { lowPriority, WorkQueue, type WorkQueueOptions } from './work-queue.ts'
