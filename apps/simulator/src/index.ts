export {
  administrator,
  agentIdentity,
  approvers,
  hubAccess,
  localAccess,
  managerIdentity,
  requester,
} from './access.ts'
export type { Identity } from './access.ts'
export { Demo } from './demo.ts'
export type { DemoAddress, DemoEnvironment } from './demo.ts'
export { generateFleet } from './fleet-generator.ts'
export type { SimulatedFleet } from './fleet-generator.ts'
export { parseOptions } from './options.ts'
export type { SimulatorOptions, WorldOptions } from './options.ts'
export { exitCodeOf } from './summary.ts'
export type { Summary } from './summary.ts'
