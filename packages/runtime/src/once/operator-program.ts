import { readFileSync } from 'node:fs'
import { ApiError, type Clock, errorText } from '@locktender/kube'
import type { Controller } from '../controller.ts'
import { silentLogger } from '../logger.ts'
import type { Operator } from '../operator.ts'
import { COMPAT, type Compat, MENDED } from './compat.ts'
import { InputDirectory, InputDirectoryError } from './input-directory.ts'
import { answeredFetch } from './once-world.ts'
import { writeOutput } from './output-directory.ts'
import { readYaml } from './read-yaml.ts'
import { inputProblems, inputResources, outputResources, ResourceListError } from './resource-lists.ts'
import { type OnceResult, runOnce, RunOnceError } from './run-once.ts'
import { writeYaml } from './write-yaml.ts'

/** What the program of an operator may touch beside the directories it is given. */
export interface ProgramEdge {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly clock: Clock
}

/** The command line is wrong. */
class UsageError extends Error {}

const USAGE = `usage: input-resources
       output-resources
       apply-configuration --input-dir DIR --output-dir DIR [--controllers NAMES] [--now TIME] [--seed NUMBER]
                           [--answers FILE] [--compat ${Object.keys(COMPAT).join('|')}]
`

/**
 * The three commands of an operator: what it must be given, what it may write, and what it writes given that. Returns
 * the exit code: 0 only when nothing failed and everything was declared.
 */
export async function runOperatorCommand(
  operator: Operator,
  argv: readonly string[],
  edge: ProgramEdge,
): Promise<number> {
  const [command, ...rest] = argv
  try {
    switch (command) {
      case 'input-resources':
        return await printInputs(operator, controllersOf(operator, edge), edge)
      case 'output-resources':
        edge.out(writeYaml(outputResources(operator, controllersOf(operator, edge))))
        return 0
      case 'apply-configuration':
        return await applyConfigurationDirectory(operator, flagsOf(rest), edge)
      default:
        edge.err(USAGE)
        return 1
    }
  } catch (error) {
    if (error instanceof UsageError) edge.err(`error: ${error.message}\n${USAGE}`)
    else if (error instanceof ResourceListError) edge.err(`error: ${error.message}\n`)
    else throw error
    return 1
  }
}

function controllersOf(operator: Operator, edge: ProgramEdge): readonly Controller[] {
  return operator.controllers({ startedAt: edge.clock.now() })
}

async function printInputs(operator: Operator, controllers: readonly Controller[], edge: ProgramEdge): Promise<number> {
  const inputs = inputResources(operator, controllers)
  edge.out(writeYaml(inputs))
  const hasPaths = (inputs.applyConfigurationResources.resourceReferences ?? []).length > 0
  const { jsonPathProblem } = hasPaths ? await import('./json-path.ts') : { jsonPathProblem: () => undefined }
  const problems = inputProblems(inputs, jsonPathProblem)
  for (const problem of problems) edge.err(`error: ${problem}\n`)
  return problems.length === 0 ? 0 : 1
}

interface Flags {
  readonly inputDir: string
  readonly outputDir: string
  readonly controllers: readonly string[]
  readonly now: number | undefined
  readonly seed: number
  readonly answers: string | undefined
  readonly compat: Compat
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt][\d:.]+(?:[Zz]|[-+]\d\d:\d\d)$/

const FLAGS = ['input-dir', 'output-dir', 'controllers', 'now', 'seed', 'answers', 'compat']

