import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'

/** Where a server listens and how to get in. */
export interface Access {
  readonly port: number
  readonly certificateAuthority: string
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * One HTTP/1.1 connection that does no more than it must: the load generator shares the machine with what it measures.
 */
export class Connection {
  readonly #socket: TLSSocket
  readonly #token: string
  #buffered: Buffer[] = []
  #length = 0
  #needed = 0
  #resolve: ((answer: Answer) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  private constructor(socket: TLSSocket, token: string) {
    this.#socket = socket
    this.#token = token
    socket.on('error', (error) => this.#reject?.(error))
    socket.on('close', () => this.#reject?.(new Error('the server has closed the connection')))
  }

  static async open({ port, certificateAuthority, token }: Access): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', ca: certificateAuthority, noDelay: true } as never)
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    return new Connection(socket, token)
  }

  /** Sends a request and resolves with its answer, which must have a length. One at a time. */
  request(method: string, path: string, body = '', type = 'application/json'): Promise<Answer> {
    if (this.#socket.listenerCount('data') === 0) this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#send(method, path, body, type)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Sends a request whose answer does not end, and counts what comes. */
  stream(path: string, onData: (chunk: Buffer) => void): void {
    this.#socket.on('data', onData)
    this.#send('GET', path, '', '')
  }

  close(): void {
    this.#reject = undefined
    this.#socket.destroy()
  }

  #send(method: string, path: string, body: string, type: string): void {
    const length = body === '' ? '' : `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    const head = `${method} ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${this.#token}\r\naccept: application/json\r\n${length}\r\n`
    this.#socket.write(head + body)
  }

  #receive(chunk: Buffer): void {
    this.#buffered.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#needed) return
    const bytes = this.#buffered.length === 1 ? chunk : Buffer.concat(this.#buffered)
    const head = bytes.indexOf(HEAD_END)
    if (head === -1) return
    const text = bytes.toString('latin1', 0, head)
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
    this.#needed = head + HEAD_END.length + length
    if (bytes.length < this.#needed) {
      this.#buffered = [bytes]
      return
    }
    const body = bytes.subarray(head + HEAD_END.length, this.#needed)
    this.#buffered = []
    this.#length = 0
    this.#needed = 0
    this.#resolve!({ status: Number(text.slice(9, 12)), body })
  }
}
