import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  leases,
  microTimestamp,
  sleep,
  type Client,
  type Clock,
  type KubeObject,
  type Random,
} from '@locktender/kube'
import { LeadershipLostError } from './errors.ts'
import type { Logger } from './logger.ts'

export interface LeaderElectionOptions {
  readonly client: Client
  readonly namespace: string
  /** Name of the Lease. */
  readonly name: string
  /** Names this process; must differ between replicas. */
  readonly identity: string
  /**
   * How long others wait before they take the lease of a silent leader.
   * @default 137_000 (OpenShift library-go: rides out an API server restart of about a minute)
   */
  readonly leaseDurationMs?: number
  /** How long the leader tries to renew before it gives up. Less than the lease duration. @default 107_000 */
  readonly renewDeadlineMs?: number
  /** Time between tries. @default 26_000 */
  readonly retryPeriodMs?: number
}

/** coordination.k8s.io/v1 Lease. */
export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

interface ElectionOptions extends LeaderElectionOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
}

/** What was last seen of the lease: another's term counts from when a change was seen, never from its own clock. */
export interface LeaseObservation {
  readonly lease: Lease
  readonly seenAt: number
}

export type LeaseStep = { readonly kind: 'create' | 'take' | 'renew' } | { readonly kind: 'wait' }

