import { readFile } from 'node:fs/promises'
import { Client, VirtualClock, type KubeObject, type TransportRequest } from '@locktender/kube'
import { CommanderError, type Command } from 'commander'
import { explainError } from '../explain-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { buildProgram } from '../program.ts'

/** What the fake API server answers to one request: a status and an object. */
export interface Answer {
  readonly status?: number
  readonly body: unknown
}

export interface LktResult {
  readonly code: number
  readonly out: string
  readonly notes: string
  /** `METHOD path`, in order. */
  readonly requests: readonly string[]
  /** Bodies of the writes, in order. */
  readonly bodies: readonly unknown[]
}

export interface LktOptions {
  /** By `METHOD path`, without the query; anything else is answered 404. */
  readonly answers?: Readonly<Record<string, Answer>>
  /** Contents by path; other paths are read from the disk. */
  readonly files?: Readonly<Record<string, string>>
}

/** Runs the real program in process, against an API server that is a table of answers, at 2026-01-05T08:00:00Z. */
export async function runLkt(args: readonly string[], options: LktOptions = {}): Promise<LktResult> {
  let [out, notes] = ['', '']
  const requests: string[] = []
  const bodies: unknown[] = []
  const request = ({ method, path, body }: TransportRequest) => {
    const at = `${method} ${path.split('?')[0]}`
    requests.push(`${method} ${path}`)
    if (body !== undefined) bodies.push(JSON.parse(String(body)))
    const answer = options.answers?.[at] ?? { status: 404, body: notFound(at) }
    return Promise.resolve({
      status: answer.status ?? 200,
      headers: { 'content-type': 'application/json' },
      body: once(answer.body),
    })
  }
  let code: number = exitCodes.failed
  const program = buildProgram({
    name: 'lkt',
    version: '0.0.0',
    finish: (given) => (code = given),
    session: () => ({
      client: () => Promise.resolve(new Client({ transport: { request, close: () => Promise.resolve() } })),
      clock: new VirtualClock(),
      now: () => new VirtualClock().now(),
      out: (text) => (out += text),
      note: (text) => (notes += `${text}\n`),
      interactive: false,
      color: false,
      width: undefined,
      readFile: (path) => {
        const known = options.files?.[path]
        return known === undefined ? readFile(path, 'utf8') : Promise.resolve(known)
      },
      signal: new AbortController().signal,
      untilStopped: () => Promise.resolve(),
    }),
  })
  captureUsage(program, (text) => (notes += text))
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    } else {
      const explained = explainError(error)
      code = explained.exitCode
      notes += `${explained.message}\n`
    }
  }
  return { code, out, notes, requests, bodies }
}

export function listOf(...items: readonly KubeObject[]): Answer {
  return { body: { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items } }
}

/** A refusal as the API server words it. */
export function refusal(status: number, reason: string, message: string): Answer {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message } }
}

function notFound(at: string): unknown {
  return refusal(404, 'NotFound', `${at} not found`).body
}

function captureUsage(command: Command, write: (text: string) => void): void {
  command.configureOutput({ writeErr: write, writeOut: write })
  for (const child of command.commands) captureUsage(child, write)
}

async function* once(body: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(JSON.stringify(body))
}
