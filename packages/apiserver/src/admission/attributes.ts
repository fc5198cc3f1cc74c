import type { AnyObject } from '../objects/object.ts'
import type { WriteContext } from '../write/write-context.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

/** One write as admission sees it; what webhooks and policies are told of it. */
export interface AdmissionAttributes {
  readonly context: WriteContext
  readonly operation: Operation
  /** Empty while the name is still to be made from generateName. */
  readonly name: string
  /** What is to be stored; absent for DELETE. */
  readonly object: AnyObject | undefined
  /** What is stored; absent for CREATE. */
  readonly oldObject: AnyObject | undefined
  /** DeleteOptions of meta.k8s.io/v1; absent for other operations, whose options are those of the context. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** Namespace of the request; that of a Namespace is itself. */
export function namespaceOf({ context, name }: AdmissionAttributes): string {
  return context.namespace ?? (isNamespace(context) ? name : '')
}

export function isNamespace({ served }: WriteContext): boolean {
  return served.resource.group === '' && served.resource.plural === 'namespaces'
}

/** The options of the request, as metav1 writes them. */
export function optionsOf(attributes: AdmissionAttributes): Readonly<Record<string, unknown>> {
  if (attributes.options !== undefined) return attributes.options
  const { operation, context } = attributes
  const { options } = context
  return {
    kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(options.dryRun ? { dryRun: ['All'] } : {}),
    ...options.stated,
  }
}
