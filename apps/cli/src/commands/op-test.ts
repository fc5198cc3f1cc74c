import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import {
  caseName,
  expectOutput,
  findTests,
  type OperatorTest,
  runBinary,
  runTest,
  TestDirectoryError,
  type TestOutcome,
} from '@locktender/runtime/once'
import type { Builder } from 'junit-report-builder'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type OutputFormat, printDocument } from '../output.ts'
import type { Session } from '../session.ts'

export interface OpTestOptions {
  readonly outputDir?: string
  readonly update: boolean
  /** Which output stays: of no test, of those that failed, or of all. */
  readonly preserve: 'never' | 'failed' | 'always'
  readonly junit?: string
  /** `NAME=PATH`: the program to run where a test names another. */
  readonly binary?: readonly string[]
  readonly output: OutputFormat
}

/** Runs the tests of operators in a folder and below it. */
export async function opTest(session: Session, folder: string, options: OpTestOptions): Promise<ExitCode> {
  const tests = found(folder)
  if (tests.length === 0) throw new CommandError(exitCodes.notFound, `there is no test.yaml in ${folder} or below`)
  const programs = programsOf(options.binary ?? [])
  const isText = options.output === 'table' || options.output === 'wide'
  const [output, prepared] = timed(session, () => prepareOutput(options.outputDir))
  const outcomes: TestOutcome[] = []
  let isKept = false
  for (const test of tests) {
    const binary = programs.get(test.binaryName) ?? resolve(test.binaryName)
    const place = join(output, relative(folder, test.directory) || 'test')
    const run = (path: string, args: readonly string[], limits: { timeoutMs?: number }) =>
      runBinary(path, args, { ...limits, signal: session.signal })
    const now = () => session.clock.now()
    const outcome = await runTest(test, { binary, output: place, run, now })
    outcomes.push(outcome)
    const isFailed = outcome.failures.length > 0
    if (options.update && isFailed) expectOutput(test, place)
    if (isText) session.out(described(outcome, options.update))
    const stays = options.preserve === 'always' || (options.preserve === 'failed' && isFailed && !options.update)
    isKept ||= stays
    if (!stays) rmSync(place, { recursive: true, force: true })
    else if (isText) session.out(`  output: ${place}\n`)
  }
  if (options.outputDir === undefined && !isKept) rmSync(output, { recursive: true, force: true })
  const junit = options.junit ?? (options.outputDir === undefined ? undefined : join(output, 'junit.xml'))
  if (junit !== undefined) await writeJunit(junit, outcomes, prepared)
  const failed = outcomes.filter(({ failures }) => failures.length > 0).length
  if (isText) session.out(summary(outcomes.length, failed, options.update))
  else if (options.output === 'name') for (const { test } of outcomes) session.out(`${test.directory}\n`)
  else printDocument(session, options.output, documentOf(outcomes))
  return failed === 0 || options.update ? exitCodes.done : exitCodes.failed
}

function found(folder: string): OperatorTest[] {
  try {
    return findTests(folder)
  } catch (error) {
    if (!(error instanceof TestDirectoryError)) throw error
    throw new CommandError(exitCodes.usage, error.message)
  }
}

function programsOf(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at < 1 || at === text.length - 1) {
        throw new CommandError(exitCodes.usage, `--binary takes NAME=PATH, not ${text}`)
      }
      return [text.slice(0, at), resolve(text.slice(at + 1))]
    }),
  )
}

/** Empties the folder for output, which is made. */
function prepareOutput(folder: string | undefined): string {
  if (folder === undefined) return mkdtempSync(join(tmpdir(), 'lkt-op-test-'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

function timed<T>(session: Session, work: () => T): [T, number] {
  const begun = session.clock.now()
  const result = work()
  return [result, (session.clock.now() - begun) / 1000]
}

function described({ test, failures }: TestOutcome, isUpdate: boolean): string {
  const verdict = failures.length === 0 ? 'ok' : isUpdate ? 'updated' : 'FAILED'
  const lines = failures.flatMap((failure) => failure.split('\n').map((line) => `  ${line}\n`))
  return `${verdict.padEnd(8)} ${test.testName} (${test.directory})\n${lines.join('')}`
}

function summary(count: number, failed: number, isUpdate: boolean): string {
  const tests = `${count} ${count === 1 ? 'test' : 'tests'}`
  if (failed === 0) return `${tests}, all passed\n`
  return isUpdate ? `${tests}, ${failed} updated\n` : `${tests}, ${failed} failed\n`
}

function documentOf(outcomes: readonly TestOutcome[]): object {
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'OperatorTestReport',
    tests: outcomes.map(({ test, failures, seconds }) => ({
      name: test.testName,
      directory: test.directory,
      passed: failures.length === 0,
      seconds,
      failures,
    })),
  }
}

/** The report of the published runner: two cases of preparation, then one for each test. */
async function writeJunit(path: string, outcomes: readonly TestOutcome[], prepared: number): Promise<void> {
  // Its types say it is one `default` deeper than it is.
  const { default: builder } = (await import('junit-report-builder')) as unknown as { default: Builder }
  const report = builder.newBuilder()
  const suite = report.testSuite().name('apply-configuration')
  for (const name of ['remove output directory', 'ensure output directory']) {
    suite.testCase().name(name).time(Math.floor(prepared))
  }
  for (const { test, failures, seconds } of outcomes) {
    const testCase = suite.testCase().name(caseName(test)).time(Math.floor(seconds))
    if (failures.length === 0) continue
    const message = `expected results mismatch ${failures.length} times with actual results`
    testCase.failure(message).stacktrace(failures.join('\n'))
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, report.build())
}
