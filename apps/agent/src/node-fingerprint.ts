import { hash32 } from '@locktender/kube'
import type { NodePool } from './hypershift.ts'
import { findCondition } from './hypershift.ts'

/** HyperShift's bookkeeping of the configuration that nodes run and should run. */
const CURRENT_CONFIG = 'hypershift.openshift.io/nodePoolCurrentConfig'
const TARGET_CONFIG = 'hypershift.openshift.io/nodePoolTargetConfig'

/**
 * Changes whenever nodes of these pools are replaced or reconfigured, and only then. A fix must never change it:
 * workers belong to the customer (requirement F7).
 */
export function nodeFingerprint(nodePools: readonly NodePool[]): string {
  const parts = nodePools.map((pool) => {
    const annotations = pool.metadata.annotations ?? {}
    return [
      pool.metadata.name,
      pool.metadata.generation ?? 0,
      pool.status?.version ?? '',
      annotations[CURRENT_CONFIG] ?? '',
      annotations[TARGET_CONFIG] ?? '',
      findCondition(pool.status?.conditions, 'UpdatingConfig')?.status === 'True' ? 'config' : '',
      findCondition(pool.status?.conditions, 'UpdatingVersion')?.status === 'True' ? 'version' : '',
    ].join('|')
  })
  return hash32(parts.sort().join('\n')).toString(16).padStart(8, '0')
}
