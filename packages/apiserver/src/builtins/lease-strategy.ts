import { fieldInvalid } from '@locktender/kube'
import type { Strategy } from '../served-resource.ts'
import { at } from './cells.ts'
import { notNegative } from './rules.ts'

/** A lease that ends at once is none. */
export const leaseStrategy: Strategy = {
  validate(object) {
    const seconds = at(object, 'spec', 'leaseDurationSeconds')
    const errors = notNegative(at(object, 'spec', 'leaseTransitions'), 'spec.leaseTransitions')
    if (typeof seconds !== 'number' || seconds > 0) return errors
    return [fieldInvalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'), ...errors]
  },
}
