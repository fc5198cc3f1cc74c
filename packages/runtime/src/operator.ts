import type { Resource } from '@locktender/kube'
import type { Controller } from './controller.ts'

/** The API server with the configuration of an operator: config.openshift.io, operator.openshift.io. */
export const CONFIGURATION = 'configuration'
/** The API server where the operands run. */
export const MANAGEMENT = 'management'
/** The API server that is managed, for its users. Standalone, all three are one. */
export const USER_WORKLOAD = 'userWorkload'

/** What {@link Operator.controllers} gets. */
export interface OperatorOptions {
  /** Milliseconds since the epoch at which the process began, for what is to be said of it. */
  readonly startedAt: number
}

/** An object of an API server by its name. */
export interface InputObject {
  readonly resource: Resource
  /** Absent for cluster-scoped ones. */
  readonly namespace?: string
  readonly name: string
}

/** An object whose name stands in another one. */
export interface InputReference {
  readonly cluster: string
  readonly from: InputObject
  /** What is referred to, always in `namespace`. */
  readonly resource: Resource
  readonly namespace: string
  /** JSONPath in `from` that gives one name or several. */
  readonly nameJSONPath: string
}

/** An object that is watched and reported on but not given to the controllers. */
export interface OperandResource {
  readonly cluster: string
  readonly resource: Resource
  readonly namespace?: string
  /** Absent together with a `labelSelector`. */
  readonly name?: string
  readonly labelSelector?: Readonly<Record<string, string>>
}

/** Inputs that the declarations of controllers cannot say. */
export interface OperatorInputs {
  readonly references?: readonly InputReference[]
  readonly operands?: readonly OperandResource[]
}

/** Controllers that belong together, as one process: what the live driver and the published commands are made from. */
export interface Operator {
  readonly name: string
  /** Makes the controllers anew; called once for each process. */
  controllers(options: OperatorOptions): readonly Controller[]
  readonly inputs?: OperatorInputs
  /** Namespaces by API server in which its controllers may write events. */
  readonly eventNamespaces?: Readonly<Record<string, readonly string[]>>
}
