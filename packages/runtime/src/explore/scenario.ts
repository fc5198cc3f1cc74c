import type { AdmissionPlugin } from '@locktender/apiserver'
import type { KubeObject, Resource } from '@locktender/kube'
import type { Controller } from '../controller.ts'

/**
 * A small world in which controllers are tried: API servers with what they hold at first, the processes that run the
 * controllers, what happens from outside, and what must never be. The explorer runs it under many schedules.
 */
export interface Scenario {
  readonly name: string
  /** API servers by the names that the controllers use. The first is meant where a step names none. */
  readonly clusters: Readonly<Record<string, ClusterSetup>>
  /**
   * Processes by name. Each function makes the controllers of its process anew, at the start and after every crash, so
   * what they keep in memory must be made inside it: that is what a crash loses. Controllers of one process share
   * caches; different processes see changes at different times.
   */
  readonly processes: Readonly<Record<string, () => readonly Controller[]>>
  /**
   * Names of processes that nothing unusual happens to: they never crash, their caches are current, and their requests
   * are answered. For what belongs to the surroundings and is beyond suspicion; their order is explored all the same.
   */
  readonly steady?: readonly string[]
  /**
   * Who processes are, by their names; then the roles that the API servers hold decide what they may do. Others may do
   * anything.
   */
  readonly users?: Readonly<Record<string, Identity>>
  /** What happens from outside, in this order. */
  readonly steps?: readonly Step[]
  /** Checked after each write, in every schedule. */
  readonly invariants?: readonly Invariant[]
  readonly limits?: Limits
  /** What outside URLs answer at first, by prefix; the longest that fits counts. All others are unreachable. */
  readonly outside?: Readonly<Record<string, OutsideReply>>
  /** Fields whose value at the end may depend on the schedule, such as a counter of tries. */
  readonly ignoredFields?: readonly IgnoredField[]
  /** Resources whose objects only tell what happened, besides Events: they are no part of the end that is compared. */
  readonly tales?: readonly Resource[]
  /** Oracles that do not fit this scenario, such as confluence where the first to come shall win. */
  readonly withoutOracles?: readonly Oracle[]
  /**
   * Whether controllers keep things in memory that change what they do. Then the exhaustive mode takes two moments for
   * the same only when everything the processes have seen since they started was the same.
   * @default false
   */
  readonly remembers?: boolean
}

/** An API server at the beginning. */
export interface ClusterSetup {
  /** Another cluster of the scenario whose API server this is too; then nothing else may be given. */
  readonly sameAs?: string
  /** CustomResourceDefinitions; {@link definitionOf} makes simple ones. */
  readonly definitions?: readonly KubeObject[]
  /** Objects in the order in which they are made; a `status` is stored too. Their namespaces are made when missing. */
  readonly objects?: readonly KubeObject[]
  /** Rules in the way of every write, the first objects included. */
  readonly admission?: readonly AdmissionPlugin[]
}

/** A user of API servers. */
export interface Identity {
  readonly name: string
  readonly groups?: readonly string[]
}

/** An object by its name. */
export interface ObjectTarget {
  readonly resource: Resource
  readonly name: string
  readonly namespace?: string
}

/** What an outside URL answers; `unreachable` fails as a connection does. */
export type OutsideReply =
  | 'unreachable'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }

/** Kinds of access by what they do. */
export type AccessVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete'

/**
 * Something that happens from outside. By default a step waits until the controllers have settled; schedules try it
 * at earlier moments, too, but never before the step in front of it, and never across a `settle` or an `expect`.
 * `cluster` is the first one of the scenario when absent.
 */
