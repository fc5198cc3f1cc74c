import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { errorText, isObject, type Json } from '@locktender/kube'
import type { Compat } from './compat.ts'
import { fileSafe, resourceFolder } from './layout.ts'
import { readYaml } from './read-yaml.ts'
import {
  type Action,
  ACTIONS,
  type Destination,
  DESTINATIONS,
  type RecordedRequest,
  requestHash,
  requestMetadata,
  UNDECLARED,
} from './recorded-request.ts'
import { writeYaml } from './write-yaml.ts'

export type ControllerStatus = 'Unknown' | 'Succeeded' | 'Skipped' | 'Failed' | 'Panicked'

/** How a controller fared. */
export interface ControllerResult {
  readonly controllerName: string
  readonly status: ControllerStatus
  readonly errors?: readonly { readonly message: string }[]
  readonly panicStack?: string
}

/** All that a run of `apply-configuration` leaves behind. */
export interface RunOutput {
  readonly requests: ReadonlyMap<Destination, readonly RecordedRequest[]>
  /** Requests that the operator does not declare. */
  readonly undeclared: readonly RecordedRequest[]
  /** Absent when there is no file of results. */
  readonly results?: readonly ControllerResult[]
  readonly stdout: string
  readonly stderr: string
}

/** A directory is not what a run leaves behind. */
export class OutputDirectoryError extends Error {
  override readonly name = 'OutputDirectoryError'
}

const RESULTS = 'controller-results.yaml'
const LOGS = ['stdout.log', 'stderr.log'] as const
/** Of logs only the end is kept: 512 KiB. */
const LOG_BYTES = 512 * 1024

/**
 * The files of requests by their path below the folder of a destination. Requests with equal hashes and names get
 * longer hashes, and equal requests a number, unless `compat` lets the later one win.
 */
export function requestFiles(
  requests: readonly RecordedRequest[],
  compat: Pick<Compat, 'hashesCollide' | 'nameIsMisspelt'>,
): Map<string, string> {
  const files = new Map<string, string>()
  for (const request of requests) {
    const folder = posix.join(request.action, resourceFolder(request))
    const name = fileSafe(request.name + request.generateName)
    const path = (prefix: string, part: string) => `${folder}/${prefix}-${part}-${name}.yaml`
    let prefix = requestHash(request)
    if (!compat.hashesCollide && files.has(path(prefix, 'metadata'))) {
      const content = request.body === '' ? 'options' : 'body'
      if (files.get(path(prefix, content)) !== (request.body === '' ? request.options : request.body)) {
        prefix = requestHash(request, 16)
      }
      const first = prefix
      for (let count = 2; files.has(path(prefix, 'metadata')); count++) prefix = `${first}_${count}`
    }
    files.set(path(prefix, 'metadata'), requestMetadata(request, compat))
    files.set(path(prefix, 'body'), request.body)
    if (request.options === '') files.delete(path(prefix, 'options'))
    else files.set(path(prefix, 'options'), request.options)
  }
  return files
}

/** The file of results, sorted by the names of controllers. */
export function resultsText(results: readonly ControllerResult[]): string {
  const sorted = results.toSorted((left, right) => compareText(left.controllerName, right.controllerName))
  return writeYaml({
    controllerResults: sorted.map(({ controllerName, status, errors, panicStack }) => ({
      controllerName,
      status,
      ...(errors !== undefined && errors.length > 0 && { errors }),
      ...(panicStack !== undefined && panicStack !== '' && { panicStack }),
    })),
  })
}

/** Writes what a run left behind below `path`, which is made. */
export function writeOutput(
  path: string,
  output: Pick<RunOutput, 'requests' | 'undeclared' | 'results'>,
  compat: Pick<Compat, 'hashesCollide' | 'nameIsMisspelt'>,
): void {
  mkdirSync(path, { recursive: true })
  const made = new Set<string>()
  const write = (file: string, text: string) => {
    const folder = dirname(file)
    if (!made.has(folder)) mkdirSync(folder, { recursive: true })
    made.add(folder)
    writeFileSync(file, text)
  }
  for (const [folder, requests] of [...output.requests, [UNDECLARED, output.undeclared] as const]) {
    for (const [file, text] of requestFiles(requests, compat)) write(join(path, folder, file), text)
  }
  if (output.results !== undefined) write(join(path, RESULTS), resultsText(output.results))
}

