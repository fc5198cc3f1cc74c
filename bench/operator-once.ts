// How long an operator takes to say what it would write: a whole process of the sample operator over a small directory of
// manifests. The fastest of several runs, since nothing but other work on the machine makes a start faster or slower.
// A process of Node that does nothing at all stands beside it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { rounded } from './apiserver/parts.ts'

const RUNS = 9
const operator = join(import.meta.dirname, '..', 'packages', 'operators', 'sample')
/** The launcher finds this Node first. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`
/** Says at its end how much CPU the process took. */
const COUNT_CPU = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stderr.write('cpu '+(user+system))})",
)}`

interface Run {
  /** Milliseconds of the clock on the wall, and of CPU. */
  readonly wall: number
  readonly cpu: number
}

function fastest(command: string, args: readonly string[]): Run {
  const once = (env: Record<string, string>) => {
    const start = performance.now()
    const { status, stderr } = spawnSync(command, args, { env: { ...process.env, PATH, ...env }, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
    return { wall: performance.now() - start, said: stderr }
  }
  // The first run fills the cache of compiled code.
  once({})
  const walls = Array.from({ length: RUNS }, () => once({}).wall)
  const cpus = Array.from(
    { length: RUNS },
    () => Number(/cpu (\d+)/.exec(once({ NODE_OPTIONS: COUNT_CPU }).said)![1]) / 1000,
  )
  return { wall: rounded(Math.min(...walls)), cpu: rounded(Math.min(...cpus)) }
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
try {
  const authentications = join(folder, 'in', 'cluster-scoped-resources', 'operator.openshift.io', 'authentications')
  mkdirSync(authentications, { recursive: true })
  writeFileSync(
    join(authentications, 'cluster.yaml'),
    'apiVersion: operator.openshift.io/v1\nkind: Authentication\nmetadata:\n  name: cluster\n  resourceVersion: "7"\n',
  )
  const nothing = join(folder, 'nothing.mjs')
  writeFileSync(nothing, '')
  const args = [
    'apply-configuration',
    `--input-dir=${join(folder, 'in')}`,
    `--output-dir=${join(folder, 'out')}`,
    '--now=2026-01-05T08:00:00Z',
  ]
  const results = {
    launcher: fastest(join(operator, 'bin', 'sample-operator'), args),
    node: fastest(process.execPath, [join(operator, 'src', 'main.ts'), ...args]),
    emptyProcess: fastest(process.execPath, [nothing]),
  }
  console.log(JSON.stringify({ unit: 'ms, fastest of several whole processes', limit: 150, ...results }))
} finally {
  rmSync(folder, { recursive: true })
}
