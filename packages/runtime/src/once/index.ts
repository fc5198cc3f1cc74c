export {
  type Applied,
  applyOutput,
  type AppliedRequest,
  isOutdated,
  plannedRequests,
  type RefusedRequest,
  UndeclaredOutputError,
} from './apply-output.ts'
export { compareOutput, describeOutputDifference, describeRequest, type OutputDifference } from './compare-output.ts'
export { MENDED } from './compat.ts'
export { type BinaryOptions, type BinaryResult, runBinary } from './edge/operator-binary.ts'
export { runOperator } from './edge/run-operator.ts'
export { InputDirectory, InputDirectoryError } from './input-directory.ts'
export { InputFiles } from './input-files.ts'
export {
  type ControllerResult,
  OutputDirectoryError,
  readOutput,
  type RunOutput,
  writeOutput,
} from './output-directory.ts'
export { type OperatorProgram, operatorProgram, ProgramError, type ProgramRun } from './program.ts'
export { gatherInputs, type ObjectSource, prune } from './prune.ts'
export { readYaml } from './read-yaml.ts'
export { type Destination, DESTINATIONS, isEvent, type RecordedRequest, UNDECLARED } from './recorded-request.ts'
export { transportRequestOf } from './replay.ts'
export {
  allowedDestinations,
  inputProblems,
  type InputResources,
  inputResourcesFrom,
  type OutputResources,
  ResourceListError,
} from './resource-lists.ts'
export {
  caseName,
  expectOutput,
  findTests,
  type OperatorTest,
  runTest,
  TestDirectoryError,
  type TestOutcome,
} from './test-directory.ts'
export { writeYaml } from './write-yaml.ts'
