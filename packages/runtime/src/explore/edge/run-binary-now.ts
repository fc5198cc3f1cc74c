import { spawnSync } from 'node:child_process'
import type { BinaryOptions, BinaryResult } from '../../once/edge/operator-binary.ts'

const MOST_OUTPUT_BYTES = 64 * 1024 * 1024

/** Runs a program while nothing else happens, so that a schedule does not depend on how long it takes. */
export function runBinaryNow(
  path: string,
  args: readonly string[],
  options: BinaryOptions = {},
): Promise<BinaryResult> {
  const { cwd, timeoutMs, environment } = options
  const { PATH = '', TZ = 'UTC', LANG = 'C' } = process.env
  const { status, stdout, stderr, error } = spawnSync(path, args, {
    encoding: 'utf8',
    killSignal: 'SIGKILL',
    maxBuffer: MOST_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    env: { PATH, TZ, LANG, ...environment },
  })
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (error !== undefined && code !== 'ETIMEDOUT' && code !== 'ENOBUFS') {
    return Promise.reject(new Error(`cannot run ${path}: ${error.message}`, { cause: error }))
  }
  const killedFor = code === 'ETIMEDOUT' ? ('time' as const) : code === 'ENOBUFS' ? ('output' as const) : undefined
  return Promise.resolve({ code: status ?? -1, stdout, stderr, ...(killedFor && { killedFor }) })
}
