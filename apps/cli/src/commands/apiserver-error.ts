import { DefinitionsError, DirectoryLockedError, StoreCorruptError } from '@locktender/apiserver'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'

/** One line for each thing that can be wrong outside this program, with what to do; other errors stay as they are. */
export function explainedServerError(error: unknown, port?: number): unknown {
  if (error instanceof DefinitionsError) {
    const count = error.problems.length
    const what = `${count} ${count === 1 ? 'problem' : 'problems'} with the CustomResourceDefinitions of --crds`
    return new CommandError(exitCodes.usage, [what, ...error.problems].join('\n'))
  }
  if (error instanceof DirectoryLockedError) return new CommandError(exitCodes.conflict, error.message)
  if (error instanceof StoreCorruptError) return new CommandError(exitCodes.failed, error.message)
  const { code, message, path } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const advice = 'choose another with --port, or leave it out for a free one'
    return new CommandError(exitCodes.conflict, `port ${port} is taken: ${advice}`)
  }
  if (code === 'EACCES' && path === undefined) {
    const advice = 'choose one above 1023 with --port, or leave it out for a free one'
    return new CommandError(exitCodes.notPermitted, `port ${port} may not be used: ${advice}`)
  }
  if (code !== undefined && path !== undefined) {
    return new CommandError(exitCodes.usage, `${path} cannot be used: ${message}; name another folder`)
  }
  return error
}
