import { createHash } from 'node:crypto'
import { errorText, isAlreadyExists, isConflict, isNotFound, leases, microTimestamp } from '@locktender/kube'
import type { Client, Clock, Random } from '@locktender/kube'
import { LeadershipLostError } from './errors.ts'
import type { Lease } from './leader-election.ts'
import type { Logger } from './logger.ts'
import { mayWork, ownerOf, sameView, type View } from './shard-rules.ts'

export interface ShardingOptions {
  readonly client: Client
  readonly namespace: string
  /** Processes of one group share their keys. */
  readonly group: string
  /** Names this process; no other process may ever have had it. */
  readonly identity: string
  /** How long the others wait before they take over what a silent process had. @default 137_000, as leader election */
  readonly leaseDurationMs?: number
  /** How long a process that cannot renew goes on working. Less than the lease duration. @default 107_000 */
  readonly renewDeadlineMs?: number
  /** Time between renewals. @default 26_000 */
  readonly renewPeriodMs?: number
  /** Time between looks at the others. @default 5_000 */
  readonly pollMs?: number
}

interface ShardsOptions extends ShardingOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
}

/** A queue whose keys are shared. */
export interface ShardParticipant {
  /** Keys being worked on. */
  active(): Iterable<string>
  /** Called when keys fell to this process; it looks at all it knows of. */
  gained(isGained: (key: string) => boolean): void
}

interface Member {
  readonly view: View
  readonly version: string
  /** When this version was first seen, by our clock: a term counts from there, never from the clock of others. */
  readonly seenAt: number
  readonly termMs: number
  readonly left: boolean
  readonly lease: Lease
}

const GROUP_LABEL = 'locktender.dev/shard-group'
const VIEW_ANNOTATION = 'locktender.dev/shard-view'
/** Leases of processes that are gone are removed after this long, when everybody has seen that they are. */
const REMOVE_MS = 1_800_000

/**
 * This process's part in sharing keys. Each process has a Lease with the members it believes in, which is its claim to
 * the keys that fall to it among them. It works on a key only while its own lease is good and nobody else claims it.
 */
export class Shards {
  readonly #options: ShardsOptions
  readonly #leaseDurationMs: number
  readonly #renewDeadlineMs: number
  readonly #renewPeriodMs: number
  readonly #name: string
  readonly #participants: ShardParticipant[] = []
  readonly #members = new Map<string, Member>()
  #own: Lease | undefined
  #published: View = []
  /** Claims whose storing was not answered; each may be what the others see until one is stored for sure. */
  #doubtful: View[] = []
  /** Until when this process may work if it does not renew. */
  #goodUntil = -Infinity
  #renewedAt = -Infinity
  /** What may be worked on, as of the last look; narrowed at once, widened only by a look. */
  #mayWork: (key: string) => boolean = () => false
  #wanted: View = []
  #wake: (() => void) | undefined

  constructor(options: ShardsOptions) {
    this.#options = options
    this.#leaseDurationMs = options.leaseDurationMs ?? 137_000
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 107_000
    this.#renewPeriodMs = options.renewPeriodMs ?? 26_000
    const id = createHash('sha256').update(options.identity).digest('hex').slice(0, 16)
    this.#name = `${options.group}-${id}`
  }

  join(participant: ShardParticipant): void {
    this.#participants.push(participant)
  }

  /** Whether this process may begin to work on `key` now. */
  owns(key: string): boolean {
    return this.isHeld && this.#mayWork(key)
  }

  /** Whether this process may write at all. */
  get isHeld(): boolean {
    return this.#options.clock.now() < this.#goodUntil
  }

