import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kubectlPath, type CommandResult } from './kubectl.ts'
import { temporaryFolder } from './simulator-process.ts'

/** Runs the commands of a page of the documentation as a reader would, block by block, in a folder of its own. */
export class ReadersShell {
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>

  private constructor(folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.#folder = folder
  }

  /** With what a reader has in the PATH: kubectl, and npx, which finds the lkt of this repository. */
  static async open(): Promise<ReadersShell> {
    const folder = await temporaryFolder()
    const bin = join(folder.path, 'bin')
    await mkdir(bin)
    await symlink(kubectlPath('v35'), join(bin, 'kubectl'))
    const lkt = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url))
    await writeFile(
      join(bin, 'npx'),
      `#!/bin/sh\n[ "$1" = lkt ] || exit 127\nshift\nexec "${process.execPath}" "${lkt}" "$@"\n`,
    )
    await chmod(join(bin, 'npx'), 0o755)
    return new ReadersShell(folder)
  }

  /** Where the fleet of the page keeps its data; its kubeconfig is the one that is used. */
  get fleet(): string {
    return join(this.#folder.path, 'fleet')
  }

  /** What the page calls /tmp is the folder. */
  inFolder(text: string): string {
    return text.replaceAll('/tmp/', `${this.#folder.path}/`)
  }

  /** Runs a block in a shell that stops at the first command that fails. */
  run(block: string): Promise<CommandResult> {
    const env = {
      PATH: `${join(this.#folder.path, 'bin')}:${process.env['PATH']}`,
      HOME: this.#folder.path,
      KUBECONFIG: join(this.fleet, 'kubeconfig'),
    }
    return new Promise((resolve) => {
      execFile('bash', ['-e', '-c', this.inFolder(block)], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  }

  async close(): Promise<void> {
    await this.#folder[Symbol.asyncDispose]()
  }
}

/** The blocks of commands of a page below docs/, in order, as they are in the text. */
export async function blocksOf(page: string): Promise<string[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  // Blocks that name a language are files to read, not commands.
  return [...text.matchAll(/^( *)```(\S*)\n([\s\S]*?)^ *```$/gm)].flatMap(([, indent = '', language, block = '']) =>
    language === '' ? [block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  )
}
