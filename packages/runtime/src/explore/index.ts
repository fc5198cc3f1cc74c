export type { Choice, ChoiceKind, Failure, Plan } from './choice.ts'
export { definitionOf, type DefinitionSchema } from './definition.ts'
export {
  always,
  type AccessVerb,
  type ClusterSetup,
  type IgnoredField,
  type Invariant,
  type Limits,
  type ObjectsState,
  type ObjectTarget,
  type Oracle,
  type OutsideReply,
  type Scenario,
  type Step,
  type WorldState,
} from './scenario.ts'
export { explore, Explorer, replay, type ExploreOptions, type Replay, type Result } from './explore.ts'
export type { Finding, TraceEntry } from './run-types.ts'
