import { execFile } from 'node:child_process'

/** What the program of an operator is given beside its arguments. */
export interface BinaryOptions {
  /** Folder to run in. @default that of this process */
  readonly cwd?: string
  /** After this time it is killed. @default no limit */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** How a program ended. */
export interface BinaryResult {
  /** Exit code; -1 when it was killed. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly isTimedOut: boolean
}

/** More output than this ends a program: nothing but one that runs in circles says so much. */
const OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Runs a program of the published contract to its end; any exit code is a result.
 * @throws Error when it cannot be started
 */
export function runBinary(path: string, args: readonly string[], options: BinaryOptions = {}): Promise<BinaryResult> {
  const { cwd, timeoutMs = 0, signal } = options
  return new Promise((resolve, reject) => {
    execFile(
      path,
      args,
      { cwd, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES, ...(signal && { signal }) },
      (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr, isTimedOut: false })
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr, isTimedOut: false })
        else if (error.killed === true) resolve({ code: -1, stdout, stderr, isTimedOut: timeoutMs > 0 })
        else reject(new Error(`cannot run ${path}: ${error.message}`, { cause: error }))
      },
    )
  })
}
