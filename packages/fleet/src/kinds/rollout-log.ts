import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { integer, object, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { count, objectName, time } from '../schema/common.ts'
import { rolloutLogs } from '../well-known.ts'

/** Most characters of base64 in one piece: well below what one object of an API server may have. */
export const MAX_LOG_DATA = 786_432

const spec = object(
  'A piece of the log. Cannot be changed.',
  {
    rollout: objectName('Rollout.'),
    rolloutUid: string('UID of that Rollout.', { minLength: 1, maxLength: 64 }),
    sequence: integer('Position among the pieces of the rollout, from 1.', { minimum: 1, maximum: 2_147_483_647 }),
    from: time('Time of its first entry.'),
    to: time('Time of its last entry.'),
    entries: count('Entries in it.'),
    data: string('JSON lines, compressed with gzip, as base64.', { maxLength: MAX_LOG_DATA }),
    previous: optional(
      string('Digest of the data of the piece before.', { maxLength: 71, pattern: '^sha256:[0-9a-f]{64}$' }),
    ),
  },
  { rules: [{ rule: 'self == oldSelf', message: 'cannot be changed' }] },
)

export type RolloutLogSpec = Infer<typeof spec>

/** A piece of what the engine of a rollout was told, when it was asked, and what it decided. */
export interface RolloutLog extends KubeObject {
  readonly spec: RolloutLogSpec
}

export const rolloutLogKind: KindDefinition = {
  resource: rolloutLogs,
  description: 'A piece of what the engine of a rollout observed and decided; `lkt rollout export` puts them together.',
  shortNames: ['rolog'],
  columns: [
    { name: 'Rollout', type: 'string', jsonPath: '.spec.rollout', description: 'Rollout.' },
    { name: 'Sequence', type: 'integer', jsonPath: '.spec.sequence', description: 'Position.' },
    { name: 'Entries', type: 'integer', jsonPath: '.spec.entries', description: 'Entries.' },
    { name: 'To', type: 'string', jsonPath: '.spec.to', description: 'Time of its last entry.' },
    AGE,
  ],
  spec,
}
