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
export { DocumentError } from './document-reader.ts'
export { explore, Explorer, replay, type ExploreOptions, type Replay, type Result } from './explore.ts'
export { isSameFailure } from './failure-class.ts'
export { type FailingPlan, failingPlan, parsePlan, type PlanSource, printPlan } from './plan-file.ts'
export type { Finding, TraceEntry } from './run-types.ts'
export { planLength, shrink, type Shrunk, type ShrinkOptions, withoutSteps } from './shrink.ts'
export { choiceText, timeline, type TimelineOptions } from './timeline.ts'
export { type EventSequence, parseSequence, type SequenceStep } from './sequence/event-sequence.ts'
export { sequenceScenario, type SequenceScenario } from './sequence/sequence-scenario.ts'
export { operatorScenario, programScenario } from './operator-scenario.ts'
export { durationMs } from './sequence/duration.ts'
export { type RecordedEvent, type RecorderOptions, SequenceRecorder } from './sequence/sequence-recorder.ts'
