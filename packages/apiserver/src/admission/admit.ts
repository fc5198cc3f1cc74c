import type { KubeObject, Resource } from '@locktender/kube'
import type { AdmissionReader, AdmissionRequest } from '../admission.ts'
import type { AdmissionAttributes } from './attributes.ts'
import type { LogicalCluster } from '../cluster.ts'
import type { AnyObject } from '../objects/object.ts'

/**
 * Runs the admission plugins in their order; each sees what the one before returned.
 * @throws ApiError of the plugin that refuses
 */
export function admit({ context, operation, name, object, oldObject }: AdmissionAttributes): AnyObject | undefined {
  const { cluster, served, user, namespace, subresource, options } = context
  let current = object
  for (const plugin of cluster.admission) {
    const request: AdmissionRequest = {
      cluster: cluster.name,
      operation,
      resource: served.resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      name,
      ...(current === undefined ? {} : { object: current }),
      ...(oldObject === undefined ? {} : { oldObject }),
      user,
      dryRun: options.dryRun,
    }
    current = (plugin.admit(request, readerOf(cluster)) as AnyObject | undefined) ?? current
  }
  return current
}

function readerOf(cluster: LogicalCluster): AdmissionReader {
  return {
    get: <T extends KubeObject>(resource: Resource, name: string, namespace?: string) =>
      cluster.readObject(resource, name, namespace) as T | undefined,
    list: <T extends KubeObject>(resource: Resource, namespace?: string) =>
      cluster.listObjects(resource, namespace) as KubeObject[] as T[],
  }
}
