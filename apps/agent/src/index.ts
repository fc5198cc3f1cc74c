export { startAgent, type AgentOptions } from './start-agent.ts'
export type { ManagementClusterIdentity } from './fold-status.ts'