/**
 * Reads what a run left behind, of this or another implementation.
 * @throws OutputDirectoryError for anything else in the directory
 */
export function readOutput(path: string, compat: Pick<Compat, 'undeclaredIsUnreadable'>): RunOutput {
  const requests = new Map<Destination, readonly RecordedRequest[]>()
  let undeclared: readonly RecordedRequest[] = []
  let results: readonly ControllerResult[] | undefined
  const logs = { 'stdout.log': '', 'stderr.log': '' }
  if (!existsSync(path)) throw new OutputDirectoryError(`${path}: there is no such directory`)
  for (const entry of readdirSync(path).sort()) {
    const file = join(path, entry)
    if ((DESTINATIONS as readonly string[]).includes(entry)) requests.set(entry as Destination, readRequests(file))
    else if (entry === UNDECLARED && !compat.undeclaredIsUnreadable) undeclared = readRequests(file)
    else if (entry === RESULTS) results = readResults(file)
    else if ((LOGS as readonly string[]).includes(entry)) {
      logs[entry as (typeof LOGS)[number]] = readFileSync(file).subarray(-LOG_BYTES).toString('utf8')
    } else throw new OutputDirectoryError(`${file}: a run leaves nothing of this name behind`)
  }
  const output = { requests, undeclared, stdout: logs['stdout.log'], stderr: logs['stderr.log'] }
  return results === undefined ? output : { ...output, results }
}

/** Requests below `path`, in their order where it was recorded and otherwise in that of the files. */
function readRequests(path: string): RecordedRequest[] {
  const requests = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(path, file)).isFile())
    .sort()
    .flatMap((file) => {
      const [, prefix, part, rest] = /^(.*?)-(metadata|body|options)-([^/]*)$/.exec(baseName(file)) ?? []
      if (part === undefined) throw new OutputDirectoryError(`${join(path, file)}: no file of a request`)
      if (part !== 'metadata') return []
      const beside = (other: string) => join(path, dirname(file), `${prefix}-${other}-${rest}`)
      return [readRequest(join(path, file), beside('body'), beside('options'))]
    })
  return requests.toSorted((left, right) => (left.sequence ?? 0) - (right.sequence ?? 0))
}

function readRequest(file: string, bodyFile: string, optionsFile: string): RecordedRequest {
  const fail = (why: string) => new OutputDirectoryError(`${file}: ${why}`)
  const metadata = parsed(file)
  const type = isObject(metadata) ? metadata['resourceType'] : undefined
  if (!isObject(metadata) || !isObject(type)) throw fail('it says nothing of a resource')
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : '')
  const action = text(metadata['action'])
  if (!(ACTIONS as readonly string[]).includes(action)) throw fail(`there is no action ${JSON.stringify(action)}`)
  const [patchType, fieldManager] = [text(metadata['patchType']), text(metadata['fieldManager'])]
  const { sequence } = metadata
  return {
    action: action as Action,
    group: text(type['Group']),
    version: text(type['Version']),
    plural: text(type['Resource']),
    namespace: text(metadata['namespace']),
    // Older writers misspell it.
    name: text(metadata['name'] ?? metadata['mame']),
    generateName: text(metadata['generateName']),
    ...(patchType !== '' && { patchType }),
    ...(fieldManager !== '' && { fieldManager }),
    controller: text(metadata['controllerInstanceName']),
    ...(typeof sequence === 'number' && { sequence }),
    body: existsSync(bodyFile) ? readFileSync(bodyFile, 'utf8') : '',
    options: existsSync(optionsFile) ? readFileSync(optionsFile, 'utf8') : '',
  }
}

function readResults(file: string): ControllerResult[] {
  const document = parsed(file)
  const results = isObject(document) ? (document['controllerResults'] ?? []) : undefined
  if (!Array.isArray(results)) throw new OutputDirectoryError(`${file}: it holds no controllerResults`)
  return results as unknown as ControllerResult[]
}

function parsed(file: string): Json {
  try {
    return readYaml(readFileSync(file, 'utf8')) as Json
  } catch (error) {
    throw new OutputDirectoryError(`${file}: ${errorText(error)}`)
  }
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
