import { sleep } from '@locktender/kube'
import type { Clock, Transport, TransportRequest, TransportResponse } from '@locktender/kube'
import { TokenBucket } from './token-bucket.ts'

/** How much a controller may ask of an API server; what is over waits. Watches of caches are not counted. */
export interface RequestBudget {
  /** In the long run. @default without limit: servers have priority and fairness, and say 429 */
  readonly perSecond?: number
  /** At once after a quiet time. @default twice `perSecond` */
  readonly burst?: number
  /** Sent and not yet answered. @default without limit */
  readonly inFlight?: number
}

export interface RequestGateOptions {
  readonly clock: Clock
  /** Of each controller. */
  readonly budget?: RequestBudget
  /** Requests of all controllers together that may be in flight. @default without limit */
  readonly inFlight?: number
}

/** How often a request is repeated that the server asked to send again later, as client-go does. */
const MAX_REPEATS = 10
/** A server that asks for more must be answered with an error, or workers would stand still for hours. */
const LONGEST_WAIT_MS = 60_000

/** The waiting requests of one controller. */
interface Lane {
  readonly bucket: TokenBucket | undefined
  readonly waiting: (() => void)[]
  inFlight: number
}

/**
 * Where the requests of all controllers to one API server pass: each within its budget, taking turns when the server is
 * busy, so that a controller with much to do never keeps another waiting for more than one round. A 429 with
 * Retry-After holds everybody back for as long as it says and is then repeated: the server says that it has not looked
 * at the request.
 */
export class RequestGate {
  readonly #options: RequestGateOptions
  /** In the order of their turns: who was let through goes to the end. */
  #lanes: Lane[] = []
  #inFlight = 0
  #waiting = 0
  #closedUntil = 0
  #timerAt = Infinity
  #cancelTimer: (() => void) | undefined

  constructor(options: RequestGateOptions) {
    this.#options = options
  }

  /** A transport for one controller. Waiting ends with `stopping`, by letting the request go. */
  lane(transport: Transport, stopping: () => boolean = () => false): Transport {
    const { budget = {}, clock } = this.#options
    const { perSecond } = budget
    const bucket =
      perSecond === undefined
        ? undefined
        : new TokenBucket(perSecond, budget.burst ?? Math.max(1, 2 * perSecond), clock.now())
    const lane: Lane = { bucket, waiting: [], inFlight: 0 }
    this.#lanes.push(lane)
    return {
      request: (request) => {
        const sent = this.#admits(lane) ? this.#send(lane, transport, request) : this.#queue(lane, transport, request)
        return sent.then((answer) =>
          answer.status === 429 ? this.#again(lane, transport, request, answer, stopping) : answer,
        )
      },
      close: () => transport.close(),
    }
  }

  async #again(
    lane: Lane,
    transport: Transport,
    request: TransportRequest,
    refused: TransportResponse,
    stopping: () => boolean,
  ): Promise<TransportResponse> {
    const { clock } = this.#options
    let answer = refused
    for (let repeat = 0; answer.status === 429 && repeat < MAX_REPEATS && !stopping(); repeat++) {
      const waitMs = Number(answer.headers['retry-after']) * 1000
      if (!(waitMs > 0 && waitMs <= LONGEST_WAIT_MS)) return answer
      for await (const _chunk of answer.body);
      this.#closedUntil = Math.max(this.#closedUntil, clock.now() + waitMs)
      await sleep(clock, waitMs, request.signal)
      answer = this.#admits(lane)
        ? await this.#send(lane, transport, request)
        : await this.#queue(lane, transport, request)
    }
    return answer
  }

  #queue(lane: Lane, transport: Transport, request: TransportRequest): Promise<TransportResponse> {
    return new Promise<void>((resolve) => {
      lane.waiting.push(resolve)
      this.#waiting++
      this.#letThrough()
    }).then(() => this.#answered(lane, transport.request(request)))
  }

  #send(lane: Lane, transport: Transport, request: TransportRequest): Promise<TransportResponse> {
    this.#enter(lane)
    return this.#answered(lane, transport.request(request))
  }

  #answered(lane: Lane, answer: Promise<TransportResponse>): Promise<TransportResponse> {
    const leave = () => {
      lane.inFlight--
      this.#inFlight--
      this.#letThrough()
    }
    answer.then(leave, leave)
    return answer
  }

  /** Whether a request may go at once: nobody waits before it, and nothing is against it. */
  #admits(lane: Lane): boolean {
    return lane.waiting.length === 0 && this.#mayEnter(lane)
  }

  #mayEnter(lane: Lane): boolean {
    const { budget = {}, clock, inFlight = Infinity } = this.#options
    if (this.#inFlight >= inFlight || lane.inFlight >= (budget.inFlight ?? Infinity)) return false
    if (lane.bucket === undefined && this.#closedUntil === 0) return true
    const now = clock.now()
    return now >= this.#closedUntil && (lane.bucket === undefined || lane.bucket.waitMs(now) === 0)
  }

  #enter(lane: Lane): void {
    lane.bucket?.take(this.#options.clock.now())
    lane.inFlight++
    this.#inFlight++
  }

  #letThrough(): void {
    while (this.#waiting > 0) {
      const position = this.#lanes.findIndex((lane) => lane.waiting.length > 0 && this.#mayEnter(lane))
      if (position === -1) break
      const [lane] = this.#lanes.splice(position, 1)
      this.#lanes.push(lane!)
      this.#enter(lane!)
      this.#waiting--
      lane!.waiting.shift()!()
    }
    this.#setTimer()
  }

  /** Wakes when time alone lets the next one through. */
  #setTimer(): void {
    if (this.#waiting === 0 && this.#timerAt === Infinity) return
    const { clock } = this.#options
    const now = clock.now()
    let due = Infinity
    for (const { waiting, bucket } of this.#lanes) {
      if (waiting.length === 0) continue
      const at = Math.max(this.#closedUntil, now + (bucket?.waitMs(now) ?? 0))
      if (at > now) due = Math.min(due, at)
    }
    if (due === this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = due
    this.#cancelTimer =
      due === Infinity
        ? undefined
        : clock.after(due - now, () => {
            this.#timerAt = Infinity
            this.#letThrough()
          })
  }
}
