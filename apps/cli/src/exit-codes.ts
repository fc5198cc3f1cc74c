/** What the exit code of `lkt` says; documented in docs/reference/cli.md. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notPermitted: 4,
  conflict: 5,
  refused: 6,
  waitingForApproval: 7,
  timedOut: 8,
  stopped: 9,
  finishedWithFailures: 10,
  unavailable: 11,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
