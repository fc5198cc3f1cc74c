import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { T } from './case.ts'
import { Connection } from './connection.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { command, LocalTarget } from './local-target.ts'
import type { LocalTargetOptions } from './local-target.ts'
import { Requester } from './requester.ts'

/** Path of the config maps that cases about a hub of their own write. */
export const MAPS = '/api/v1/namespaces/default/configmaps'

/** An API server of a case's own, to be killed and started again on one folder of data. */
export class Hub {
  readonly data: string
  readonly #t: T
  readonly #options: LocalTargetOptions
  #running: LocalTarget | undefined

  private constructor(t: T, data: string, options: LocalTargetOptions) {
    this.#t = t
    this.data = data
    this.#options = options
  }

  /** Skips the case when the server under test is another one. */
  static async make(t: T, options: LocalTargetOptions = {}): Promise<Hub> {
    if (t.target.hub === undefined) t.skip('only the API server of this repository is killed and damaged')
    const data = await mkdtemp(join(tmpdir(), 'locktender-hub-'))
    const hub = new Hub(t, data, options)
    t.after(async () => {
      await hub.stop('SIGKILL')
      await rm(data, { recursive: true, force: true })
    })
    return hub
  }

  get pid(): number {
    return this.#running!.pid
  }

  get kubeconfig(): string {
    return this.#running!.kubeconfig
  }

  /** Starts it on its data and resolves when it answers. */
  async start(more: LocalTargetOptions = {}): Promise<Requester> {
    this.#running = await LocalTarget.start({ ...this.#options, ...more, data: this.data })
    const connection = new Connection(await readKubeconfig(this.#running.kubeconfig))
    this.#t.after(() => connection.close())
    return new Requester(connection, this.#t.signal)
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#running?.stop(signal)
    this.#running = undefined
  }

  /** What it said when it ended by itself. */
  async ended(): Promise<string> {
    const said = await this.#running!.ended()
    this.#running = undefined
    return said
  }

  /** `lkt apiserver check` or `repair` on its data, while it does not run. */
  async tool(name: 'check' | 'repair'): Promise<{ readonly code: number; readonly text: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [command, 'apiserver', name, '--data', this.data], (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), text: out + err })
      })
    })
  }

  /** Paths of the files of its objects: logs, then snapshots, each oldest first. */
  async paths(): Promise<string[]> {
    const folder = join(this.data, 'store')
    const names = (await readdir(folder)).filter((name) => /^(log|snapshot)-/.test(name))
    return names.toSorted().map((name) => join(folder, name))
  }

  /** What these files hold, by path; not while it runs, for a snapshot removes the logs it covers. */
  async files(): Promise<ReadonlyMap<string, Buffer>> {
    const paths = await this.paths()
    return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)))
  }
}
