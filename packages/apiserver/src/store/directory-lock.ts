import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Another live process, or another store of this one, works on the directory. */
export class DirectoryLockedError extends Error {
  readonly directory: string
  /** Process id of the holder. */
  readonly holder: number

  constructor(directory: string, holder: number) {
    super(`${directory} is in use by process ${holder}; stop it first, or choose another data directory`)
    this.name = 'DirectoryLockedError'
    this.directory = directory
    this.holder = holder
  }
}

let sequence = 0

/**
 * Takes the single-writer lock of `directory` and returns its release. The lock of a process that has died is
 * taken over. Throws DirectoryLockedError when the holder is alive.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock')
  const own = join(directory, `lock.${process.pid}.${sequence++}`)
  const content = `${process.pid} ${startTime(process.pid)}\n`
  await writeFile(own, content, { mode: 0o600 })
  try {
    for (;;) {
      try {
        await link(own, path)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      await removeStale(directory, path, `${own}.stale`)
    }
  } finally {
    await rm(own, { force: true })
  }
  return () => rm(path, { force: true })
}

async function removeStale(directory: string, path: string, aside: string): Promise<void> {
  const seen = await readLock(path)
  if (seen === undefined) return
  if (isAlive(seen)) throw new DirectoryLockedError(directory, Number.parseInt(seen, 10))
  // Two processes may find the same stale lock. Only one rename gets it; whoever gets a newer lock puts it back.
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readLock(aside)) === seen) await rm(aside, { force: true })
  else await rename(aside, path)
}

async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(content: string): boolean {
  const [pid = Number.NaN, started] = content.split(/\s+/).map(Number)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return startTime(pid) === started
}

/** When the process started, in ticks since boot, so that a reused process id is not mistaken; 0 where unknown. */
function startTime(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold anything; the start time is field 22.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return 0
  }
}
