import { errorText } from '@locktender/kube'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SimulatorOptions, WorldOptions } from '../options.ts'

/** What a data folder says about the simulation in it. */
interface FolderRecord {
  /** See {@link format}. */
  readonly format: number
  readonly world: WorldOptions
  /** Where the clock of the simulation started, milliseconds since the epoch. */
  readonly startedAt: number
  /** Whether its rollout has ended. */
  readonly ended: boolean
}

/** A folder that holds one simulation. */
export interface DataFolder {
  readonly path: string
  /** What is simulated in it: as given, or as found. */
  readonly world: WorldOptions
  readonly startedAt: number
  /** Whether a simulation was found in it. */
  readonly resumed: boolean
}

/** The folder cannot be used, or holds something else than what was asked for. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
}

const recordFile = 'simulation.json'

/** Of what is kept in a folder. Raised when objects in it would not be understood any more. */
const format = 2

/**
 * Opens the folder that the user named, or the default one for these options, and creates what is missing.
 *
 * A simulation in a named folder is continued with the options it was started with. In the default folder one that
 * has ended gives way to a new one, so that the same command shows the same thing again.
 *
 * @throws DataFolderError when the user asks for other options than those of the simulation in the folder
 */
export async function openDataFolder(options: SimulatorOptions, startMs: number): Promise<DataFolder> {
  const path = options.data === undefined ? defaultPath(options) : resolve(options.data)
  await makeFolder(path)
  const record = await readRecord(path)
  const isForeign = record !== undefined && record.format !== format
  if (isForeign && options.data !== undefined) {
    throw new DataFolderError(
      `${path} was made by another version of this program, which keeps things differently. Remove it to start over, or name another folder with --data.`,
    )
  }
  const found = isForeign ? { ...record, ended: true } : record
  if (found !== undefined && !(options.data === undefined && found.ended)) {
    checkSame(path, options, found.world)
    return { path, world: found.world, startedAt: found.startedAt, resumed: true }
  }
  if (found !== undefined) await rm(storePath(path), { recursive: true, force: true })
  const { clusters, seed, failRate, badFix, unsteadyFix = 0, components } = options
  const world: WorldOptions = { clusters, seed, failRate, badFix, unsteadyFix, components }
  await writeRecord(path, { format, world, startedAt: startMs, ended: false })
  return { path, world, startedAt: startMs, resumed: false }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const why = errorText(error)
    throw new DataFolderError(`${path} cannot be used: ${why}. Name a folder that you can write to with --data.`)
  }
}

/** Remembers that the rollout in `folder` has ended. */
export async function recordEnd(folder: DataFolder): Promise<void> {
  await writeRecord(folder.path, { format, world: folder.world, startedAt: folder.startedAt, ended: true })
}

/** Where the API server keeps its objects. */
export function storePath(folder: string): string {
  return join(folder, 'api-server')
}

/** Writes a file that holds credentials: readable by the user alone, replaced as a whole. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  await writeFile(temporary, content, { mode: 0o600 })
  await rename(temporary, path)
}

function defaultPath(options: WorldOptions): string {
  const state = process.env['XDG_STATE_HOME'] ?? ''
  const base = state === '' ? join(homedir(), '.local', 'state') : state
  const { clusters, seed, failRate, badFix, unsteadyFix = 0, components } = options
  const unsteady = unsteadyFix === 0 ? '' : `-${unsteadyFix}`
  return join(base, 'locktender', 'simulator', `${clusters}-${seed}-${failRate}-${badFix}${unsteady}-${components}`)
}

function checkSame(path: string, options: SimulatorOptions, found: WorldOptions): void {
  const different = [...options.given].filter((key) => options[key] !== found[key])
  if (different.length === 0) return
  const list = different.map((key) => `${flagOf(key)} ${found[key]}`).join(' ')
  throw new DataFolderError(
    `${path} holds a simulation that was started with ${list}. Leave these options out to continue it, or name another folder with --data.`,
  )
}

function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

async function readRecord(path: string): Promise<FolderRecord | undefined> {
  const file = join(path, recordFile)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as FolderRecord
  } catch {
    throw new DataFolderError(`${file} is damaged. Remove ${path} to start over, or name another folder with --data.`)
  }
}

function writeRecord(path: string, record: FolderRecord): Promise<void> {
  return writePrivateFile(join(path, recordFile), `${JSON.stringify(record, undefined, 2)}\n`)
}
