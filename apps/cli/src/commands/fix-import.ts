import { errorText } from '@locktender/kube'
import {
  fixesFromOverrides,
  formatFinding,
  OverrideFileError,
  parseOverrideFile,
  type OverrideFile,
} from '@locktender/fixes'
import { componentFixes } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { printObjects, resourceName, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'
import { fixColumns } from './fix-columns.ts'

export interface FixImportOptions {
  readonly strategy: string
  readonly deadline: string
  readonly dryRun: 'none' | 'client' | 'server'
  readonly output: OutputFormat
}

/**
 * Reads HyperShift's override file and creates the smallest set of ComponentFixes with the same effective images.
 * Everything is tried on the server first, so that either all of them are created or none.
 */
export async function fixImport(session: Session, path: string, options: FixImportOptions): Promise<ExitCode> {
  const file = parse(path, await session.readFile(path))
  for (const finding of file.findings) session.note(`${path}: ${formatFinding(finding)}`)
  const fixes = fixesFromOverrides(file, { strategy: options.strategy, deadline: options.deadline })
  const structured = options.output !== 'table' && options.output !== 'wide'
  if (options.dryRun !== 'client') {
    const client = await session.client()
    const refused: string[] = []
    for (const fix of fixes) {
      try {
        await client.create(componentFixes, fix, { fieldValidation: 'Strict', dryRun: true })
      } catch (error) {
        refused.push(`${fix.metadata.name}: ${errorText(error)}`)
      }
    }
    if (refused.length > 0) {
      throw new CommandError(
        exitCodes.refused,
        `${refused.length} of ${fixes.length} fixes are refused, so nothing was written:\n  ${refused.join('\n  ')}`,
      )
    }
    if (options.dryRun === 'none') {
      for (const fix of fixes) await client.create(componentFixes, fix, { fieldValidation: 'Strict' })
    }
  }
  if (structured) {
    printObjects(session, options.output, componentFixes, fixes, fixColumns(session.now()))
    return exitCodes.done
  }
  const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' }[options.dryRun]
  for (const fix of fixes) session.out(`${resourceName(componentFixes, fix.metadata.name)} created${suffix}\n`)
  return exitCodes.done
}

function parse(path: string, text: string): OverrideFile {
  try {
    return parseOverrideFile(text)
  } catch (error) {
    if (!(error instanceof OverrideFileError)) throw error
    throw new CommandError(exitCodes.usage, `${path}: ${error.message}; nothing was written`)
  }
}
