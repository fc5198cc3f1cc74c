import { dirname } from 'node:path'
import { DocumentError, isSameFailure, parsePlan, timeline, withoutSteps } from '@locktender/runtime/explore'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type OutputFormat, printDocument } from '../output.ts'
import type { Session } from '../session.ts'
import { opened } from './op-explore.ts'
import { loadScenario, resolvedFrom, textOf, type UnderTest } from './op-scenario.ts'

export interface OpReplayOptions extends UnderTest {
  /** Instead of the scenario or sequence that the plan names. */
  readonly scenario?: string
  readonly all: boolean
  readonly output: OutputFormat
}

/** Runs the schedule of a plan again and tells what happens; the exit code says whether it still goes wrong. */
export async function opReplay(session: Session, file: string, options: OpReplayOptions): Promise<ExitCode> {
  const plan = planIn(file)
  const source = resolvedFrom(dirname(file), plan.source ?? {})
  const path = options.scenario ?? source.sequence ?? source.scenario
  if (path === undefined) {
    throw new CommandError(exitCodes.usage, `${file} does not say of which scenario it is: name it with --scenario`)
  }
  const given = options.operator !== undefined || options.binary !== undefined
  const { scenario } = await loadScenario(path, given ? options : source)
  const replay = await (await opened(withoutSteps(scenario, plan.withoutSteps))).replay(plan)
  const isFailing = replay.findings.some((finding) => isSameFailure(finding, plan))
  if (options.output === 'json' || options.output === 'yaml') {
    printDocument(session, options.output, {
      apiVersion: 'cli.locktender.dev/v1',
      kind: 'Replay',
      scenario: scenario.name,
      fails: isFailing,
      findings: replay.findings,
      trace: replay.trace,
    })
  } else {
    session.out(timeline(plan, replay, { all: options.all }))
  }
  if (!isFailing) session.note(`it does not fail by the oracle ${plan.oracle} any more`)
  return isFailing ? exitCodes.failed : exitCodes.done
}

function planIn(file: string) {
  try {
    return parsePlan(textOf(file), file)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new CommandError(exitCodes.usage, error.message)
  }
}
