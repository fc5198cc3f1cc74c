import type { ExitCode } from './exit-codes.ts'

/** Ends a command with a sentence for people and an exit code for programs. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
