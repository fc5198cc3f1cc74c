import { Failure } from './failure.ts'
import { isRecord, mismatch } from './match.ts'

/** Any Kubernetes object, as far as cases look into it. */
export interface Obj {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Meta
  readonly spec?: Record<string, unknown>
  readonly status?: Record<string, unknown>
  readonly data?: Record<string, string>
  readonly [field: string]: unknown
}

export interface Meta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly managedFields?: readonly ManagedFields[]
  readonly [field: string]: unknown
}

export interface ManagedFields {
  readonly manager: string
  readonly operation: string
  readonly apiVersion: string
  readonly fieldsV1: Record<string, unknown>
  readonly subresource?: string
}

/** A list of objects. */
export interface ObjList {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue?: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly Obj[]
}

/** A request as it was sent, for reports. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** Details a refusal must have; fields may be Matchers. */
export interface Refusal {
  /** The whole message, or a pattern. */
  readonly message?: unknown
  /** Part of `details`. */
  readonly details?: unknown
}

const SHOWN_BODY = 3_000

/** What the server answered. Checks throw a Failure that shows both sides. */
export class Answer {
  readonly sent: Sent
  readonly status: number
  /** Lower-case names; repeated ones are joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string

  constructor(sent: Sent, status: number, headers: Readonly<Record<string, string>>, text: string) {
    this.sent = sent
    this.status = status
    this.headers = headers
    this.text = text
  }

  /** The body. Fails when it is not JSON. */
  json<T = Obj>(): T {
    try {
      return JSON.parse(this.text) as T
    } catch {
      return this.fail('the body must be JSON')
    }
  }

  /** The answer has this status and its JSON body matches `body` (see match.ts). Returns the body. */
  is<T = Obj>(status: number, body?: unknown): T {
    if (this.status !== status) this.fail(`the status must be ${status}, but is ${this.status}`)
    if (body === undefined) return this.json<T>()
    return this.has<T>(body)
  }

  /** The JSON body matches, whatever the status is. */
  has<T = Obj>(body: unknown): T {
    const found = this.json<T>()
    const wrong = mismatch(found, body, '')
    if (wrong !== undefined) this.fail(wrong)
    return found
  }

  /** The header matches (see match.ts). */
  header(name: string, expected: unknown): this {
    const wrong = mismatch(this.headers[name], expected, `header ${name}`)
    return wrong === undefined ? this : this.fail(wrong)
  }

  /** A refusal in the form of Kubernetes: a Status object with this code and reason, and these words and details. */
  refuses(code: number, reason: string, { message, details }: Refusal = {}): this {
    this.is(code, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason,
      code,
      ...(message === undefined ? {} : { message }),
      ...(details === undefined ? {} : { details }),
    })
    return this
  }

  /**
   * Invalid (422) with exactly these causes, in any order, said once or more often: `reason`, `field` and `message` of each match. The message
   * of the whole must name the object and repeat the causes, as clients print it.
   */
  invalid(kind: string, name: string, causes: readonly InvalidCause[]): this {
    const [, group] = kind.split(/\.(.*)/s)
    const details = { kind: kind.split('.')[0], ...(group === undefined ? {} : { group }) }
    this.refuses(422, 'Invalid', { details: name === '' ? details : { ...details, name } })
    const { message, details: found } = this.json<{ message: string; details: { causes?: FoundCause[] } }>()
    const rest = (found.causes ?? []).filter(
      (cause, index, all) => all.findIndex((other) => mismatch(other, cause, '') === undefined) === index,
    )
    for (const cause of causes) {
      const index = rest.findIndex((candidate) => mismatch(candidate, cause, '') === undefined)
      if (index === -1) this.fail(`details.causes must include ${describeCause(cause)}`)
      const [{ field, message: why }] = rest.splice(index, 1) as [FoundCause]
      if (!message.includes(`${field}: ${why}`))
        this.fail(`the message must include ${JSON.stringify(`${field}: ${why}`)}`)
    }
    if (rest.length > 0) this.fail(`there must be no other causes than expected, but ${JSON.stringify(rest)}`)
    const start = `${kind} ${JSON.stringify(name)} is invalid: `
    if (!message.startsWith(start)) this.fail(`the message must start with ${start}`)
    return this
  }

  /** Throws, with both sides shown. */
  fail(why: string): never {
    throw new Failure(`${why}\n${this.describe()}`)
  }

  describe(): string {
    const type = this.headers['content-type'] ?? 'no content type'
    return `${describeSent(this.sent)}\nanswer: ${this.status}, ${type}\n${indented(readable(this.text))}`
  }
}

/** A cause to expect; the message may be a pattern. */
export interface InvalidCause {
  readonly reason: unknown
  readonly field: string
  readonly message?: string | RegExp
}

interface FoundCause {
  readonly reason: string
  readonly field: string
  readonly message: string
}

export function describeSent({ method, path, headers, body }: Sent): string {
  const shown = Object.entries(headers)
    .filter(([name]) => !['user-agent', 'authorization', 'content-length'].includes(name))
    .map(([name, value]) => `${name}: ${value}`)
  const line = `request: ${method} ${path}${shown.length === 0 ? '' : `\n${indented(shown.join('\n'))}`}`
  if (body === undefined) return line
  return `${line}\n${indented(typeof body === 'string' ? readable(body) : `${body.length} bytes`)}`
}

function describeCause({ reason, field, message }: InvalidCause): string {
  return `${JSON.stringify(reason)} of ${field}${message === undefined ? '' : ` with ${String(message)}`}`
}

function readable(body: string): string {
  let shown = body
  try {
    const value: unknown = JSON.parse(body)
    if (isRecord(value)) shown = JSON.stringify(withoutNoise(value), undefined, 1).replaceAll(/\n\s*/g, ' ')
  } catch {
    // Not JSON: as it is.
  }
  return shown.length > SHOWN_BODY ? `${shown.slice(0, SHOWN_BODY)}… (${shown.length} characters)` : shown
}

function withoutNoise(value: Record<string, unknown>): Record<string, unknown> {
  const { metadata } = value
  if (!isRecord(metadata) || metadata['managedFields'] === undefined) return value
  const { managedFields, ...rest } = metadata
  // Last, where it hides nothing when it is cut.
  return { ...value, metadata: { ...rest, managedFields } }
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
