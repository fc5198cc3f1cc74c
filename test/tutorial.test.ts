import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectlPath, type CommandResult } from './support/kubectl.ts'
import { SimulatorProcess, temporaryFolder } from './support/simulator-process.ts'

/** The commands of the tutorial, block by block, as they are in the text. */
let blocks: string[]
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let simulator: SimulatorProcess | undefined

beforeAll(async () => {
  const text = await readFile(new URL('../docs/tutorial/first-fix.md', import.meta.url), 'utf8')
  blocks = [...text.matchAll(/^```\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
  folder = await temporaryFolder()
  // What a reader has in the PATH: kubectl, and npx, which finds the lkt of this repository.
  const bin = join(folder.path, 'bin')
  await mkdir(bin)
  await symlink(kubectlPath('v35'), join(bin, 'kubectl'))
  const lkt = fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url))
  await writeFile(
    join(bin, 'npx'),
    `#!/bin/sh\n[ "$1" = lkt ] || exit 127\nshift\nexec "${process.execPath}" "${lkt}" "$@"\n`,
  )
  await chmod(join(bin, 'npx'), 0o755)
})

afterAll(async () => {
  await simulator?.kill()
  await folder[Symbol.asyncDispose]()
})

/** Runs a block in a shell that stops at the first command that fails. */
function shell(block: string): Promise<CommandResult> {
  const env = {
    PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}`,
    HOME: folder.path,
    KUBECONFIG: join(folder.path, 'fleet', 'kubeconfig'),
  }
  const script = block.replaceAll('/tmp/', `${folder.path}/`)
  return new Promise((resolve) => {
    execFile('bash', ['-e', '-c', script], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Options of the `npm start` in a block, and a smaller and faster fleet than the reader's. */
function startOptions(block: string, more: readonly string[]): string[] {
  const options = /^npm start -- (.*)$/m.exec(block)![1]!.replaceAll('/tmp/', `${folder.path}/`)
  return [...options.split(' '), ...more]
}

test('every command of the tutorial does what the tutorial says', { timeout: 240_000 }, async () => {
  expect(blocks).toHaveLength(7)
  const [start, look, places, request, approve, see, broken] = blocks as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  simulator = new SimulatorProcess(startOptions(start, ['--clusters', '16', '--speed', '10000']))
  expect(await simulator.kubeconfig()).toBe(join(folder.path, 'fleet', 'kubeconfig'))
  await simulator.printed(/rollout fix-90001 is Completed/)

  const looked = await shell(look)
  expect(looked).toMatchObject({ code: 0, stderr: '' })
  expect(looked.stdout).toMatch(/hc-0001 +4\.\d+\.\d+ +fix-90001 +Applied +Healthy/)
  expect(looked.stdout).toMatch(/fix-90001 +fix-90001 +Completed +production/)
  expect(looked.stdout).toMatch(/Phase: +Delivered/)
  const placed = await shell(places)
  expect(placed).toMatchObject({ code: 0, stderr: '' })
  for (const context of ['hub-release-requester', 'hub-release-approver-1', 'mc-int-1', 'mc-prod-4']) {
    expect(placed.stdout).toContain(context)
  }
  expect(placed.stdout).toMatch(/mc-prod-4 +production +main/)
  expect(placed.stdout).toMatch(/clusters +hc-0001 .*True/)

  const requested = await shell(request)
  expect(requested).toMatchObject({ code: 0 })
  expect(requested.stdout).toContain('componentfix.locktender.dev/my-fix created')
  expect(requested.stdout).toMatch(/my-fix +my-fix +\d+ +0\/2/)

  const approved = await shell(approve)
  expect(approved.stderr).toContain('User "release-requester" cannot create resource "approvals"')
  expect(approved.stdout).toContain('refused with code 4')
  expect(approved.stdout.match(/^approval\S+ created$/gm)).toHaveLength(2)
  expect(approved.stdout).toMatch(/my-fix {2}DEMO-1 {2}DELIVERED\n\[#+\] (\d+)\/\1 {2}100%/)
  expect(approved.code).toBe(0)

  const seen = await shell(see)
  expect(seen).toMatchObject({ code: 0, stderr: '' })
  expect(seen.stdout).toMatch(/^fix-90001 .*Delivered +(\d+) +\1 +0 /m)
  expect(seen.stdout).toMatch(/^my-fix .*Delivered +(\d+) +\1 +0 /m)
  expect(seen.stdout).toMatch(/^mc-\S+ +hc-\d+ +4\.20\.\d+ +Applied/m)
  expect(seen.stdout).toMatch(/^mc-int-1\/hc-0001 /m)
  await simulator.end('SIGINT')

  simulator = new SimulatorProcess(startOptions(broken, ['--clusters', '60', '--speed', 'max', '--exit-when-done']))
  expect(await simulator.exited).toBe(9)
  expect(simulator.output).toMatch(/halted by \w+: .*\d+/)
  expect(simulator.output).toMatch(/rollout fix-90001 is Reverted/)
})
