import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ControllerResult,
  DESTINATIONS,
  MENDED,
  readOutput,
  type RecordedRequest,
  runBinary,
  type RunOutput,
  UNDECLARED,
} from '@locktender/runtime/once'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type Column, type OutputFormat, printDocument, renderTable } from '../output.ts'
import type { Session } from '../session.ts'
import { binaryPath } from './op-binary.ts'

export interface OpRunOptions {
  readonly inputDir: string
  /** Kept there instead of thrown away. */
  readonly outputDir?: string
  readonly controllers?: string
  readonly now?: string
  readonly output: OutputFormat
}

interface Write {
  readonly destination: string
  readonly request: RecordedRequest
}

/** What `lkt op run -o json` prints. Fields may be added, never changed. */
export interface OpRunDocument {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'OperatorRun'
  readonly exitCode: number
  readonly controllers: readonly ControllerResult[]
  readonly writes: readonly {
    readonly destination: string
    readonly controller: string
    readonly action: string
    readonly group: string
    readonly version: string
    readonly resource: string
    readonly namespace: string
    readonly name: string
    readonly generateName: string
  }[]
}

const COLUMNS: readonly Column<Write>[] = [
  { title: 'DESTINATION', cell: ({ destination }) => destination },
  { title: 'ACTION', cell: ({ request }) => request.action },
  { title: 'RESOURCE', cell: ({ request: { group, plural } }) => (group === '' ? plural : `${plural}.${group}`) },
  { title: 'NAMESPACE', cell: ({ request }) => request.namespace },
  { title: 'NAME', cell: ({ request: { name, generateName } }) => (name === '' ? `${generateName}*` : name) },
  { title: 'CONTROLLER', cell: ({ request }) => request.controller },
  { title: 'FIELD MANAGER', wide: true, cell: ({ request }) => request.fieldManager },
]

/** Runs an operator over a directory of manifests and shows what it would write. */
export async function opRun(session: Session, binary: string, options: OpRunOptions): Promise<ExitCode> {
  const { inputDir, outputDir, controllers, now } = options
  if (statSync(inputDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CommandError(exitCodes.notFound, `there is no folder ${inputDir}`)
  }
  const program = binaryPath(binary)
  const folder = outputDir ?? mkdtempSync(join(tmpdir(), 'lkt-op-'))
  try {
    const args = [
      'apply-configuration',
      `--input-dir=${inputDir}`,
      `--output-dir=${folder}`,
      ...(controllers === undefined ? [] : [`--controllers=${controllers}`]),
      ...(now === undefined ? [] : [`--now=${now}`]),
    ]
    const { code, stderr } = await runBinary(program, args, { signal: session.signal })
    if (stderr.trim() !== '') session.note(stderr.trimEnd())
    print(session, options.output, readOutput(folder, MENDED), code)
    return code === 0 ? exitCodes.done : exitCodes.failed
  } finally {
    if (outputDir === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function print(session: Session, format: OutputFormat, output: RunOutput, exitCode: number): void {
  const writes: Write[] = [
    ...DESTINATIONS.flatMap((destination) =>
      (output.requests.get(destination) ?? []).map((request) => ({ destination, request })),
    ),
    ...output.undeclared.map((request) => ({ destination: UNDECLARED, request })),
  ].toSorted((left, right) => (left.request.sequence ?? 0) - (right.request.sequence ?? 0))
  if (format === 'json' || format === 'yaml') {
    printDocument(session, format, documentOf(writes, output.results ?? [], exitCode))
    return
  }
  if (format === 'name') {
    for (const { request } of writes) session.out(`${request.plural}/${request.name}\n`)
    return
  }
  if (writes.length === 0) session.note('No writes')
  else session.out(renderTable(COLUMNS, writes, format === 'wide'))
}

function documentOf(
  writes: readonly Write[],
  controllers: readonly ControllerResult[],
  exitCode: number,
): OpRunDocument {
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'OperatorRun',
    exitCode,
    controllers,
    writes: writes.map(({ destination, request }) => ({
      destination,
      controller: request.controller,
      action: request.action,
      group: request.group,
      version: request.version,
      resource: request.plural,
      namespace: request.namespace,
      name: request.name,
      generateName: request.generateName,
    })),
  }
}
