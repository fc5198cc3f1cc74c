import type { Client, Clock } from '@locktender/kube'

/** What a command may touch. */
export interface Session {
  /** Connects when first asked, so that help and local commands need no server. */
  client(): Promise<Client>
  /** For waiting. */
  readonly clock: Clock
  /** Milliseconds since the epoch by the server's clock once it has answered: ages are measured by what stamped them. */
  now(): number
  /** Data. */
  out(text: string): void
  /** Errors, progress and notes. */
  note(text: string): void
  /** Whether stdout is a terminal that can be redrawn. */
  readonly interactive: boolean
  readonly color: boolean
  /** Columns of the terminal, or undefined when nothing must be cut. */
  readonly width: number | undefined
  readFile(path: string): Promise<string>
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  /** Resolves at Ctrl-C or when the process is asked to end; for commands that run until then. */
  untilStopped(): Promise<void>
}
