import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText } from '@locktender/kube'
import {
  type InputResources,
  inputResourcesFrom,
  type OutputResources,
  readYaml,
  ResourceListError,
  runBinary,
} from '@locktender/runtime/once'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

/** The program of an operator as somebody named it: a path even without a slash in it. */
export function binaryPath(name: string): string {
  const path = resolve(name)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new CommandError(exitCodes.notFound, `there is no program ${name}`)
}

/** What a program declares that it must be given. */
export async function declaredInputs(session: Session, name: string): Promise<InputResources> {
  return asInputs(await printed(session, name, 'input-resources'), name)
}

/** What a program declares that it may write. */
export async function declaredOutputs(session: Session, name: string): Promise<OutputResources> {
  return (await printed(session, name, 'output-resources')) as OutputResources
}

/** A document of inputs in a file. */
export function inputsInFile(path: string): InputResources {
  return asInputs(parsed(readText(path), path), path)
}

function asInputs(document: unknown, source: string): InputResources {
  try {
    return inputResourcesFrom(document)
  } catch (error) {
    if (!(error instanceof ResourceListError)) throw error
    throw new CommandError(exitCodes.usage, `${source}: ${error.message}`)
  }
}

async function printed(session: Session, name: string, command: string): Promise<unknown> {
  const { code, stdout, stderr } = await runBinary(binaryPath(name), [command], { signal: session.signal })
  if (stderr !== '') session.note(stderr.trimEnd())
  if (code !== 0) throw new CommandError(exitCodes.failed, `${name} ${command} failed with exit code ${code}`)
  return parsed(stdout, `${name} ${command}`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandError(exitCodes.usage, `cannot read ${path}: ${errorText(error)}`)
  }
}

function parsed(text: string, source: string): unknown {
  try {
    return readYaml(text)
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${source}: ${errorText(error)}`)
  }
}