function flagsOf(args: readonly string[]): Flags {
  const values = new Map<string, string>()
  for (let index = 0; index < args.length; index++) {
    const [, name, , value] = /^--([a-z-]+)(=([^]*))?$/.exec(args[index]!) ?? []
    if (name === undefined || !FLAGS.includes(name)) throw new UsageError(`there is no flag ${args[index]}`)
    const given = value ?? args[++index]
    if (given === undefined) throw new UsageError(`--${name} needs a value`)
    const earlier = name === 'controllers' ? values.get(name) : undefined
    values.set(name, earlier === undefined ? given : `${earlier},${given}`)
  }
  const required = (name: string) => {
    const value = values.get(name) ?? ''
    if (value === '') throw new UsageError(`--${name} is required`)
    return value
  }
  const now = values.get('now')
  const milliseconds = now === undefined ? undefined : Date.parse(now)
  if (milliseconds !== undefined && (Number.isNaN(milliseconds) || !RFC3339.test(now!))) {
    throw new UsageError(`--now must be a time such as 2026-01-05T08:00:00Z, not ${now}`)
  }
  const seed = values.get('seed') ?? '0'
  if (!/^\d{1,9}$/.test(seed)) throw new UsageError(`--seed must be a whole number, not ${seed}`)
  const level = values.get('compat') ?? 'none'
  const compat = Object.hasOwn(COMPAT, level) ? COMPAT[level]! : undefined
  if (compat === undefined)
    throw new UsageError(`--compat must be one of ${Object.keys(COMPAT).join(', ')}, not ${level}`)
  return {
    inputDir: required('input-dir'),
    outputDir: required('output-dir'),
    controllers: (values.get('controllers') ?? '*').split(',').filter((pattern) => pattern !== ''),
    now: milliseconds,
    seed: Number(seed),
    answers: values.get('answers'),
    compat,
  }
}

async function applyConfigurationDirectory(operator: Operator, flags: Flags, edge: ProgramEdge): Promise<number> {
  const { inputDir, outputDir, compat } = flags
  const options = {
    operator,
    input: new InputDirectory(inputDir),
    now: flags.now ?? edge.clock.now(),
    seed: flags.seed,
    controllers: flags.controllers,
    fetch: answeredFetch(flags.answers === undefined ? [] : answersIn(flags.answers)),
    compat,
    log: silentLogger,
    machineClock: edge.clock,
  }
  let result: OnceResult
  try {
    result = await runOnce(options)
  } catch (error) {
    const isExpected = [RunOnceError, InputDirectoryError, ResourceListError, ApiError].some(
      (type) => error instanceof type,
    )
    if (!isExpected) throw error
    // Who reads the output finds that nothing was done, and not that it is missing.
    writeOutput(outputDir, { requests: new Map(), undeclared: [], results: [] }, MENDED)
    edge.err(`error: ${errorText(error)}\n`)
    return 1
  }
  writeOutput(outputDir, result, compat)
  const count = [...result.requests.values()].reduce((sum, requests) => sum + requests.length, 0)
  const ran = result.results.filter(({ status }) => status !== 'Skipped').length
  edge.out(
    `${ran} of ${result.results.length} controllers of ${operator.name} ran; ${count} writes are in ${outputDir}\n`,
  )
  for (const problem of result.problems) edge.err(`error: ${problem}\n`)
  return result.problems.length === 0 ? 0 : 1
}

/** What is answered to requests outside Kubernetes: a list of url, method, status, headers and body. */
function answersIn(path: string): Parameters<typeof answeredFetch>[0] {
  const document = readAnswers(path)
  if (!Array.isArray(document)) throw new UsageError(`${path}: it must hold a list of answers`)
  return document.map(
    (entry: { url?: unknown; method?: unknown; status?: unknown; headers?: unknown; body?: unknown }) => {
      const { url, method, status = 200, headers = {}, body = '' } = entry
      if (typeof url !== 'string' || typeof status !== 'number' || typeof body !== 'string') {
        throw new UsageError(
          `${path}: an answer needs a url, and may have method, status, headers and a body that is text`,
        )
      }
      return {
        url,
        ...(typeof method === 'string' && { method }),
        answer: { status, headers: headers as Record<string, string>, body },
      }
    },
  )
}

function readAnswers(path: string): unknown {
  try {
    return readYaml(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`--answers ${path}: ${errorText(error)}`)
  }
}
