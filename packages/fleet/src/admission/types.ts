import type { KubeObject, Resource } from '@locktender/kube'

/** One write about to happen, as the API server describes it to an admission plugin. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Resource
  readonly subresource?: string
  readonly name: string
  /** What will be stored; absent for DELETE. */
  readonly object?: KubeObject
  /** What is stored; absent for CREATE. */
  readonly oldObject?: KubeObject
  readonly user: { readonly name: string; readonly groups: readonly string[] }
}

/** The newest state of the API server. */
export interface AdmissionReader {
  get<T extends KubeObject>(resource: Resource, name: string, namespace?: string): T | undefined
  list<T extends KubeObject>(resource: Resource, namespace?: string): T[]
}

/** Rules in the way of every write. */
export interface AdmissionPlugin {
  readonly name: string
  /** Returns the object to store instead, or undefined to leave it as it is; throws ApiError to refuse. */
  admit(request: AdmissionRequest, reader: AdmissionReader): KubeObject | undefined
}
