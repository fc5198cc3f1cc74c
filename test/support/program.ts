import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** A program of this repository as a process of its own. */
export class Program {
  readonly #child: ChildProcess
  readonly #exited: Promise<number | undefined>
  readonly #waiting = new Set<() => void>()
  readonly #name: string
  #closed = false
  #stdout = ''
  #output = ''

  /** `path` is relative to the repository; `options` are those of Node. */
  constructor(path: string, args: readonly string[], env: NodeJS.ProcessEnv, options: readonly string[] = []) {
    this.#name = path
    const file = fileURLToPath(new URL(path, root))
    const environment = { PATH: process.env['PATH'], ...env }
    this.#child = spawn(process.execPath, [...options, file, ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString()
      this.#on(chunk.toString())
    })
    this.#child.stderr!.on('data', (chunk: Buffer) => this.#on(chunk.toString()))
    this.#exited = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#closed = true
        resolve(code ?? undefined)
        this.#on('')
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Standard output and standard error as they came. */
  get output(): string {
    return this.#output
  }

  /** The exit code; undefined when it was killed. */
  get exited(): Promise<number | undefined> {
    return this.#exited
  }

  /** Resolves with the first match in what it printed. Rejects when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output)
      if (match !== null) return match
      if (this.#closed) throw new Error(`${this.#name} ended without printing ${pattern}:\n${this.#output}`)
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
      })
    }
  }

  /** Sends SIGTERM (or another signal) and gives the exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | undefined> {
    if (!this.#closed) this.#child.kill(signal)
    return this.#exited
  }

  #on(text: string): void {
    this.#output += text
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
