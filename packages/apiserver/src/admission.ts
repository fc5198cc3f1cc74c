import type { KubeObject, Resource } from '@locktender/kube'
import type { UserInfo } from './user.ts'

/** One write about to happen. Objects must not be changed in place; a plugin that changes one returns a new one. */
export interface AdmissionRequest {
  readonly cluster: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Resource
  readonly subresource?: string
  readonly namespace?: string
  readonly name: string
  /** What will be stored; absent for DELETE. */
  readonly object?: KubeObject
  /** What is stored; absent for CREATE. */
  readonly oldObject?: KubeObject
  readonly user: UserInfo
  readonly dryRun: boolean
}

/** The newest state of the logical cluster a request is for. Objects are shared and must not be changed. */
export interface AdmissionReader {
  get<T extends KubeObject>(resource: Resource, name: string, namespace?: string): T | undefined
  /** All objects of `resource`, of one namespace if given, ordered by namespace and name. */
  list<T extends KubeObject>(resource: Resource, namespace?: string): T[]
}

/** A rule in the way of every write, after schema validation. Synchronous and pure over the reader. */
export interface AdmissionPlugin {
  readonly name: string
  /** Returns the object to store instead, or undefined to leave it as it is; throws ApiError to refuse. */
  admit(request: AdmissionRequest, reader: AdmissionReader): KubeObject | undefined
}
