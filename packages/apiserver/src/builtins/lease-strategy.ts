import { fieldInvalid } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { at } from './cells.ts'
import { notNegative } from './rules.ts'
import type { Errors } from './rules.ts'

/** Who should hold a lease is not for the server to coordinate; what says so is dropped. */
function withoutElection(object: AnyObject): AnyObject {
  const { spec } = object
  if (!isRecord(spec) || !('strategy' in spec || 'preferredHolder' in spec)) return object
  const { strategy: _strategy, preferredHolder: _holder, ...rest } = spec
  return { ...object, spec: rest }
}

/** A lease that ends at once is none. */
export const leaseStrategy: Strategy = {
  prepareCreate: withoutElection,
  prepareUpdate: withoutElection,
  validate(object) {
    const seconds = at(object, 'spec', 'leaseDurationSeconds')
    const errors: Errors = []
    if (typeof seconds === 'number' && seconds <= 0) {
      errors.push(fieldInvalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
    }
    notNegative(at(object, 'spec', 'leaseTransitions'), 'spec.leaseTransitions', errors)
    return errors
  },
}