  /** A key that was worked on is done. */
  settled(): void {
    if (this.#wake !== undefined && !sameView(this.#published, this.#wanted) && this.#isDrained()) this.#wake()
  }

  /**
   * Takes part until the signal aborts, while `work` runs, and leaves when `work` has ended.
   *
   * @throws LeadershipLostError when the lease could not be renewed in time; the process should exit and start anew.
   */
  async hold(work: (holding: AbortSignal) => Promise<void>): Promise<void> {
    const { signal, log, group, identity } = this.#options
    const ended = new AbortController()
    const holding = AbortSignal.any([signal, ended.signal])
    // An answer that was lost may hide that the lease was made.
    while (!signal.aborted && !((await this.#look()) && (await this.#renew([])))) await this.#pause(holding)
    if (signal.aborted) return
    log.info('Joined a shard group', { group, identity })
    const keeping = this.#keep(holding)
    let lost: { readonly error: unknown } | undefined
    keeping.catch((error: unknown) => {
      lost = { error }
      ended.abort(error)
    })
    try {
      await Promise.race([work(holding), keeping.then(() => new Promise<never>(() => {}))])
    } finally {
      ended.abort()
      if (lost === undefined) await Promise.allSettled([keeping])
      this.#goodUntil = -Infinity
      // What was lost cannot be given back.
      if (lost === undefined) await this.#leave()
    }
    // Work that ends because of the loss may end before the loss is told here.
    if (lost !== undefined) throw (lost as { readonly error: unknown }).error
  }

  async #keep(holding: AbortSignal): Promise<void> {
    const lapse = this.#lapse(holding)
    const steps = async (): Promise<void> => {
      while (!holding.aborted) if (!(await this.#step())) await this.#pause(holding)
    }
    await Promise.race([steps(), lapse])
  }

  /** Rejects when the lease was not renewed for too long, even while a request hangs. */
  #lapse(holding: AbortSignal): Promise<never> {
    const { clock, group } = this.#options
    return new Promise((_, reject) => {
      let cancel = (): void => {}
      const look = (): void => {
        const leftMs = this.#goodUntil - clock.now()
        if (leftMs <= 0) {
          const seconds = this.#renewDeadlineMs / 1000
          reject(new LeadershipLostError(`the lease in shard group ${group} could not be renewed for ${seconds} s`))
        } else {
          cancel = clock.after(leftMs, look)
        }
      }
      look()
      holding.addEventListener('abort', () => cancel(), { once: true })
    })
  }

  /** One look and what follows from it; true when the next look should follow at once. */
  async #step(): Promise<boolean> {
    const { clock, identity } = this.#options
    if (!(await this.#look())) return false
    const living = this.#living()
    this.#wanted = [identity, ...living.keys()].toSorted()
    this.#decide(living)
    if (!sameView(this.#wanted, this.#published)) {
      // A claim is withdrawn only when nothing of it is being worked on any more.
      if (this.#isDrained()) return this.#renew(this.#wanted)
    }
    if (clock.now() - this.#renewedAt >= this.#renewPeriodMs) await this.#renew(this.#published)
    return false
  }

  #living(): Map<string, Member> {
    const now = this.#options.clock.now()
    const living = new Map<string, Member>()
    for (const [name, member] of this.#members) {
      if (!member.left && now < member.seenAt + member.termMs) living.set(name, member)
    }
    return living
  }

  #decide(living: ReadonlyMap<string, Member>): void {
    const { identity } = this.#options
    const state = {
      identity,
      published: [this.#published, ...this.#doubtful],
      wanted: this.#wanted,
      others: [...living.values()].map(({ view }) => view),
      otherNames: [...living.keys()],
    }
    const before = this.#mayWork
    this.#mayWork = (key) => mayWork(key, state)
    const isGained = (key: string) => this.#mayWork(key) && !before(key)
    for (const participant of this.#participants) participant.gained(isGained)
  }

  #isDrained(): boolean {
    const { identity } = this.#options
    return this.#participants.every((participant) => {
      for (const key of participant.active()) {
        if (ownerOf(key, this.#published) === identity && ownerOf(key, this.#wanted) !== identity) return false
      }
      return true
    })
  }

  /** Sees what all members have published by now; false when that could not be found out. */
  async #look(): Promise<boolean> {
    const { client, namespace, group, clock, identity, log } = this.#options
    let items: Lease[]
    try {
      const selection = { namespace, labelSelector: `${GROUP_LABEL}=${group}` }
      items = (await client.listAll<Lease>(leases, selection)).items
    } catch (error) {
      log.warn('Could not list the leases of a shard group', { group, error: errorText(error) })
      return false
    }
    const now = clock.now()
    for (const lease of items) {
      const name = memberName(lease)
      const version = lease.metadata.resourceVersion ?? ''
      if (name === identity) this.#own = lease
      else if (this.#members.get(name)?.version !== version) this.#members.set(name, this.#observed(lease, now))
    }
    // A lease that somebody removed counts for its whole term: its process may not know yet.
    for (const [name, { seenAt, lease }] of this.#members) {
      if (now - seenAt < REMOVE_MS) continue
      this.#members.delete(name)
      const preconditions = { resourceVersion: lease.metadata.resourceVersion ?? '' }
      const target = { name: lease.metadata.name, namespace }
      void client.delete(leases, target, { preconditions }).catch(() => {})
    }
    return true
  }

  #observed(lease: Lease, now: number): Member {
    return {
      view: viewOf(lease),
      version: lease.metadata.resourceVersion ?? '',
      seenAt: now,
      termMs: (lease.spec.leaseDurationSeconds ?? this.#leaseDurationMs / 1000) * 1000,
      left: (lease.spec.holderIdentity ?? '') === '',
      lease,
    }
  }

  /** Renews the lease with a claim; true when it is stored. */
  async #renew(view: View): Promise<boolean> {
    const { client, clock, log, group } = this.#options
    const sentAt = clock.now()
    const wanted = this.#lease(view, sentAt)
    try {
      this.#own =
        this.#own === undefined
          ? await client.create<Lease>(leases, wanted)
          : await client.update<Lease>(leases, wanted)
      this.#published = view
      this.#doubtful = []
      this.#renewedAt = sentAt
      this.#goodUntil = sentAt + this.#renewDeadlineMs
      return true
    } catch (error) {
      if (isNotFound(error)) this.#own = undefined
      // Refused for sure; the next look shows what there is.
      if (isConflict(error) || isNotFound(error) || isAlreadyExists(error)) return false
      if (!sameView(view, this.#published)) {
        this.#doubtful.push(view)
        const before = this.#mayWork
        this.#mayWork = (key) => before(key) && ownerOf(key, view) === this.#options.identity
      }
      log.warn('Could not renew the lease of a shard group', { group, error: errorText(error) })
      return false
    }
  }

  /** Gives up its claims, so that the others need not wait for the lease to run out. */
  async #leave(): Promise<void> {
    const { client, clock, log, group } = this.#options
    if (this.#own === undefined) return
    const lease = this.#lease([], clock.now())
    try {
      await client.update<Lease>(leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } })
    } catch (error) {
      log.warn('Could not leave a shard group', { group, error: errorText(error) })
    }
  }

  #lease(view: View, now: number): Lease {
    const { namespace, group, identity } = this.#options
    const before = this.#own
    const annotations = { [MEMBER_ANNOTATION]: identity, [VIEW_ANNOTATION]: JSON.stringify(view) }
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...(before?.metadata ?? { name: this.#name, namespace }),
        labels: { [GROUP_LABEL]: group },
        annotations,
      },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
        acquireTime: before?.spec.acquireTime ?? microTimestamp(now),
        renewTime: microTimestamp(now),
      },
    }
  }

  /** Waits for the next look, or until a key that was to be given up is done. Jitter keeps processes out of step. */
  #pause(holding: AbortSignal): Promise<void> {
    const { clock, random, pollMs = 5000 } = this.#options
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#wake = undefined
        holding.removeEventListener('abort', end)
        resolve()
      }
      const cancel = clock.after(pollMs * (0.8 + 0.4 * random.next()), end)
      this.#wake = end
      if (holding.aborted) end()
      else holding.addEventListener('abort', end, { once: true })
    })
  }
}

/** Who a lease is of, also after it was given up. */
const MEMBER_ANNOTATION = 'locktender.dev/shard-member'

function memberName(lease: Lease): string {
  return lease.metadata.annotations?.[MEMBER_ANNOTATION] ?? lease.metadata.name
}

function viewOf(lease: Lease): View {
  try {
    const view: unknown = JSON.parse(lease.metadata.annotations?.[VIEW_ANNOTATION] ?? '[]')
    return Array.isArray(view) ? view.map(String) : []
  } catch {
    return []
  }
}
