import { T } from './case.ts'
import type { Case, Target } from './case.ts'
import { Failure, Skip } from './failure.ts'
import { install } from './fixtures.ts'

/** How one case went. */
export interface Result {
  readonly id: string
  readonly name: string
  readonly group: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly reason?: string
  readonly ms: number
}

export interface RunOptions {
  /** Cases that run at the same time. */
  readonly parallel: number
  readonly onResult: (result: Result) => void
}

const CASE_TIMEOUT_MS = 30_000

/** Runs the cases against a server: first those that bear company, then the others one by one. */
export async function runCases(cases: readonly Case[], target: Target, options: RunOptions): Promise<Result[]> {
  const setup = new T('setup', target, AbortSignal.timeout(CASE_TIMEOUT_MS))
  await install(setup)
  const results = new Map<string, Result>()
  const run = async (one: Case): Promise<void> => {
    const result = await runCase(one, target)
    results.set(one.id, result)
    options.onResult(result)
  }
  const queue = cases.filter(({ alone }) => alone !== true)
  const workers = Array.from({ length: options.parallel }, async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await run(one)
  })
  await Promise.all(workers)
  for (const one of cases) if (one.alone === true) await run(one)
  return cases.map(({ id }) => results.get(id)!)
}

async function runCase(one: Case, target: Target): Promise<Result> {
  const { id, name, group, timeoutMs = CASE_TIMEOUT_MS } = one
  const stop = new AbortController()
  const t = new T(id, target, stop.signal)
  const started = performance.now()
  const timeout = setTimeout(() => stop.abort(new Failure(`it took longer than ${timeoutMs} ms`)), timeoutMs)
  const end = (outcome: Result['outcome'], reason?: string): Result => {
    const ms = Math.round(performance.now() - started)
    return { id, name, group, outcome, ...(reason === undefined ? {} : { reason }), ms }
  }
  try {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: t.ns } }
    await t.create('/api/v1/namespaces', namespace)
    t.after(() => t.delete(`/api/v1/namespaces/${t.ns}`))
    await Promise.race([one.run(t), rejection(stop.signal)])
    return end('passed')
  } catch (error) {
    if (error instanceof Skip) return end('skipped', error.message)
    if (error instanceof Failure) return end('failed', error.message)
    return end('failed', error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    clearTimeout(timeout)
    // Cleaning up is no part of the case: what it leaves behind disturbs nobody.
    await t.clean().catch(() => undefined)
    stop.abort()
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
