import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorText, isObject, type Json } from '@locktender/kube'
import { compareOutput, describeOutputDifference } from './compare-output.ts'
import { MENDED } from './compat.ts'
import type { BinaryOptions, BinaryResult } from './edge/operator-binary.ts'
import { OutputDirectoryError, readOutput } from './output-directory.ts'
import { readYaml } from './read-yaml.ts'

/** A test of an operator: a folder with a `test.yaml`, an `input-dir` and an `expected-output`. */
export interface OperatorTest {
  readonly directory: string
  readonly testName: string
  readonly description: string
  /** Program to run, as the test calls it. */
  readonly binaryName: string
  readonly controllers: readonly string[]
  /** RFC 3339; absent for the time of the run. */
  readonly now?: string
  /** Whether the program must fail. */
  readonly mustFail: boolean
}

/** What came of a test: nothing to say when it passed. */
export interface TestOutcome {
  readonly test: OperatorTest
  /** For people, one of one or more lines for each thing that is not as expected. */
  readonly failures: readonly string[]
  readonly seconds: number
}

/** Runs a program with arguments. */
export type RunBinary = (path: string, args: readonly string[], options: BinaryOptions) => Promise<BinaryResult>

/** A `test.yaml` cannot be used. */
export class TestDirectoryError extends Error {
  override readonly name = 'TestDirectoryError'
}

const TEST_FILE = 'test.yaml'
const INPUT = 'input-dir'
const EXPECTED = 'expected-output'
/** As in the published runner. */
const TIME_LIMIT_MS = 5000

/** The tests in a folder and those below it, by path. */
export function findTests(folder: string): OperatorTest[] {
  if (!existsSync(folder)) throw new TestDirectoryError(`${folder}: there is no such folder`)
  return globSync(`**/${TEST_FILE}`, { cwd: folder })
    .map((file) => join(folder, dirname(file)))
    .sort()
    .map(readTest)
}

/** Name of a test in reports, as the published runner makes it. */
export function caseName({ testName, binaryName, controllers, directory }: OperatorTest): string {
  return `${testName} [Binary:${JSON.stringify(binaryName)}] [Controllers:[${controllers.join(' ')}]] [Directory:${JSON.stringify(directory)}]`
}

/**
 * Runs a test: its program over its inputs, compared with what is expected. The output, with the two logs, stays in
 * `output`, which is emptied first.
 */
export async function runTest(
  test: OperatorTest,
  { binary, output, run, now }: { binary: string; output: string; run: RunBinary; now: () => number },
): Promise<TestOutcome> {
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  const begun = now()
  const failures = await failuresOf(test, binary, output, run)
  return { test, failures, seconds: (now() - begun) / 1000 }
}

/** Makes the output of a run what is expected from now on. */
export function expectOutput(test: OperatorTest, output: string): void {
  const expected = join(test.directory, EXPECTED)
  rmSync(expected, { recursive: true, force: true })
  const isLog = (path: string) => path === join(output, 'stdout.log') || path === join(output, 'stderr.log')
  cpSync(output, expected, { recursive: true, filter: (path) => !isLog(path) })
}

async function failuresOf(test: OperatorTest, binary: string, output: string, run: RunBinary): Promise<string[]> {
  const args = [
    'apply-configuration',
    `--input-dir=${join(test.directory, INPUT)}`,
    `--output-dir=${output}`,
    ...(test.now === undefined ? [] : [`--now=${test.now}`]),
    ...(test.controllers.length === 0 ? [] : [`--controllers=${test.controllers.join(',')}`]),
  ]
  let result: BinaryResult
  try {
    result = await run(binary, args, { timeoutMs: TIME_LIMIT_MS })
  } catch (error) {
    return [errorText(error)]
  }
  const { code, stdout, stderr, killedFor } = result
  writeFileSync(join(output, 'stdout.log'), stdout)
  writeFileSync(join(output, 'stderr.log'), stderr)
  const failures: string[] = []
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`
  if (killedFor === 'time') failures.push(`${binary} was not done after ${TIME_LIMIT_MS / 1000} s${said}`)
  else if (test.mustFail && code === 0) failures.push(`${binary} was expected to fail and did not`)
  else if (!test.mustFail && code !== 0) failures.push(`${binary} failed with exit code ${code}${said}`)
  try {
    const expected = readOutput(join(test.directory, EXPECTED), MENDED)
    failures.push(...compareOutput(expected, readOutput(output, MENDED)).map(describeOutputDifference))
  } catch (error) {
    if (!(error instanceof OutputDirectoryError)) throw error
    failures.push(error.message)
  }
  return failures
}

function readTest(directory: string): OperatorTest {
  const file = join(directory, TEST_FILE)
  const fail = (why: string) => new TestDirectoryError(`${file}: ${why}`)
  let document: Json
  try {
    document = readYaml(readFileSync(file, 'utf8')) as Json
  } catch (error) {
    throw fail(errorText(error))
  }
  if (!isObject(document)) throw fail('it holds no test')
  const text = (name: string) => {
    const value = document[name] ?? ''
    if (typeof value !== 'string') throw fail(`${name} must be a text`)
    return value.trim()
  }
  const [binaryName, now, desiredError] = [text('binaryName'), text('now'), text('desiredError')]
  const type = text('testType')
  const controllers = document['controllers'] ?? []
  if (binaryName === '') throw fail('binaryName is required: the path of the program to run')
  if (type !== 'ApplyConfiguration') throw fail(`testType must be ApplyConfiguration, not ${JSON.stringify(type)}`)
  if (desiredError !== '' && desiredError !== 'NonZeroReturn') {
    throw fail(`desiredError must be empty or NonZeroReturn, not ${JSON.stringify(desiredError)}`)
  }
  if (!Array.isArray(controllers) || !controllers.every((name) => typeof name === 'string')) {
    throw fail('controllers must be a list of names')
  }
  return {
    directory,
    testName: text('testName'),
    description: text('description'),
    binaryName,
    controllers,
    ...(now !== '' && { now }),
    mustFail: desiredError !== '',
  }
}
