import { valuesBelow, type Change, type HeldValue, type ServerState } from '@locktender/apiserver'
import { ObjectCache, type KubeObject } from '@locktender/kube'
import type { ObjectEvent, Watch } from '../controller.ts'
import type { Lens, PreparedServer, Sight } from './prepared-server.ts'

/** Until when changes are kept from a cache. */
export type HoldUntil = 'idle' | 'next step'

interface Hold {
  readonly until: HoldUntil
  /** Steps that had happened when it began. */
  readonly step: number
  /** Whether only the last state of each object is heard of in the end. */
  readonly lastOnly: boolean
  readonly changes: Change[]
}

/** Told of changes a cache has seen. */
type Listener = (event: ObjectEvent, initial: boolean) => void

/** A cache of one process, and what it has not heard of yet. */
export class Informer {
  readonly watch: Watch
  readonly server: PreparedServer
  readonly lens: Lens
  readonly cache = new ObjectCache<KubeObject>()
  readonly listeners: Listener[] = []
  #hold: Hold | undefined
  /** Sum of the hashes of what it holds, to compare moments. */
  #content = 0

  constructor(watch: Watch, server: PreparedServer, fields: readonly string[] | undefined) {
    this.watch = watch
    this.server = server
    this.lens = server.lens(watch.resource, watch, fields)
  }

  /** Whether changes wait to be heard of. */
  get hold(): Hold | undefined {
    return this.#hold
  }

  get content(): number {
    return this.#content
  }

  concerns(change: Change): boolean {
    return this.lens.sight(change) !== undefined
  }

  /** Fills the cache, as the first listing does. */
  list(state: ServerState): void {
    for (const value of valuesBelow(state, this.lens.prefix)) {
      this.#content += weight(value)
      const after = this.lens.see(value)
      if (after !== undefined) this.#show({ before: undefined, after }, true)
    }
  }

  hear(change: Change): void {
    this.#content += weight(change.after) - weight(change.before)
    const sight = this.lens.sight(change)
    if (sight !== undefined) this.#show(sight, false)
  }

  /** Keeps a change, and all that come after it, from the cache until {@link release}. */
  keep(change: Change, until: HoldUntil, step: number, lastOnly: boolean): void {
    this.#hold = { until, step, lastOnly, changes: [change] }
  }

  /** Adds to what is kept already. */
  keepToo(change: Change): void {
    this.#hold!.changes.push(change)
  }

  /** The cache hears of everything that was kept from it. */
  release(): void {
    const hold = this.#hold
    if (hold === undefined) return
    this.#hold = undefined
    for (const change of hold.lastOnly ? lastOf(hold.changes) : hold.changes) this.hear(change)
  }

  #show({ before, after }: Sight, initial: boolean): void {
    const changes =
      after === undefined ? (before === undefined ? [] : this.cache.delete(before.key, before)) : this.cache.set(after)
    for (const change of changes) for (const listener of this.listeners) listener(change, initial)
  }
}

/** The same end in one change for each object, in the order of their last changes. */
function lastOf(changes: readonly Change[]): Change[] {
  const last = new Map<string, Change>()
  for (const change of changes) {
    const earlier = last.get(change.key)
    last.delete(change.key)
    last.set(change.key, { ...change, before: (earlier ?? change).before })
  }
  return [...last.values()].filter(({ before, after }) => before !== undefined || after !== undefined)
}

function weight(value: HeldValue | undefined): number {
  return value === undefined ? 0 : value.hash % 0x1_0000_0000
}
