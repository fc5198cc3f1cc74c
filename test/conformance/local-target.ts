import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The program, to be run by Node. */
export const command = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url))

/** Small enough to be used up by the cases about what happens then, large enough for all the others. */
const HISTORY_EVENTS = 1_000

interface Announcement {
  readonly url: string
  readonly kubeconfig: string
  readonly pid: number
}

export interface LocalTargetOptions {
  /** Folder to keep; a temporary one when absent. */
  readonly data?: string
  readonly port?: number
  readonly historyEvents?: number
  /** No file may grow beyond this many blocks of 512 bytes, as if the disk were full. */
  readonly fileBlocks?: number
}

/** Our own server, started by its command as anybody would. */
export class LocalTarget {
  readonly url: string
  readonly kubeconfig: string
  readonly pid: number
  readonly data: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #temporary: boolean
  readonly #said: () => string

  private constructor(
    child: ChildProcess,
    announced: Announcement,
    data: string,
    temporary: boolean,
    said: () => string,
  ) {
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once('close', () => resolve())
    })
    this.url = announced.url
    this.kubeconfig = announced.kubeconfig
    this.pid = announced.pid
    this.data = data
    this.#temporary = temporary
    this.#said = said
  }

  static async start(options: LocalTargetOptions = {}): Promise<LocalTarget> {
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'locktender-conformance-')))
    const args = ['apiserver', '--data', data, '--history-events', String(options.historyEvents ?? HISTORY_EVENTS)]
    if (options.port !== undefined) args.push('--port', String(options.port))
    const [program, ...rest] = [...limited(options.fileBlocks), process.execPath, command, ...args, '-o', 'json']
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    let err = ''
    const announced = await new Promise<Announcement>((resolve, reject) => {
      let out = ''
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
        if (out.includes('\n')) resolve(JSON.parse(out) as Announcement)
      })
      child.once('close', () => reject(new Error(`the API server did not start: ${err}`)))
    })
    return new LocalTarget(child, announced, data, options.data === undefined, () => err)
  }

  /** Waits until it ends by itself; what it said on stderr. */
  async ended(): Promise<string> {
    await this.#exited
    return this.#said()
  }

  /** Ends it as Ctrl-C does, or at once with SIGKILL, and waits. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal)
    await this.#exited
    if (this.#temporary) await rm(this.data, { recursive: true, force: true })
  }
}

function limited(blocks: number | undefined): string[] {
  return blocks === undefined ? [] : ['/bin/sh', '-c', `ulimit -f ${blocks}; exec "$0" "$@"`]
}
