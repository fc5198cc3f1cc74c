import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseOptions } from '../options.ts'
import { DataFolderError, openDataFolder, recordEnd, storePath, writePrivateFile } from './data-folder.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'locktender-data-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

function open(...argv: string[]): ReturnType<typeof openDataFolder> {
  return openDataFolder(parseOptions(['--data', directory, ...argv]), 1000)
}

describe('data folder', () => {
  test('remembers what was started in it', async () => {
    expect(await open('--clusters', '50', '--seed', '3')).toMatchObject({ startedAt: 1000, resumed: false })
    const again = await openDataFolder(parseOptions(['--data', directory]), 2000)
    expect(again).toMatchObject({ startedAt: 1000, resumed: true, world: { clusters: 50, seed: 3 } })
  })

  test('refuses to continue with other options, saying which and what to do', async () => {
    await open('--clusters', '50')
    await expect(open('--clusters', '60')).rejects.toThrow(
      new DataFolderError(
        `${directory} holds a simulation that was started with --clusters 50. Leave these options out to continue it, or name another folder with --data.`,
      ),
    )
    await expect(open('--bad-fix', '0.1')).rejects.toThrow('--bad-fix 0.')
  })

  test('a damaged record is told, not overwritten', async () => {
    await open()
    await writeFile(join(directory, 'simulation.json'), '{')
    await expect(open()).rejects.toThrow('is damaged')
    expect(await readFile(join(directory, 'simulation.json'), 'utf8')).toBe('{')
  })

  test('one that another version kept is refused when it was named, and gives way when it was not', async () => {
    await open()
    const file = join(directory, 'simulation.json')
    const older = (await readFile(file, 'utf8')).replace(/"format": \d+/, '"format": 1')
    await writeFile(file, older)
    await expect(open()).rejects.toThrow('was made by another version of this program')
    vi.stubEnv('XDG_STATE_HOME', directory)
    const { path } = await openDataFolder(parseOptions([]), 1000)
    await writeFile(join(path, 'simulation.json'), older)
    expect(await openDataFolder(parseOptions([]), 2000)).toMatchObject({ startedAt: 2000, resumed: false })
  })

  test('what is no folder is refused', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    const opening = openDataFolder(parseOptions(['--data', file]), 1000)
    await expect(opening).rejects.toThrow(DataFolderError)
    await expect(opening).rejects.toThrow('Name a folder that you can write to with --data.')
  })

  test('a simulation that has ended is kept in a named folder', async () => {
    const folder = await open()
    await mkdir(storePath(directory))
    await recordEnd(folder)
    expect(await open()).toMatchObject({ resumed: true })
    await expect(stat(storePath(directory))).resolves.toBeDefined()
  })

  test('one that has ended in the default folder gives way, one that has not is continued', async () => {
    vi.stubEnv('XDG_STATE_HOME', directory)
    const openDefault = (startMs: number) => openDataFolder(parseOptions([]), startMs)
    const first = await openDefault(1000)
    await mkdir(storePath(first.path))
    expect(await openDefault(2000)).toMatchObject({ path: first.path, startedAt: 1000, resumed: true })
    await recordEnd(first)
    expect(await openDefault(3000)).toMatchObject({ path: first.path, startedAt: 3000, resumed: false })
    await expect(stat(storePath(first.path))).rejects.toThrow('ENOENT')
  })

  test('files with credentials are for the user alone', async () => {
    const path = join(directory, 'kubeconfig')
    await writeFile(path, 'old', { mode: 0o644 })
    await writePrivateFile(path, 'new')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toBe('new')
  })
})
