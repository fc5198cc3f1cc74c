import { errorText } from '@locktender/kube'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { LocalServer } from '@locktender/apiserver'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { explainedServerError } from './apiserver-error.ts'

export interface ApiserverFlags {
  readonly data?: string
  readonly port: number
  readonly crds?: string
  readonly historyEvents?: number
  readonly output: 'text' | 'json'
}

/** Serves until it is stopped; `kubeconfig` is where to write how to reach it. */
export async function apiserver(
  session: Session,
  flags: ApiserverFlags,
  kubeconfig: string | undefined,
): Promise<void> {
  const server = await start(flags)
  // From here on there is something to close; before, the process may just end.
  const stopped = session.untilStopped()
  const temporary =
    kubeconfig === undefined && flags.data === undefined ? await mkdtemp(join(tmpdir(), 'locktender-')) : undefined
  try {
    const path = resolve(kubeconfig ?? join(temporary ?? flags.data!, 'kubeconfig'))
    write(server, path)
    tell(session, flags, server, path)
    const failure = await Promise.race([stopped, server.failure])
    if (failure instanceof Error) {
      const why = 'everything acknowledged before is kept; see to the disk, then start again'
      throw new CommandError(exitCodes.failed, `${failure.message}; ${why}`)
    }
  } finally {
    await server.close()
    if (temporary !== undefined) await rm(temporary, { recursive: true })
  }
}

async function start({ data, crds, port, historyEvents }: ApiserverFlags): Promise<LocalServer> {
  try {
    return await LocalServer.start({
      port,
      ...(data === undefined ? {} : { dataDirectory: resolve(data) }),
      ...(crds === undefined ? {} : { crds }),
      ...(historyEvents === undefined ? {} : { historyEvents }),
    })
  } catch (error) {
    throw explainedServerError(error, port)
  }
}

function write(server: LocalServer, path: string): void {
  try {
    server.writeKubeconfig(path)
  } catch (error) {
    const why = errorText(error)
    throw new CommandError(exitCodes.usage, `cannot write ${path}: ${why}; name another file with --kubeconfig`)
  }
}

function tell(session: Session, flags: ApiserverFlags, { url, installed }: LocalServer, kubeconfig: string): void {
  if (installed !== undefined) {
    const { definitions, files, others } = installed
    const rest = others === 0 ? '' : `; left ${others} objects of other kinds alone`
    session.note(`Installed ${definitions} CustomResourceDefinitions from ${files} files in ${flags.crds}${rest}`)
  }
  if (flags.output === 'json') {
    session.out(`${JSON.stringify({ url, kubeconfig, pid: process.pid })}\n`)
    return
  }
  const objects = flags.data === undefined ? 'in memory, gone at the end' : `in ${resolve(flags.data)}`
  session.out(
    [
      `Serving the Kubernetes API at ${url} until Ctrl-C. Objects are ${objects}.`,
      '',
      `  export KUBECONFIG=${kubeconfig}`,
      '  kubectl api-resources',
      '',
      '',
    ].join('\n'),
  )
}
