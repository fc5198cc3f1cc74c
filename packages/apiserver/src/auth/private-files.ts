import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Only the owner may read what proves who somebody is. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** The text of a file; undefined when there is none. */
export function readPrivate(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces a file as a whole, so that a crash leaves the old or the new one. */
export function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const temporary = `${path}.tmp`
  writeFileSync(temporary, text, { mode: FILE_MODE, flush: true })
  renameSync(temporary, path)
}
