/** Thrown by `reconcile` when trying again would not help before the observed objects change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

/** A controller used an API server, read or write that it does not declare. A programming error, never retried. */
export class UndeclaredAccessError extends TerminalError {
  /** `declaration` is what would allow it: `reads: { cluster: 'hub', resource: 'secrets' }`. */
  constructor(controller: string, access: string, declaration?: string) {
    const cure = declaration === undefined ? 'add it to its reads or writes' : `add to its ${declaration}`
    super(`controller ${controller} ${access}, which it does not declare; ${cure}`)
  }
}

/** This process no longer holds the leader lease; it must stop at once, since another may already be acting. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError'
}
