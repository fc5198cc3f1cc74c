import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { errorText, timestamp } from '@locktender/kube'
import { MENDED } from './compat.ts'
import { type BinaryOptions, type BinaryResult, runBinary } from './edge/operator-binary.ts'
import { OutputDirectoryError, readOutput, type RunOutput } from './output-directory.ts'
import { readYaml } from './read-yaml.ts'
import {
  inputProblems,
  type InputResources,
  inputResourcesFrom,
  type OutputResources,
  outputResourcesFrom,
} from './resource-lists.ts'

/** The program of an operator, in whatever language it is written: the three commands of the published contract. */
export interface OperatorProgram {
  /**
   * What it must be given.
   * @throws ProgramError when it does not say so, or not in the published words
   */
  inputResources(signal?: AbortSignal): Promise<InputResources>
  /**
   * What it may write.
   * @throws ProgramError as above
   */
  outputResources(signal?: AbortSignal): Promise<OutputResources>
  /**
   * Runs it once over `files`, which have the layout of a must-gather.
   * @throws ProgramError when it cannot be started
   */
  apply(files: ReadonlyMap<string, string>, options: ApplyOptions): Promise<ProgramRun>
}

export interface ApplyOptions {
  /** What time it is for the operator, in milliseconds since the epoch. */
  readonly now: number
  readonly signal?: AbortSignal
}

/** How one run ended. */
export interface ProgramRun {
  /** What it left behind; absent when that is not complete or cannot be read, and then nothing of it counts. */
  readonly output?: RunOutput
  /** Why the run failed, in the words of the program where it said any; absent when it did not. */
  readonly problem?: string
}

export interface ProgramOptions {
  /** Program and arguments that go before those of the contract: `['node', 'operator.js']`. */
  readonly command: readonly string[]
  /** Which of its controllers run: `*`, `name`, `-name`. @default all */
  readonly controllers?: readonly string[]
  /** After this time it is killed, in milliseconds. @default 60_000 */
  readonly timeLimitMs?: number
  /** Variables it needs beside PATH, TZ and LANG. */
  readonly environment?: Readonly<Record<string, string>>
  /** How its program is run. @default as a process beside this one */
  readonly run?: typeof runBinary
}

/** A program does not keep the contract. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
}

const TIME_LIMIT_MS = 60_000
/** More than any sensible set of requests. */
const OUTPUT_FILES = 20_000
const OUTPUT_BYTES = 64 * 1024 * 1024
/** Of what a program complains, the end counts. */
const COMPLAINT_LENGTH = 2000

/**
 * The operator that is run by a command. Each run has a private folder of its own that is gone afterwards, and an
 * environment without what this process knows.
 */
export function operatorProgram(options: ProgramOptions): OperatorProgram {
  const { command, controllers, timeLimitMs = TIME_LIMIT_MS, environment = {}, run: runner = runBinary } = options
  const [path, ...before] = command
  if (path === undefined) throw new TypeError('a program needs a command')
  const run = async (args: readonly string[], given: BinaryOptions): Promise<BinaryResult> => {
    try {
      return await runner(path, [...before, ...args], { ...given, timeoutMs: timeLimitMs, environment })
    } catch (error) {
      throw new ProgramError(errorText(error))
    }
  }
  const printed = async <T>(name: string, read: (document: unknown) => T, signal?: AbortSignal): Promise<T> => {
    const result = await run([name], signal === undefined ? {} : { signal })
    const problem = problemOf(result, timeLimitMs)
    if (problem !== undefined) throw new ProgramError(`${name} ${problem}`)
    try {
      return read(readYaml(result.stdout))
    } catch (error) {
      throw new ProgramError(`${name} printed what cannot be used: ${firstLine(errorText(error))}`)
    }
  }
  return {
    async inputResources(signal) {
      const inputs = await printed('input-resources', inputResourcesFrom, signal)
      const hasPaths = (inputs.applyConfigurationResources.resourceReferences ?? []).length > 0
      const { jsonPathProblem } = hasPaths ? await import('./json-path.ts') : { jsonPathProblem: () => undefined }
      const problems = inputProblems(inputs, jsonPathProblem)
      if (problems.length > 0) throw new ProgramError(`input-resources cannot be used: ${problems.join('; ')}`)
      return inputs
    },
    outputResources: (signal) => printed('output-resources', outputResourcesFrom, signal),
    async apply(files, { now, signal }) {
      const folder = mkdtempSync(join(tmpdir(), 'operator-run-'))
      try {
        const [input, output] = [join(folder, 'input'), join(folder, 'output')]
        writeFiles(input, files)
        const args = [
          'apply-configuration',
          `--input-dir=${input}`,
          `--output-dir=${output}`,
          `--now=${timestamp(now)}`,
          ...(controllers === undefined ? [] : [`--controllers=${controllers.join(',')}`]),
        ]
        const result = await run(args, signal === undefined ? {} : { signal })
        return outcome(result, output, timeLimitMs)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

function outcome(result: BinaryResult, folder: string, timeLimitMs: number): ProgramRun {
  const problem = problemOf(result, timeLimitMs)
  // Who was killed or died half-way has written half of what it wanted.
  if (result.killedFor !== undefined) return { problem: problem! }
  try {
    checkSize(folder)
    const output = readOutput(folder, MENDED)
    if (output.results === undefined) throw new OutputDirectoryError('it left no controller-results.yaml behind')
    return { output, ...(problem !== undefined && { problem }) }
  } catch (error) {
    const why = firstLine(errorText(error)).replaceAll(folder, 'its output')
    return { problem: problem ?? `left behind what cannot be used: ${why}` }
  }
}

/** What went wrong, to be read after the name of the command; undefined when nothing did. */
function problemOf({ code, stderr, killedFor }: BinaryResult, timeLimitMs: number): string | undefined {
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim().slice(-COMPLAINT_LENGTH)}`
  if (killedFor === 'time') return `was not done after ${timeLimitMs / 1000} s and was killed${said}`
  if (killedFor === 'output') return 'said too much and was killed'
  if (killedFor === 'signal') return 'was stopped'
  if (code === -1) return `was killed by somebody else${said}`
  return code === 0 ? undefined : `failed with exit code ${code}${said}`
}

function writeFiles(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder)
  for (const [file, text] of files) {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

/** @throws OutputDirectoryError when reading it would take too long, or for ever as with a pipe */
function checkSize(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new OutputDirectoryError('it left no output behind')
  }
  let files = 0
  let bytes = 0
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name)
      files++
      if (entry.isDirectory()) walk(below)
      else if (entry.isFile()) bytes += lstatSync(below).size
      else throw new OutputDirectoryError(`${below}: it is neither file nor folder`)
      if (files > OUTPUT_FILES || bytes > OUTPUT_BYTES) {
        const limit = `${OUTPUT_FILES} files and ${OUTPUT_BYTES / 1024 / 1024} MiB`
        throw new OutputDirectoryError(`it has more than ${limit}`)
      }
    }
  }
  walk(folder)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
