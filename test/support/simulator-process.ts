import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from './program.ts'

/** The simulator as a process of its own, over real sockets. */
export class SimulatorProcess extends Program {
  constructor(args: readonly string[]) {
    // State that is not in the folder of the test must not be in the folder of the user either.
    const env = { ...process.env, XDG_STATE_HOME: join(tmpdir(), 'locktender-test-state') }
    super('apps/simulator/src/main.ts', args, env)
  }

  /** The path of its kubeconfig, once it serves. */
  async kubeconfig(): Promise<string> {
    return (await this.printed(/KUBECONFIG=(\S+)/))[1]!
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }
}

/** An empty folder, and its removal. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'locktender-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
