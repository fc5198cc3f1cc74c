import { readFile } from 'node:fs/promises'
import {
  Client,
  errorText,
  loadKubeconfig,
  systemClock,
  type Transport,
  transportFromKubeconfig,
} from '@locktender/kube'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ConnectionFlags } from '../program.ts'
import type { Session } from '../session.ts'

/** What the process gives to a command. */
export interface SessionOptions {
  readonly flags: ConnectionFlags
  /** Of this program, for the user agent. */
  readonly version: string
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
}

/** The session of this process: its terminal, files, clock and, once asked for, a connection. */
export class ProcessSession implements Session {
  readonly clock = systemClock()
  readonly interactive = process.stdout.isTTY && process.env['TERM'] !== 'dumb'
  readonly color = this.interactive && process.env['NO_COLOR'] === undefined
  readonly width = this.interactive ? process.stdout.columns : undefined
  readonly signal: AbortSignal
  readonly #options: SessionOptions
  #transport: Transport | undefined
  #serverDate: number | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.signal = options.signal
  }

  async client(): Promise<Client> {
    const { flags, version } = this.#options
    this.#transport ??= await transportFromKubeconfig(
      await loadKubeconfig({ path: flags.kubeconfig, context: flags.context }),
      { clock: this.clock },
    )
    const transport = this.#noticingDate(this.#transport)
    return new Client({ transport, userAgent: `lkt/${version}`, fieldManager: 'lkt' })
  }

  now(): number {
    return this.#serverDate ?? this.clock.now()
  }

  out(text: string): void {
    process.stdout.write(text)
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  async readFile(path: string): Promise<string> {
    try {
      return await readFile(path === '-' ? '/dev/stdin' : path, 'utf8')
    } catch (error) {
      const why = errorText(error)
      throw new CommandError(exitCodes.usage, `cannot read ${path}: ${why}`)
    }
  }

  untilStopped(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve()
      process.once('SIGTERM', () => resolve())
      this.signal.addEventListener('abort', () => resolve())
    })
  }

  async close(): Promise<void> {
    await this.#transport?.close()
  }

  #noticingDate(inner: Transport): Transport {
    return {
      request: async (request) => {
        const response = await inner.request(request)
        const date = Date.parse(response.headers['date'] ?? '')
        if (!Number.isNaN(date)) this.#serverDate = date
        return response
      },
      close: () => inner.close(),
    }
  }
}
