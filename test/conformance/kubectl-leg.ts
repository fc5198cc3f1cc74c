import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { kubectlPath, packagedVersions } from '../support/kubectl.ts'
import type { PackagedVersion } from '../support/kubectl.ts'
import type { Case, T, Target } from './case.ts'
import { Failure } from './failure.ts'
import { Program } from './program.ts'

const CASE_TIMEOUT_MS = 120_000

/** kubectl of one version, in the namespace of a case. */
export class Kubectl extends Program {
  /** 22 for 1.22. */
  readonly minor: number
  /** A folder for files of the case. */
  readonly folder: string

  constructor(version: PackagedVersion, folder: string, signal: AbortSignal) {
    super(kubectlPath(version), environmentOf(folder), signal)
    this.minor = minorOf(version)
    this.folder = folder
  }

  /** The same with more environment variables. */
  override with(environment: Readonly<Record<string, string>>): Program {
    return super.with(environment)
  }

  /** Writes a file for the case and returns its path. */
  async file(name: string, content: string | object): Promise<string> {
    const path = join(this.folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o755 })
    return path
  }
}

/** What `kubectl delete` says of an object in a namespace; it names the namespace from 1.34 on. */
export function deleted(kubectl: Kubectl, what: string, namespace: string): string {
  return `${what} deleted${kubectl.minor >= 34 ? ` from ${namespace} namespace` : ''}\n`
}

type Run = (t: T, kubectl: Kubectl) => Promise<void>

interface More extends Partial<Case> {
  /** The first version that knows the commands, for instance 24. */
  readonly since?: number
}

/** Makes the cases of a leg, one for each version of kubectl. */
export function leg(define: (add: (id: string, name: string, run: Run, more?: More) => void) => void): Case[] {
  const cases: Case[] = []
  define((id, name, run, { since = 0, ...more } = {}) => {
    for (const version of packagedVersions) {
      const minor = minorOf(version)
      if (minor < since) continue
      cases.push({
        id: `${id}-${minor}`,
        name,
        group: 'kubectl',
        tags: [id, `1.${minor}`],
        timeoutMs: CASE_TIMEOUT_MS,
        ...more,
        run: async (t) => run(t, new Kubectl(version, await homeOf(t), t.signal)),
      })
    }
  })
  return cases
}

/** A folder with a kubeconfig whose default is the namespace of the case; it goes with the case. */
async function homeOf(t: T): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${t.ns}-`))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'kubeconfig'), stringify(await kubeconfigFor(t.target, t.ns)), { mode: 0o600 })
  return folder
}

/** Environment of a program that takes its settings, and nothing else, from the folder. */
export function environmentOf(folder: string): Record<string, string> {
  // Not the discovery cache of the person who runs this, and no locale: messages are compared.
  return { HOME: folder, KUBECONFIG: join(folder, 'kubeconfig'), PATH: process.env['PATH'] ?? '', TMPDIR: folder }
}

function minorOf(version: PackagedVersion): number {
  return Number(version.slice(1))
}

interface Named {
  readonly name: string
  readonly [field: string]: unknown
}

async function kubeconfigFor({ kubeconfig, context }: Target, namespace: string): Promise<object> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as Record<string, unknown>
  const current = context ?? (config['current-context'] as string)
  const found = (config['contexts'] as Named[]).find(({ name }) => name === current)
  if (found === undefined) throw new Failure(`${kubeconfig} has no context ${current}`)
  return {
    ...config,
    clusters: withWholePaths(config['clusters'] as Named[], 'cluster', kubeconfig),
    users: withWholePaths(config['users'] as Named[], 'user', kubeconfig),
    contexts: [{ name: current, context: { ...(found['context'] as object), namespace } }],
    'current-context': current,
  }
}

const FILES = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']

/** Files of a kubeconfig are relative to its folder. */
function withWholePaths(list: readonly Named[], field: string, kubeconfig: string): object[] {
  return list.map((item) => {
    const entries = Object.entries(item[field] as Record<string, unknown>)
    const moved = entries.map(([key, value]) =>
      FILES.includes(key) ? [key, resolve(dirname(kubeconfig), String(value))] : [key, value],
    )
    return { ...item, [field]: Object.fromEntries(moved) as object }
  })
}

/** kubectl gave up at its --timeout. Some versions now and then log that the watch this ended was a short one. */
export function timedOut(waitingFor = ''): RegExp {
  return new RegExp(`^(I\\d{4} .*very short watch.*\\n)?error: timed out waiting for the condition${waitingFor}\\n$`)
}
