import { strategyInput } from '@locktender/fixes'
import { parseLog, redecide, replay, RolloutLogError, type LogEntry } from '@locktender/rollout'
import { CommandError } from '../command-error.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { printDocument, type OutputFormat } from '../output.ts'
import { replayDocument } from '../rollout/replay-document.ts'
import { renderReplay } from '../rollout/replay-view.ts'
import type { Session } from '../session.ts'
import { isFile, strategyInFile, strategyNamed, type NamedStrategy } from '../strategy-source.ts'

export interface ReplayOptions {
  /** Name of a RolloutStrategy on the server, or a file with one. */
  readonly strategy?: string
  readonly output: OutputFormat
}

/**
 * Decides again what a log says was decided, and with a strategy what it would have decided instead. Needs a server only
 * to look up a strategy by its name.
 */
export async function rolloutReplay(session: Session, path: string, options: ReplayOptions): Promise<ExitCode> {
  const { strategy: source, output } = options
  const entries = await readLog(session, path)
  const strategy = source === undefined ? undefined : await strategyFrom(session, source)
  const { replayed, instead } = explained(path, () => {
    const again = replay(entries)
    // What is not even decided as it was says nothing of what else would have been decided.
    return again.mismatches.length > 0 || strategy === undefined
      ? { replayed: again }
      : { replayed: again, instead: redecided(entries, strategy) }
  })
  const document = replayDocument(entries.length, replayed, instead)
  if (output === 'name') session.out(`${path}\n`)
  else if (output === 'json' || output === 'yaml') printDocument(session, output, document)
  else session.out(renderReplay(document))
  return document.reproduced ? exitCodes.done : exitCodes.failed
}

function redecided(entries: readonly LogEntry[], { name, spec }: NamedStrategy) {
  // Limits are those of the record, so these are never asked.
  const { maxPerShard: _, ...strategy } = strategyInput(spec, () => 0)
  return { strategy: name, redecision: redecide(entries, { strategy }) }
}

async function readLog(session: Session, path: string): Promise<LogEntry[]> {
  const text = await session.readFile(path)
  const entries = explained(path, () => parseLog(text))
  if (entries.length === 0) throw new CommandError(exitCodes.usage, `${path} is empty; export the log again`)
  return entries
}

async function strategyFrom(session: Session, source: string): Promise<NamedStrategy> {
  return isFile(source) ? strategyInFile(session, source) : strategyNamed(await session.client(), source)
}

/** What is wrong with a log is told with the file it is in. */
function explained<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RolloutLogError)) throw error
    throw new CommandError(exitCodes.usage, `${path}: ${error.message}`)
  }
}
