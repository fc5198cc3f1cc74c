import type { WhatIf } from '@locktender/rollout'
import type { PlanDocument } from './plan-document.ts'

/** A change of one wave. */
export interface WaveDifference {
  readonly stage: string
  readonly wave: number
  readonly before: number
  readonly after: number
  /** How many come into it and go from it. */
  readonly added: number
  readonly removed: number
}

/** What `lkt rollout what-if -o json` prints. Fields may be added, never changed. */
export interface WhatIfDocument {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'RolloutWhatIf'
  readonly rollout: string
  readonly before: PlanDocument
  readonly after: PlanDocument
  /** Control planes in another wave, in one only afterwards, and in none any more. */
  readonly moved: number
  readonly joined: number
  readonly left: number
  /** Waves whose members differ. */
  readonly waves: readonly WaveDifference[]
}

/** The comparison of two plans for programs. */
export function whatIfDocument(
  rollout: string,
  before: PlanDocument,
  after: PlanDocument,
  { moved, joined, left, waves }: WhatIf,
): WhatIfDocument {
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutWhatIf',
    rollout,
    before,
    after,
    moved,
    joined,
    left,
    waves: waves.map(({ added, removed, ...wave }) => ({ ...wave, added: added.length, removed: removed.length })),
  }
}
