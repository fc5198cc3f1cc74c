export { startManager, type ManagerOptions } from './start-manager.ts'
