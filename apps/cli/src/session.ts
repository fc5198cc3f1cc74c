import type { Client, Clock } from '@locktender/kube'

/** What a command may touch. */
export interface Session {
  /** Connects when first asked, so that help and local commands need no server. */
  client(): Promise<Client>
  readonly clock: Clock
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
}
