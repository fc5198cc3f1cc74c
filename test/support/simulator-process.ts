import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../apps/simulator/src/main.ts', import.meta.url))

/** The simulator as a process of its own, over real sockets. */
export class SimulatorProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<number | undefined>
  readonly #waiting = new Set<() => void>()
  #closed = false
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[]) {
    // State that is not in the folder of the test must not be in the folder of the user either.
    const env = { ...process.env, XDG_STATE_HOME: join(tmpdir(), 'locktender-test-state') }
    this.#child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#on(() => (this.#stdout += chunk.toString())))
    this.#child.stderr!.on('data', (chunk: Buffer) => this.#on(() => (this.#stderr += chunk.toString())))
    this.#exited = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        resolve(code ?? undefined)
        this.#on(() => (this.#closed = true))
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get output(): string {
    return this.#stdout + this.#stderr
  }

  /** The exit code; undefined when it was killed. */
  get exited(): Promise<number | undefined> {
    return this.#exited
  }

  /** Resolves with the first match in what it printed. Rejects when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output)
      if (match !== null) return match
      if (this.#closed) {
        throw new Error(`the simulator ended without printing ${pattern}:\n${this.output}`)
      }
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
      })
    }
  }

  /** The path of its kubeconfig, once it serves. */
  async kubeconfig(): Promise<string> {
    return (await this.printed(/KUBECONFIG=(\S+)/))[1]!
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #on(change: () => unknown): void {
    change()
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

/** An empty folder, and its removal. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'locktender-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
