export { agentController } from './agent-controller.ts'
export { Registry } from './registry.ts'
export { startAgent, type AgentOptions } from './start-agent.ts'
export type { ManagementClusterIdentity } from './fold-status.ts'
