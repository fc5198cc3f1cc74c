import type { Change } from '@locktender/apiserver'
import type { Choice } from './choice.ts'
import type { HeldState } from './end-state.ts'
import type { PreparedServer } from './prepared-server.ts'
import type { Limits, Oracle, Scenario } from './scenario.ts'
import type { PreparedStep } from './steps.ts'
import type { FieldChange } from './write-watch.ts'

/** A scenario with everything that its schedules share. */
export interface Prepared {
  readonly scenario: Scenario
  /** By every name they have. */
  readonly servers: ReadonlyMap<string, PreparedServer>
  readonly steps: readonly PreparedStep[]
  readonly limits: Required<Limits>
  /** Ends in which reconciling every key once more has changed nothing. */
  readonly stableEnds: Set<number>
}

/** What the reference run came to, to compare others with. */
export interface Reference {
  readonly end: readonly HeldState[]
  readonly hash: number
  /** Writes by controller and kind of write. */
  readonly counts: ReadonlyMap<string, number>
}

/** Something that happened, for people. */
export interface TraceEntry {
  /** Milliseconds since the schedule began. */
  readonly atMs: number
  readonly what: 'step' | 'begin' | 'end' | 'request' | 'write' | 'cache' | 'crash' | 'start' | 'choice' | 'found'
  /** Who did it: `process/controller`, `outside`, or one of the server's controllers. */
  readonly who: string
  readonly text: string
  /** Of a write: the fields that it changed. */
  readonly fields?: readonly FieldChange[]
  /** Of a beginning: the changes that the caches of the process have not heard of. */
  readonly unseen?: readonly string[]
  /** Of a choice other than the default. */
  readonly choice?: Omit<Choice, 'nth'>
}

/** What explorers want to know of a schedule while it runs. */
export interface Observer {
  /** After each write; `state` stands for everything stored. */
  wrote?(state: number, writer: string, change: Change): void
  trace?(entry: TraceEntry): void
}

/** What was found wrong under a schedule. */
export interface Finding {
  readonly oracle: Oracle
  readonly message: string
}

/** What a schedule came to. */
export interface RunResult extends Reference {
  readonly findings: readonly Finding[]
  /** Requests, beginnings of reconciles, steps and timers. */
  readonly actions: number
}
