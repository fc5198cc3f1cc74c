import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, ReadersShell } from './support/readers-shell.ts'
import { SimulatorProcess } from './support/simulator-process.ts'

let blocks: string[]
let reader: ReadersShell
let simulator: SimulatorProcess | undefined

beforeAll(async () => {
  blocks = await blocksOf('tutorial/first-fix.md')
  reader = await ReadersShell.open()
})

afterAll(async () => {
  await simulator?.kill()
  await reader.close()
})

/** Options of the `npm start` in a block, and a smaller and faster fleet than the reader's. */
function startOptions(block: string, more: readonly string[]): string[] {
  const options = reader.inFolder(/^npm start -- (.*)$/m.exec(block)![1]!)
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
  expect(await simulator.kubeconfig()).toBe(join(reader.fleet, 'kubeconfig'))
  await simulator.printed(/rollout fix-90001 is Completed/)

  const looked = await reader.run(look)
  expect(looked).toMatchObject({ code: 0, stderr: '' })
  expect(looked.stdout).toMatch(/hc-0001 +4\.\d+\.\d+ +fix-90001 +Applied +Healthy/)
  expect(looked.stdout).toMatch(/fix-90001 +fix-90001 +Completed +production/)
  expect(looked.stdout).toMatch(/Phase: +Delivered/)
  const placed = await reader.run(places)
  expect(placed).toMatchObject({ code: 0, stderr: '' })
  for (const context of ['hub-release-requester', 'hub-release-approver-1', 'mc-int-1', 'mc-prod-4']) {
    expect(placed.stdout).toContain(context)
  }
  expect(placed.stdout).toMatch(/mc-prod-4 +production +main/)
  expect(placed.stdout).toMatch(/clusters +hc-0001 .*True/)

  const requested = await reader.run(request)
  expect(requested).toMatchObject({ code: 0 })
  expect(requested.stdout).toContain('componentfix.locktender.dev/my-fix created')
  expect(requested.stdout).toMatch(/my-fix +my-fix +\d+ +0\/2/)

  const approved = await reader.run(approve)
  expect(approved.stderr).toContain('User "release-requester" cannot create resource "approvals"')
  expect(approved.stdout).toContain('refused with code 4')
  expect(approved.stdout.match(/^approval\S+ created$/gm)).toHaveLength(2)
  expect(approved.stdout).toMatch(/my-fix {2}DEMO-1 {2}DELIVERED\n\[#+\] (\d+)\/\1 {2}100%/)
  expect(approved.code).toBe(0)

  const seen = await reader.run(see)
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
