import { randomBytes } from 'node:crypto'
import type { Obj } from './answer.ts'
import type { Connection } from './connection.ts'
import { Failure, Skip } from './failure.ts'
import type { Credentials } from './kubeconfig.ts'
import { mismatch } from './match.ts'
import { Requester } from './requester.ts'

/** One thing an API server must do. */
export interface Case {
  /** For instance `D01`: letter of the group's list and number in it. */
  readonly id: string
  readonly name: string
  /** `G1` to `G10`. */
  readonly group: string
  readonly tags: readonly string[]
  /** Nothing else may run meanwhile, because it changes or floods what others look at. */
  readonly alone?: boolean
  /** Longest it may take; 30 seconds when absent. */
  readonly timeoutMs?: number
  readonly run: (t: T) => Promise<void>
}

/** The server under test, for cases that give it to other programs. */
export interface Target {
  readonly connection: Connection
  readonly kubeconfig: string
  readonly context: string | undefined
  /** Present for the API server of this repository, which cases may also start, kill and damage. */
  readonly hub?: {
    readonly full: boolean
    /** Whether times by the clock on the wall count; where other work shares the machine they say nothing. */
    readonly timed: boolean
  }
}

/** Makes the cases of one group; tags default to `any`. */
export function group(
  name: string,
  define: (add: (id: string, name: string, run: Case['run'], more?: Partial<Case>) => void) => void,
): Case[] {
  const cases: Case[] = []
  define((id, title, run, more = {}) => cases.push({ id, name: title, group: name, tags: ['any'], run, ...more }))
  return cases
}

const POLL_MS = 50

/** What a case works with: a fresh namespace, and requests as the administrator. */
export class T extends Requester {
  readonly target: Target
  /** The namespace of this case; it exists. */
  readonly ns: string
  /** Path of its widgets. */
  readonly W: string
  /** Path of its config maps. */
  readonly CM: string
  readonly signal: AbortSignal
  readonly #clean: (() => unknown)[] = []

  constructor(id: string, target: Target, signal: AbortSignal) {
    super(target.connection, signal)
    this.target = target
    this.signal = signal
    this.ns = `t-${id.toLowerCase()}-${randomBytes(3).toString('hex')}`
    this.W = `/apis/example.com/v1/namespaces/${this.ns}/widgets`
    this.CM = `/api/v1/namespaces/${this.ns}/configmaps`
  }

  /** A name nothing else in the cluster has, for objects outside the namespace. It starts with `prefix`. */
  unique(prefix: string): string {
    return `${prefix}-${randomBytes(4).toString('hex')}`
  }

  /** Requests as somebody else; without credentials as nobody. */
  as(credentials: Credentials = {}): Requester {
    const connection = this.target.connection.as(credentials)
    this.after(() => connection.close())
    return new Requester(connection, this.signal)
  }

  /** A second namespace, gone with the case. */
  async namespace(): Promise<string> {
    const name = `${this.ns}-${randomBytes(2).toString('hex')}`
    await this.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    this.after(() => this.delete(`/api/v1/namespaces/${name}`))
    return name
  }

  /** Creates an object outside the namespace and deletes it after the case. */
  async createGlobal(path: string, object: { readonly metadata: { readonly name: string } }): Promise<Obj> {
    this.after(() => this.delete(`${path}/${object.metadata.name}`))
    return this.create(path, object)
  }

  /** Runs after the case, last added first, also when it failed. */
  after(clean: () => unknown): void {
    this.#clean.push(clean)
  }

  /** `actual` matches (see match.ts); `what` names it in the report. */
  match(actual: unknown, expected: unknown, what: string): void {
    const wrong = mismatch(actual, expected, what)
    if (wrong !== undefined) throw new Failure(wrong)
  }

  /** @throws Failure unless `condition` holds */
  check(condition: boolean, why: string): void {
    if (!condition) throw new Failure(why)
  }

  /** Repeats until it does not throw, for what a server may do a little later. Throws the last failure. */
  async eventually<R>(attempt: () => Promise<R>, patienceMs = 15_000): Promise<R> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof Failure) || performance.now() > deadline) throw error
      }
      await this.pause(POLL_MS)
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, ms)
    })
  }

  /** Ends the case: it cannot run against this server. */
  skip(why: string): never {
    throw new Skip(why)
  }

  async clean(): Promise<void> {
    for (const clean of this.#clean.reverse()) await clean()
  }
}
