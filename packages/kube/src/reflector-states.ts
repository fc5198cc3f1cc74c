/** What a reflector is doing. */
export type ReflectorState = 'Listing' | 'Watching' | 'Backoff' | 'Stopped'

/** What can happen to it. */
export type ReflectorEvent =
  /** The list is complete. */
  | 'listed'
  /** The server ended the watch in the ordinary way. */
  | 'ended'
  /** The list or watch failed or broke off. */
  | 'failed'
  /** The wait is over and the last known version can still be resumed from. */
  | 'resume'
  /** The wait is over and everything must be listed again. */
  | 'relist'
  /** The owner wants no more. */
  | 'stop'

/**
 * Every state and event; undefined is impossible. An expired version is a failure too: it waits before it lists
 * again, so that a server that forgets quickly is not listed in a loop.
 */
const TRANSITIONS: Readonly<Record<ReflectorState, Readonly<Record<ReflectorEvent, ReflectorState | undefined>>>> = {
  Listing: {
    listed: 'Watching',
    ended: undefined,
    failed: 'Backoff',
    resume: undefined,
    relist: undefined,
    stop: 'Stopped',
  },
  Watching: {
    listed: undefined,
    ended: 'Watching',
    failed: 'Backoff',
    resume: undefined,
    relist: undefined,
    stop: 'Stopped',
  },
  Backoff: {
    listed: undefined,
    ended: undefined,
    failed: undefined,
    resume: 'Watching',
    relist: 'Listing',
    stop: 'Stopped',
  },
  Stopped: {
    listed: undefined,
    ended: undefined,
    failed: undefined,
    resume: undefined,
    relist: undefined,
    stop: 'Stopped',
  },
}

/**
 * The state after `event` in `state`.
 * @throws TypeError when the event cannot happen there
 */
export function nextReflectorState(state: ReflectorState, event: ReflectorEvent): ReflectorState {
  const next = TRANSITIONS[state][event]
  if (next === undefined) throw new TypeError(`a reflector that is ${state} cannot meet "${event}"`)
  return next
}
