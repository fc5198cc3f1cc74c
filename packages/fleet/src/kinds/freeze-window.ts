import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, object, oneOf, optional } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { ENVIRONMENTS, objectName, prose, time, word } from '../schema/common.ts'
import { freezeWindows } from '../well-known.ts'

const spec = object(
  'When and where nothing may be started.',
  {
    from: time('Begin.'),
    to: time('End; not part of it.'),
    reason: prose('Why nothing may be started.'),
    owner: prose('Who to ask.', 256),
    selector: optional(
      object('Control planes it is for; all when absent. Every field that is given must match.', {
        environments: optional(
          array('Environments.', oneOf('Environment.', ENVIRONMENTS), { maxItems: 3, unique: true }),
        ),
        sectors: optional(array('Sectors.', word('Sector.'), { maxItems: 64, unique: true })),
        regions: optional(array('Regions.', word('Region.'), { maxItems: 64, unique: true })),
        customers: optional(array('Customers.', word('Customer.'), { maxItems: 256, unique: true })),
        tiers: optional(array('Support tiers.', word('Tier.'), { maxItems: 16, unique: true })),
        managementClusters: optional(
          array('Management clusters.', objectName('Name.'), { maxItems: 256, unique: true }),
        ),
      }),
    ),
  },
  { rules: [{ rule: 'timestamp(self.from) < timestamp(self.to)', message: 'must end after it begins' }] },
)

export type FreezeWindowSpec = Infer<typeof spec>

/** A time in which no change is started; reverts go on. */
export interface FreezeWindow extends KubeObject {
  readonly spec: FreezeWindowSpec
}

export const freezeWindowKind: KindDefinition = {
  resource: freezeWindows,
  description:
    'A time in which no change of the selected control planes is started. What is under way, and reverts, go on.',
  shortNames: ['freeze'],
  columns: [
    { name: 'From', type: 'date', jsonPath: '.spec.from', description: 'Begin.' },
    { name: 'To', type: 'string', jsonPath: '.spec.to', description: 'End.' },
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner', description: 'Who to ask.' },
    { name: 'Reason', type: 'string', jsonPath: '.spec.reason', description: 'Why.', priority: 1 },
    AGE,
  ],
  spec,
}
