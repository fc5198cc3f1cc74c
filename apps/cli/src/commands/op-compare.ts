import {
  compareOutput,
  describeOutputDifference,
  describeRequest,
  MENDED,
  type OutputDifference,
  OutputDirectoryError,
  readOutput,
} from '@locktender/runtime/once'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type OutputFormat, printDocument } from '../output.ts'
import type { Session } from '../session.ts'

/** What tells the output of two runs apart; the exit code says whether anything does. */
export function opCompare(
  session: Session,
  expected: string,
  actual: string,
  options: { readonly output: OutputFormat },
): Promise<ExitCode> {
  const differences = explained(() => compareOutput(readOutput(expected, MENDED), readOutput(actual, MENDED)))
  if (options.output === 'json' || options.output === 'yaml') {
    printDocument(session, options.output, {
      apiVersion: 'cli.locktender.dev/v1',
      kind: 'OutputComparison',
      equivalent: differences.length === 0,
      differences: differences.map(documentOf),
    })
  } else {
    for (const difference of differences) session.out(`${describeOutputDifference(difference)}\n`)
    if (differences.length === 0) session.note('Equivalent')
  }
  return Promise.resolve(differences.length === 0 ? exitCodes.done : exitCodes.failed)
}

function documentOf(difference: OutputDifference): object {
  if (difference.type === 'controller') return difference
  const { type, destination, request } = difference
  const what = describeRequest(destination, request)
  return type === 'changed' ? { type, request: what, fields: difference.fields } : { type, request: what }
}

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof OutputDirectoryError)) throw error
    throw new CommandError(exitCodes.usage, error.message)
  }
}
