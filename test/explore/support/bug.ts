import type { KubeObject, Resource } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { definitionOf, type Invariant, type Oracle, type Scenario, type Step } from '@locktender/runtime/explore'
import { environment } from './environment.ts'
import { definitions, MAIN, storageClass } from './kinds.ts'

/**
 * Sieve's classes: what is needed for the bug to show. A crash between two writes; a state seen that is no more; a
 * state never seen; or something else, such as a conflict, a lost answer or a second controller.
 */
export type BugClass = 'intermediate' | 'stale' | 'unobserved' | 'indirect'

/** A published mistake of a controller, small, with its repair. */
export interface Bug {
  readonly name: string
  readonly class: BugClass
  /** Where it was reported: owner/repository#number. */
  readonly report: string
  readonly wentWrong: string
  /** The oracles that may see it. */
  readonly oracles: readonly Oracle[]
  scenario(variant: Variant): Scenario
}

/** The controller as it was reported, and with nothing but the reported mistake repaired. */
export type Variant = 'buggy' | 'repaired'

interface Story {
  readonly name: string
  readonly operator: () => readonly Controller[]
  /** Processes besides that of the operator. @default those of a cluster with StatefulSets and nodes */
  readonly others?: Readonly<Record<string, () => readonly Controller[]>>
  /** Kinds of its own. */
  readonly kinds?: readonly Resource[]
  readonly objects?: readonly KubeObject[]
  /** Those of `others` that belong to the surroundings and are beyond suspicion. */
  readonly steady?: readonly string[]
  readonly steps: readonly Step[]
  readonly invariants?: readonly Invariant[]
  readonly remembers?: boolean
}

/** A scenario of the zoo: one API server, the operator under test, and what a cluster does around it. */
export function story({
  name,
  operator,
  others,
  steady,
  kinds,
  objects,
  steps,
  invariants,
  remembers,
}: Story): Scenario {
  return {
    name,
    clusters: {
      [MAIN]: {
        definitions: [...definitions, ...(kinds ?? []).map((kind) => definitionOf(kind))],
        objects: [storageClass, ...(objects ?? [])],
      },
    },
    processes: { operator, ...(others ?? { environment }) },
    steady: steady ?? (others === undefined ? ['environment'] : []),
    steps,
    ...(invariants && { invariants }),
    ...(remembers !== undefined && { remembers }),
  }
}
