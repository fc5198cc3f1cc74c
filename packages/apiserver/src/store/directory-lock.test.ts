import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectoryLockedError, lockDirectory } from './directory-lock.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

describe('directory lock', () => {
  test('is held by one, and free again after its release', async () => {
    const release = await lockDirectory(directory)
    await expect(lockDirectory(directory)).rejects.toEqual(new DirectoryLockedError(directory, process.pid))
    await release()
    expect(await readdir(directory)).toEqual([])
    await (
      await lockDirectory(directory)
    )()
  })

  test('is given to exactly one of many who ask at once', async () => {
    const dead = deadProcess()
    // Who asks when differs from round to round; a mistake in the order of steps shows in one of a few dozen.
    for (let round = 0; round < 100; round++) {
      await writeFile(join(directory, 'lock'), `${dead} 1\n`)
      const asked = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(directory)))
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await readdir(directory)).toEqual(['lock'])
    }
  })

  test('of a process that died while it took the lock over is taken over', async () => {
    const dead = deadProcess()
    await writeFile(join(directory, 'lock'), `${dead} 1\n`)
    await writeFile(join(directory, 'lock.takeover'), `${dead} 2\n`)
    const release = await lockDirectory(directory)
    expect(await readdir(directory)).toEqual(['lock'])
    await release()
    expect(await readdir(directory)).toEqual([])
  })

  test.each(['', 'nonsense', '0 0'])('of nobody (%j) is taken over', async (content) => {
    await writeFile(join(directory, 'lock'), content)
    await lockDirectory(directory)
    expect(await readFile(join(directory, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `))
  })

  test('of a dead process is taken over', async () => {
    await writeFile(join(directory, 'lock'), `${deadProcess()} 12345\n`)
    await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
  })

  test('of an earlier process with the same id is taken over', async () => {
    await writeFile(join(directory, 'lock'), `${process.pid} 1\n`)
    await expect(lockDirectory(directory)).resolves.toBeTypeOf('function')
  })
})

function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid
}
