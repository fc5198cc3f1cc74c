import { CommandError } from './command-error.ts'
import { exitCodes } from './exit-codes.ts'

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof outputFormats)[number]

export function parseOutputFormat(text: string | undefined): OutputFormat {
  if (text === undefined) return 'table'
  if ((outputFormats as readonly string[]).includes(text)) return text as OutputFormat
  throw new CommandError(exitCodes.usage, `unknown output format "${text}"; use one of ${outputFormats.join(', ')}`)
}
