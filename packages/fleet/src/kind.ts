import type { Resource } from '@locktender/kube'
import type { Schema } from './schema/builder.ts'

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** Above zero: only with `-o wide`. */
  readonly priority?: number
}

/** Everything a CRD and its documentation are made from. */
export interface KindDefinition {
  readonly resource: Resource
  readonly description: string
  readonly shortNames: readonly string[]
  readonly columns: readonly Column[]
  readonly spec: Schema<unknown>
  /** Whether objects may come without a spec; ours never do. */
  readonly specOptional?: boolean
  /** Absent for kinds that only state something, like an approval. */
  readonly status?: Schema<unknown>
}

/** The last column of every kind; declaring columns removes the built-in one. */
export const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since creation.',
}
