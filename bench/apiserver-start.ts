// How long `lkt apiserver` takes to the first answer, and `lkt --help` to its end; the fastest of several runs, since
// nothing but other work on the machine makes a start faster or slower.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { rounded } from './apiserver/parts.ts'

const RUNS = 7
const lkt = join(import.meta.dirname, '..', 'apps', 'cli', 'bin', 'lkt')
/** The launcher finds this Node first. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`

interface Run {
  /** Milliseconds of the clock on the wall, and of CPU in the process that is measured. */
  readonly wall: number
  readonly cpu: number
}

/** From the start of the process to the answer of a request that reads objects. */
async function firstAnswer(): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  const start = performance.now()
  const child = spawn(lkt, ['apiserver', '--data', directory], {
    env: { ...process.env, PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    // Its first words come when it listens.
    for await (const _line of createInterface({ input: child.stdout })) break
    await listNamespaces(readFileSync(join(directory, 'kubeconfig'), 'utf8'))
    return { wall: performance.now() - start, cpu: cpuOf(child.pid!) }
  } finally {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exited
    rmSync(directory, { recursive: true })
  }
}

async function listNamespaces(kubeconfig: string): Promise<void> {
  const field = (name: string): string | undefined => new RegExp(`"?${name}"?: "?([^"\\s]+)"?`).exec(kubeconfig)?.[1]
  const decoded = (name: string): Buffer | undefined => {
    const text = field(name)
    return text === undefined ? undefined : Buffer.from(text, 'base64')
  }
  const token = field('token')
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request(
      `${field('server')}/api/v1/namespaces`,
      {
        ca: decoded('certificate-authority-data'),
        cert: decoded('client-certificate-data'),
        key: decoded('client-key-data'),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode))
      },
    )
      .on('error', reject)
      .end()
  })
  if (status !== 200) throw new Error(`the first request was answered with ${status}`)
}

/** CPU milliseconds of a running process, in the steps of 10 ms in which Linux tells them. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Makes a process say on its way out how much CPU it took. */
const tellCpu = `data:text/javascript,${encodeURIComponent(
  'process.on("exit", () => { const { user, system } = process.cpuUsage(); process.stderr.write(String((user + system) / 1000)) })',
)}`

function help(): Run {
  const start = performance.now()
  const { status, stderr } = spawnSync(lkt, ['--help'], {
    encoding: 'utf8',
    env: { ...process.env, PATH, NODE_OPTIONS: `--import=${tellCpu}` },
  })
  if (status !== 0) throw new Error(`--help exited with ${status}: ${stderr}`)
  return { wall: performance.now() - start, cpu: Number(stderr) }
}

const answers: Run[] = []
const helps: Run[] = []
for (let run = 0; run < RUNS; run++) {
  answers.push(await firstAnswer())
  helps.push(help())
}
const summary = (runs: readonly Run[]): object => {
  const middle = (values: readonly number[]): number =>
    rounded(values.toSorted((left, right) => left - right)[RUNS >> 1]!, 0)
  return {
    fastestMs: rounded(Math.min(...runs.map(({ wall }) => wall)), 0),
    medianMs: middle(runs.map(({ wall }) => wall)),
    medianCpuMs: middle(runs.map(({ cpu }) => cpu)),
  }
}
process.stdout.write(JSON.stringify({ runs: RUNS, apiserverToFirstAnswer: summary(answers), help: summary(helps) }))
