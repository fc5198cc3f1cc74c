import { spawn } from 'node:child_process'

/** What the program of an operator is given beside its arguments. */
export interface BinaryOptions {
  /** Folder to run in. @default that of this process */
  readonly cwd?: string
  /** After this time it is killed. @default no limit */
  readonly timeoutMs?: number
  /** More output than this, in bytes of both streams, ends it. @default 64 MiB: only what runs in circles says so much */
  readonly outputBytes?: number
  /**
   * Variables of its environment, beside those that every program needs (`PATH`, `TZ`, `LANG`): what else this process
   * knows, such as credentials, is kept from it. @default the environment of this process
   */
  readonly environment?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** How a program ended. */
export interface BinaryResult {
  /** Exit code; -1 when it was killed. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Why this process killed it. */
  readonly killedFor?: 'time' | 'output' | 'signal'
}

const OUTPUT_BYTES = 64 * 1024 * 1024
/** Without these a program does not find others, and tells times and texts otherwise than people expect. */
const NEEDED_VARIABLES = ['PATH', 'TZ', 'LANG', 'LC_ALL']

/**
 * Runs a program of the published contract to its end; any exit code is a result. What it started and left behind is
 * killed with it.
 *
 * @throws Error when it cannot be started
 */
export function runBinary(path: string, args: readonly string[], options: BinaryOptions = {}): Promise<BinaryResult> {
  const { cwd, timeoutMs, outputBytes = OUTPUT_BYTES, environment, signal } = options
  return new Promise((resolve, reject) => {
    // A process group of its own, so that its children can be killed with it.
    const child = spawn(path, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(environment && { env: { ...neededVariables(), ...environment } }),
    })
    let killedFor: BinaryResult['killedFor']
    const kill = (reason: NonNullable<BinaryResult['killedFor']>) => {
      killedFor ??= reason
      killGroup(child.pid)
    }
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => kill('time'), timeoutMs)
    const onAbort = () => kill('signal')
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    let bytes = 0
    const texts: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > outputBytes) kill('output')
        else texts[stream].push(chunk)
      })
    }
    child.on('error', (error) => {
      end()
      reject(new Error(`cannot run ${path}: ${error.message}`, { cause: error }))
    })
    // What it left running would keep its streams open.
    child.on('exit', () => killGroup(child.pid))
    child.on('close', (code) => {
      end()
      const [stdout, stderr] = [texts.stdout, texts.stderr].map((chunks) => Buffer.concat(chunks).toString('utf8'))
      resolve({ code: code ?? -1, stdout: stdout!, stderr: stderr!, ...(killedFor && { killedFor }) })
    })
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function neededVariables(): Record<string, string> {
  return Object.fromEntries(
    NEEDED_VARIABLES.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Kills a process group, if any of it is left. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}
