#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Client, loadKubeconfig, systemClock, transportFromKubeconfig, type Transport } from '@locktender/kube'
import { CommanderError } from 'commander'
import { CommandError, explainError } from './command-error.ts'
import { exitCodes } from './exit-codes.ts'
import { buildProgram, type ConnectionFlags } from './program.ts'
import type { Session } from './session.ts'

const packageFile = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
const clock = systemClock()
const interrupt = new AbortController()
let transport: Transport | undefined
let serverDate: number | undefined

process.once('SIGINT', () => interrupt.abort())
// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode)
  throw error
})

function session(flags: ConnectionFlags): Session {
  const interactive = process.stdout.isTTY && process.env['TERM'] !== 'dumb'
  return {
    async client() {
      transport ??= await transportFromKubeconfig(
        await loadKubeconfig({ path: flags.kubeconfig, context: flags.context }),
        { clock },
      )
      return new Client({ transport: noticingDate(transport), userAgent: `lkt/${version}`, fieldManager: 'lkt' })
    },
    clock,
    now: () => serverDate ?? clock.now(),
    out: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(`${text}\n`),
    interactive,
    color: interactive && process.env['NO_COLOR'] === undefined,
    width: interactive ? process.stdout.columns : undefined,
    async readFile(path) {
      try {
        return await readFile(path === '-' ? '/dev/stdin' : path, 'utf8')
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new CommandError(exitCodes.usage, `cannot read ${path}: ${why}`)
      }
    },
    signal: interrupt.signal,
    untilStopped() {
      return new Promise((resolve) => {
        if (interrupt.signal.aborted) resolve()
        process.once('SIGTERM', () => resolve())
        interrupt.signal.addEventListener('abort', () => resolve())
      })
    },
  }
}

function noticingDate(inner: Transport): Transport {
  return {
    async request(request) {
      const response = await inner.request(request)
      const date = Date.parse(response.headers['date'] ?? '')
      if (!Number.isNaN(date)) serverDate = date
      return response
    },
    close: () => inner.close(),
  }
}

const program = buildProgram({
  name: basename(process.argv[1] ?? '').startsWith('kubectl-') ? 'kubectl locktender' : 'lkt',
  version,
  session,
  finish: (code) => {
    process.exitCode = code
  },
})

try {
  await program.parseAsync(process.argv.length === 2 ? [...process.argv, 'status'] : process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end here too, with code 0; commander has printed what it had to say.
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  } else {
    const { message, exitCode } = explainError(error)
    process.stderr.write(`${message}\n`)
    process.exitCode = exitCode
  }
} finally {
  await transport?.close()
}
