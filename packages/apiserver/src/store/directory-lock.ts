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
export function lockDirectory(directory: string): Promise<() => Promise<void>> {
  return lock(directory, 'lock')
}

async function lock(directory: string, name: string): Promise<() => Promise<void>> {
  const path = join(directory, name)
  const own = join(directory, `${name}.${process.pid}.${sequence++}`)
  await writeFile(own, `${process.pid} ${startTime(process.pid)}\n`, { mode: 0o600 })
  try {
    for (;;) {
      try {
        await link(own, path)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      if ((await isStale(directory, path)) && (await takeOver(directory, name, own))) break
    }
  } finally {
    await rm(own, { force: true })
  }
  return () => rm(path, { force: true })
}

/**
 * Puts `own` in the place of a lock whose holder has died. Of those who find it so, one may at a time: it has a lock for
 * that. The path is never free in between, or somebody could take it whose lock the next to rename would lose.
 */
async function takeOver(directory: string, name: string, own: string): Promise<boolean> {
  const release = await lock(directory, `${name}.takeover`)
  try {
    const path = join(directory, name)
    if (!(await isStale(directory, path))) return false
    await rename(own, path)
    return true
  } finally {
    await release()
  }
}

/** Whether the holder has died; false when the lock is gone. Throws DirectoryLockedError when the holder is alive. */
async function isStale(directory: string, path: string): Promise<boolean> {
  const content = await readLock(path)
  if (content === undefined) return false
  if (isAlive(content)) throw new DirectoryLockedError(directory, Number.parseInt(content, 10))
  return true
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
