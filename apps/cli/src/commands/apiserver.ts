import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DefinitionsError, DirectoryLockedError, LocalServer, StoreCorruptError } from '@locktender/apiserver'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

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
  const stopped = session.untilStopped()
  const server = await start(flags)
  const temporary =
    kubeconfig === undefined && flags.data === undefined ? await mkdtemp(join(tmpdir(), 'locktender-')) : undefined
  try {
    const path = resolve(kubeconfig ?? join(temporary ?? flags.data!, 'kubeconfig'))
    write(server, path)
    tell(session, flags, server, path)
    await stopped
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
    throw explained(error, port)
  }
}

/** One line for each thing that can be wrong outside this program, with what to do. */
function explained(error: unknown, port: number): unknown {
  if (error instanceof DefinitionsError) {
    const count = error.problems.length
    const what = `${count} ${count === 1 ? 'problem' : 'problems'} in the CustomResourceDefinitions of --crds`
    return new CommandError(exitCodes.usage, [what, ...error.problems].join('\n'))
  }
  if (error instanceof DirectoryLockedError) return new CommandError(exitCodes.conflict, error.message)
  if (error instanceof StoreCorruptError) return new CommandError(exitCodes.failed, error.message)
  const { code, message, path } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new CommandError(
      exitCodes.conflict,
      `port ${port} is taken: choose another with --port, or leave it out for a free one`,
    )
  }
  if (code === 'EACCES' && path === undefined) {
    return new CommandError(
      exitCodes.notPermitted,
      `port ${port} is not yours to use: choose one above 1023 with --port`,
    )
  }
  if (code !== undefined && path !== undefined) {
    const advice = 'name a folder that can be read and written with --data or --crds'
    return new CommandError(exitCodes.usage, `${path} cannot be used: ${message}; ${advice}`)
  }
  return error
}

function write(server: LocalServer, path: string): void {
  try {
    server.writeKubeconfig(path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
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