export type Step =
  | { readonly create: KubeObject; readonly cluster?: string; readonly as?: Identity }
  /** A merge patch; `null` removes a field. */
  | {
      readonly change: ObjectTarget
      readonly to: object
      readonly subresource?: string
      readonly cluster?: string
      readonly as?: Identity
    }
  | {
      readonly delete: ObjectTarget
      /** @default 'Background' */
      readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
      readonly cluster?: string
    }
  /** Several in a row, between which nobody else does anything. */
  | { readonly together: readonly Step[] }
  /** In every schedule the controllers settle before what follows. */
  | { readonly settle: true }
  /** So many milliseconds pass. */
  | { readonly advance: number }
  /** From now on URLs with this prefix answer so. */
  | { readonly answer: string; readonly with: OutsideReply }
  /** A process loses the right to do `verbs` (all when absent) with a resource. */
  | {
      readonly deny: string
      readonly resource: Resource
      readonly verbs?: readonly AccessVerb[]
      readonly cluster?: string
    }
  /** A process gets its rights to a resource back. */
  | { readonly allow: string; readonly resource: Resource; readonly cluster?: string }
  /** A Node stops answering: its Ready condition becomes Unknown and it is tainted as unreachable. */
  | { readonly nodeLost: string; readonly cluster?: string }
  /** A process ends at once and starts anew. */
  | { readonly restart: string }
  /** An API server cannot be reached until a step restores it: requests fail and caches hear nothing. */
  | { readonly outage: string }
  | { readonly restore: string }
  /** Settles, then says what is wrong, or nothing when all is as expected. */
  | { readonly expect: string; readonly that: (state: WorldState) => string | undefined }

/** Everything stored, as it is now. Objects are shared between schedules and must not be changed. */
export interface WorldState {
  /** Of the virtual clock, in milliseconds since the Unix epoch. */
  readonly nowMs: number
  /** @throws RangeError when the scenario has no such cluster */
  cluster(name: string): ObjectsState
}

/** The objects of one API server. */
export interface ObjectsState {
  get<T extends KubeObject>(resource: Resource, name: string, namespace?: string): T | undefined
  /** By namespace and name; of all namespaces when none is given. */
  list<T extends KubeObject>(resource: Resource, namespace?: string): readonly T[]
}

/**
 * What must hold after every write. `start` is called once for each schedule, so what it closes over can keep the
 * history of that schedule; the function it returns is called after each write, whoever made it, and says what is
 * wrong, or nothing.
 */
export interface Invariant {
  readonly name: string
  start(): (state: WorldState) => string | undefined
}

/** An invariant that needs no history. */
export function always(name: string, check: (state: WorldState) => string | undefined): Invariant {
  return { name, start: () => check }
}

/** A field by kind of object and path, such as `status.attempts`; every kind when `kind` is absent. */
export interface IgnoredField {
  readonly kind?: string
  /** Names with dots between them; `*` stands for any one member or list item. */
  readonly path: string
}

/** How far schedules go. All are for one schedule. */
export interface Limits {
  /** Choices that differ from the default. @default 4 */
  readonly perturbations?: number
  /** Changes that a cache hears late, and lists of older states after a restart. @default 2 */
  readonly staleness?: number
  /** States that a cache goes back at most after a restart. @default 5 */
  readonly timeTravel?: number
  /** Crashes of processes. @default 2 */
  readonly restarts?: number
  /** Writes that succeed without the controller hearing of it. @default 1 */
  readonly lostAnswers?: number
  /** Writes refused with 409 although nobody else wrote. @default 1 */
  readonly conflicts?: number
  /** Requests that fail with 500, 429 or no connection. @default 1 */
  readonly failures?: number
  /** Changes of the order in which things happen, early steps and early timers included. @default 3 */
  readonly reorderings?: number
  /** Requests, beginnings of reconciles, steps and timers before a schedule counts as one that never ends. @default 1000 */
  readonly actions?: number
  /** Controllers have settled when nothing was written for so long, in virtual milliseconds. @default 10_000 */
  readonly settleMs?: number
  /** Writes of one kind by one controller against the reference run: more than this many times as many is a failure. @default 5 */
  readonly updateFactor?: number
}

/** Ways to see that something is wrong; the texts are part of plans. */
export type Oracle =
  /** After the last step the controllers do not settle. */
  | 'convergence'
  /** With nothing changed, reconciling every key once more writes something. */
  | 'stability'
  /** The end differs from that of the reference run. */
  | 'confluence'
  /** Two controllers take turns at setting one field. */
  | 'one writer'
  /** Far more writes than in the reference run. */
  | 'update count'
  /** A read, write or call that is not declared. */
  | 'undeclared access'
  | 'invariant'
  | 'expectation'
  /** A key fails again and again although nothing from outside keeps it from succeeding. */
  | 'endless errors'
  /** An error that only a mistake in the program makes, such as a TypeError. */
  | 'exception'
  /** A reconcile waits for something that never comes. */
  | 'stuck'
  /** A step from outside was refused by the API server, so the scenario itself is wrong. */
  | 'step'
