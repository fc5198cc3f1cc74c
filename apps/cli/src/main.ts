import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import type { ProcessSession } from './edge/session.ts'
import { exitCodes } from './exit-codes.ts'
import { buildProgram } from './program.ts'

const packageFile = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
const interrupt = new AbortController()
let session: ProcessSession | undefined

process.once('SIGINT', () => interrupt.abort())
// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode)
  throw error
})

const program = buildProgram({
  name: process.env['LKT_NAME']?.startsWith('kubectl-') === true ? 'kubectl locktender' : 'lkt',
  version,
  async session(flags) {
    // Help is asked for more often than anything else and needs none of this.
    const edge = await import('./edge/session.ts')
    session = new edge.ProcessSession({ flags, version, signal: interrupt.signal })
    return session
  },
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
    const { explainError } = await import('./explain-error.ts')
    const { message, exitCode } = explainError(error)
    process.stderr.write(`${message}\n`)
    process.exitCode = exitCode
  }
} finally {
  await session?.close()
}
