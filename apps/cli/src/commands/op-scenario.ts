import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorText } from '@locktender/kube'
import type { Operator } from '@locktender/runtime'
import {
  DocumentError,
  operatorScenario,
  parseSequence,
  type PlanSource,
  programScenario,
  type Scenario,
  sequenceScenario,
} from '@locktender/runtime/explore'
import { ProgramError, ResourceListError } from '@locktender/runtime/once'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { binaryPath } from './op-binary.ts'

/** What runs in an event sequence. */
export interface UnderTest {
  readonly operator?: string
  readonly binary?: string
}

/** A scenario and where it came from. */
export interface LoadedScenario {
  readonly scenario: Scenario
  /** Absolute paths. */
  readonly source: PlanSource
}

/**
 * A scenario as a module exports it, or made from an event sequence and what it is to be run with.
 * @throws CommandError when there is none, saying what is missing
 */
export async function loadScenario(path: string, { operator, binary }: UnderTest): Promise<LoadedScenario> {
  try {
    if (!/\.(ya?ml|json)$/.test(path)) {
      if (operator !== undefined || binary !== undefined) {
        throw usage('--operator and --binary are for event sequences; a scenario has its controllers itself')
      }
      const scenario = await exported<Scenario>(path, 'clusters', 'a scenario: an object with clusters and processes')
      return { scenario, source: { scenario: resolve(path) } }
    }
    const sequence = await sequenceScenario(parseSequence(textOf(path), path), dirname(path))
    const source = { sequence: resolve(path) }
    if (operator !== undefined && binary === undefined) {
      const found = await exported<Operator>(
        operator,
        'controllers',
        'an operator: an object with name and controllers',
      )
      return { scenario: operatorScenario(sequence, found), source: { ...source, operator: resolve(operator) } }
    }
    if (binary !== undefined && operator === undefined) {
      const program = binaryPath(binary)
      const scenario = await programScenario(sequence, basename(program), [program])
      return { scenario, source: { ...source, binary: program } }
    }
    throw usage('say what is to run in the sequence: --operator MODULE, or --binary PROGRAM')
  } catch (error) {
    const isOfInput = [DocumentError, ProgramError, ResourceListError, TypeError].some((type) => error instanceof type)
    if (isOfInput) throw usage(errorText(error))
    throw error
  }
}

/** A source with its paths as seen from another folder. */
export function relativeTo(folder: string, source: PlanSource): PlanSource {
  return mapped(source, (path) => relative(resolve(folder), path))
}

/** A source with its paths as they are seen from here. */
export function resolvedFrom(folder: string, source: PlanSource): PlanSource {
  return mapped(source, (path) => (isAbsolute(path) ? path : join(folder, path)))
}

/** The text of a file. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw usage(`cannot read ${path}: ${errorText(error)}`)
  }
}

function mapped(source: PlanSource, map: (path: string) => string): PlanSource {
  return Object.fromEntries(Object.entries(source as Record<string, string>).map(([name, path]) => [name, map(path)]))
}

/** The default export of a module, or the only one that has the member. */
async function exported<T extends object>(path: string, member: string, what: string): Promise<T> {
  const file = resolve(path)
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new CommandError(exitCodes.notFound, `there is no file ${path}`)
  }
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw usage(`cannot load ${path}: ${errorText(error)}`)
  }
  const isOne = (value: unknown): value is T => typeof value === 'object' && value !== null && member in value
  const found = isOne(module['default']) ? [module['default']] : Object.values(module).filter(isOne)
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw usage(`${path} exports no ${what.replace(/^an? /, '')}`)
  throw usage(`${path} exports several; make one of them the default export`)
}

function usage(message: string): CommandError {
  return new CommandError(exitCodes.usage, message)
}
