/** A case found a difference. The message is meant for people and may have many lines. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** A case cannot run against this server; the message says why. */
export class Skip extends Error {
  override readonly name = 'Skip'
}