/** What `identity` should do about the lease at `now`. */
export function nextLeaseStep(
  observed: LeaseObservation | undefined,
  identity: string,
  leaseDurationMs: number,
  now: number,
): LeaseStep {
  if (observed === undefined) return { kind: 'create' }
  const holder = observed.lease.spec.holderIdentity ?? ''
  if (holder === identity) return { kind: 'renew' }
  const term = (observed.lease.spec.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000
  return holder === '' || now >= observed.seenAt + term ? { kind: 'take' } : { kind: 'wait' }
}

/**
 * Waits for the lease, runs `work` while it is held, and gives it back at the end.
 * The signal that `work` gets aborts when leadership ends.
 *
 * @throws LeadershipLostError when the lease could not be renewed in time or another took it.
 */
export async function holdLeadership(
  options: ElectionOptions,
  work: (leading: AbortSignal) => Promise<void>,
): Promise<void> {
  const elector = new Elector(options)
  while (!(await elector.tryOnce())) {
    if (options.signal.aborted) return
    await elector.pause(options.signal, 1)
    if (options.signal.aborted) return
  }
  options.log.info('Became leader', { lease: options.name, identity: options.identity })
  const ended = new AbortController()
  const leading = AbortSignal.any([options.signal, ended.signal])
  const renewing = elector.renew(leading)
  let lost: { readonly error: unknown } | undefined
  const losing = renewing.catch((error: unknown) => {
    lost = { error }
    // Whoever asks why it was told to stop sees that another may be acting.
    ended.abort(error)
    throw error
  })
  try {
    // Told to stop, renewing ends at once, while work may have something to finish: the lease is good for longer.
    await Promise.race([work(leading), losing.then(() => new Promise<never>(() => {}))])
  } finally {
    ended.abort()
    // What was lost cannot be given back, and the server that does not answer would be waited for.
    if (lost === undefined) await elector.release()
  }
  // Work that ends because of the loss may end before the loss is told here.
  if (lost !== undefined) throw lost.error
}

/** A leader that could not renew tries again sooner than it would have renewed, in retry periods. */
const AFTER_FAILURE = 0.25

class Elector {
  readonly #options: ElectionOptions
  readonly #leaseDurationMs: number
  readonly #renewDeadlineMs: number
  readonly #retryPeriodMs: number
  #observed: LeaseObservation | undefined
  /** When the last write of the lease that worked was sent: others count from a later moment. */
  #renewedAt = -Infinity
  #renewing: Promise<void> | undefined
  /** The present try; what earlier ones still bring is not looked at. */
  #attempt = 0

  constructor(options: ElectionOptions) {
    this.#options = options
    this.#leaseDurationMs = options.leaseDurationMs ?? 137_000
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 107_000
    this.#retryPeriodMs = options.retryPeriodMs ?? 26_000
  }

  /**
   * One try to create, take or renew the lease; false when another holds it, the try failed or takes too long: the next
   * one may be answered, and there must be time for it.
   */
  async tryOnce(): Promise<boolean> {
    const { clock, name, log, signal } = this.#options
    const attempt = ++this.#attempt
    const done = new AbortController()
    const limit = sleep(clock, this.#retryPeriodMs / 2, AbortSignal.any([done.signal, signal])).then(
      () => true,
      () => false,
    )
    const tooLong = limit.then((isOver) => {
      if (isOver) log.warn('The server of the leader lease does not answer', { lease: name })
      // Told to stop, there is nothing left to try for.
      if (isOver || signal.aborted) this.#attempt++
      return false
    })
    try {
      return await Promise.race([this.#try(attempt), tooLong])
    } finally {
      done.abort()
    }
  }

  async #try(attempt: number): Promise<boolean> {
    const { client, name, namespace, clock, identity, log } = this.#options
    try {
      const lease = await client.get<Lease>(leases, name, namespace)
      // Nobody waits for this any more, and it may be older than what is known by now.
      if (attempt !== this.#attempt) return false
      this.#observe(lease)
    } catch (error) {
      if (attempt !== this.#attempt) return false
      if (!isNotFound(error)) {
        log.warn('Could not read the leader lease', { lease: name, error: String(error) })
        return false
      }
      this.#observed = undefined
    }
    const now = clock.now()
    const step = nextLeaseStep(this.#observed, identity, this.#leaseDurationMs, now)
    if (step.kind === 'wait') return false
    try {
      const wanted = this.#wanted(step.kind === 'renew', now)
      const written =
        step.kind === 'create' ? await client.create<Lease>(leases, wanted) : await client.update<Lease>(leases, wanted)
      if (attempt !== this.#attempt) return false
      this.#observe(written)
      this.#renewedAt = now
      return true
    } catch (error) {
      if (attempt !== this.#attempt) return false
      // Losing the race for the lease is the normal case for all replicas but one.
      if (!isConflict(error) && !isAlreadyExists(error)) {
        log.warn('Could not write the leader lease', { lease: name, error: String(error) })
      }
      return false
    }
  }

  /** Keeps renewing until `leading` aborts; rejects when the lease was lost, also while a request hangs. */
  async renew(leading: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const keeping = AbortSignal.any([leading, ended.signal])
    try {
      this.#renewing = this.#keepRenewing(keeping)
      await Promise.race([this.#renewing, this.#lapse(keeping)])
    } finally {
      ended.abort()
    }
  }

  async #keepRenewing(keeping: AbortSignal): Promise<void> {
    const { name, identity } = this.#options
    let worked = true
    for (;;) {
      await this.pause(keeping, worked ? 1 : AFTER_FAILURE)
      if (keeping.aborted) return
      worked = await this.tryOnce()
      if (worked) continue
      const holder = this.#observed?.lease.spec.holderIdentity
      if (holder !== undefined && holder !== '' && holder !== identity) {
        throw new LeadershipLostError(`lease ${name} was taken by ${holder}`)
      }
    }
  }

  /** Resolves when `keeping` aborts; rejects when the last renewal that worked was sent too long ago. */
  async #lapse(keeping: AbortSignal): Promise<void> {
    const { clock, name } = this.#options
    for (;;) {
      const leftMs = this.#renewedAt + this.#renewDeadlineMs - clock.now()
      if (leftMs <= 0) {
        throw new LeadershipLostError(`lease ${name} could not be renewed for ${this.#renewDeadlineMs / 1000} s`)
      }
      await sleep(clock, leftMs, keeping).catch(() => {})
      if (keeping.aborted) return
    }
  }

  /** Waits for the next try; returns early when `signal` aborts. Jitter keeps replicas from trying in step. */
  async pause(signal: AbortSignal, periods: number): Promise<void> {
    const { clock, random } = this.#options
    await sleep(clock, periods * this.#retryPeriodMs * (0.8 + 0.4 * random.next()), signal).catch(() => {})
  }

  /** Gives the lease up so that a successor need not wait for it to run out. */
  async release(): Promise<void> {
    const { client, identity, log, name } = this.#options
    // A renewal under way would be in conflict with it.
    await this.#renewing?.catch(() => {})
    const lease = this.#observed?.lease
    if (lease === undefined || lease.spec.holderIdentity !== identity) return
    try {
      await client.update<Lease>(leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } })
    } catch (error) {
      log.warn('Could not release the leader lease', { lease: name, error: String(error) })
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.#observed = { lease, seenAt: this.#options.clock.now() }
  }

  #wanted(renewal: boolean, now: number): Lease {
    const { name, namespace, identity } = this.#options
    const time = microTimestamp(now)
    const before = this.#observed?.lease
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: before?.metadata ?? { name, namespace },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
        acquireTime: renewal ? (before?.spec.acquireTime ?? time) : time,
        renewTime: time,
        leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (renewal || before === undefined ? 0 : 1),
      },
    }
  }
}
