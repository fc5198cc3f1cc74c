import type { IncomingMessage } from 'node:http'
import { Answer, describeSent } from './answer.ts'
import type { Obj, Sent } from './answer.ts'
import { headersOf } from './connection.ts'
import { Failure } from './failure.ts'
import { mismatch } from './match.ts'

/** How long to wait for an event that must come. */
const PATIENCE_MS = 10_000

/** One line of a watch. */
export interface WatchEvent<T = Obj> {
  readonly type: string
  readonly object: T
}

/** A watch under way; lines are kept until they are asked for. */
export class Watch {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly #sent: Sent
  readonly #message: IncomingMessage
  readonly #events: WatchEvent[] = []
  readonly #seen: WatchEvent[] = []
  #end: 'clean' | Error | undefined
  #wake: (() => void) | undefined

  constructor(sent: Sent, message: IncomingMessage) {
    this.#sent = sent
    this.#message = message
    this.status = message.statusCode ?? 0
    this.headers = headersOf(message)
    void this.#read()
  }

  /** The next event matches (see match.ts). */
  async next<T = Obj>(type: string, object: unknown = {}): Promise<WatchEvent<T>> {
    const event = await this.any<T>()
    const wrong = mismatch(event, { type, object }, '')
    if (wrong !== undefined) this.fail(`the event after those is wrong: ${wrong}`)
    return event
  }

  /** The next event, whatever it is. */
  async any<T = Obj>(patienceMs = PATIENCE_MS): Promise<WatchEvent<T>> {
    if (!(await this.#available(patienceMs))) {
      this.fail(this.#end === undefined ? `no event came within ${patienceMs} ms` : 'the watch ended too early')
    }
    const event = this.#events.shift()!
    this.#seen.push(event)
    return event as WatchEvent<T>
  }

  /** Everything up to the end of the watch, which the server must bring about in this time. */
  async rest(patienceMs = PATIENCE_MS): Promise<WatchEvent[]> {
    const all: WatchEvent[] = []
    const deadline = performance.now() + patienceMs
    while (await this.#available(Math.max(0, deadline - performance.now()))) all.push(this.#events.shift()!)
    this.#seen.push(...all)
    if (this.#end === undefined) this.fail(`the server must end the watch within ${patienceMs} ms`)
    if (this.#end !== 'clean') this.fail(`the watch must end cleanly, but broke off: ${this.#end.message}`)
    return all
  }

  /** The server answered with a refusal instead of a watch. */
  async refusal(): Promise<Answer> {
    const chunks = this.#raw
    while (this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return new Answer(this.#sent, this.status, this.headers, chunks.join(''))
  }

  close(): void {
    this.#message.destroy()
  }

  fail(why: string): never {
    const seen = this.#seen.map((event) => `  ${JSON.stringify(event).slice(0, 600)}`)
    throw new Failure(
      [why, describeSent(this.#sent), `answer: ${this.status}, ${seen.length} events read:`, ...seen].join('\n'),
    )
  }

  readonly #raw: string[] = []

  async #read(): Promise<void> {
    let rest = ''
    try {
      this.#message.setEncoding('utf8')
      for await (const chunk of this.#message) {
        if (this.status !== 200) this.#raw.push(chunk as string)
        const lines = (rest + (chunk as string)).split('\n')
        rest = lines.pop()!
        if (this.status === 200) {
          this.#events.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WatchEvent))
        }
        this.#wake?.()
      }
      this.#end = rest === '' || this.status !== 200 ? 'clean' : new Error(`it ended within a line: ${rest}`)
    } catch (error) {
      this.#end = error as Error
    }
    this.#wake?.()
  }

  async #available(patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs
    while (this.#events.length === 0 && this.#end === undefined) {
      const left = deadline - performance.now()
      if (left <= 0) return false
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#events.length > 0
  }
}
