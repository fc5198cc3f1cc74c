import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ApiError, errorText } from '@locktender/kube'
import { InputDirectory, InputDirectoryError, prune, ResourceListError } from '@locktender/runtime/once'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { declaredInputs, inputsInFile } from './op-binary.ts'

export interface OpMinimiseOptions {
  readonly mustGatherDir: string
  readonly outputDir: string
  /** A document of inputs; without it, the program is asked. */
  readonly inputResources?: string
  readonly binary?: string
}

/** Takes from a must-gather what an operator declares that it must be given, and nothing else. */
export async function opMinimise(session: Session, options: OpMinimiseOptions): Promise<void> {
  const { mustGatherDir, outputDir, inputResources, binary } = options
  if ((inputResources === undefined) === (binary === undefined)) {
    throw new CommandError(exitCodes.usage, 'say what to keep: either with --input-resources or with --binary')
  }
  if (statSync(mustGatherDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CommandError(exitCodes.notFound, `there is no folder ${mustGatherDir}`)
  }
  const inputs = inputResources === undefined ? await declaredInputs(session, binary!) : inputsInFile(inputResources)
  const files = await explained(() => prune(new InputDirectory(mustGatherDir), inputs))
  mkdirSync(outputDir, { recursive: true })
  for (const [file, text] of files) {
    mkdirSync(dirname(join(outputDir, file)), { recursive: true })
    writeFileSync(join(outputDir, file), text)
    session.out(`${file}\n`)
  }
  if (files.size === 0) session.note('Nothing of what is declared is in there')
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isExpected = [InputDirectoryError, ResourceListError, ApiError].some((type) => error instanceof type)
    throw isExpected ? new CommandError(exitCodes.usage, errorText(error)) : error
  }
}
