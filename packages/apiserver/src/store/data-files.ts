import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** Opens a file; tests pass their own to make disks fail. */
export type OpenFile = (path: string, flags: string, mode?: number) => Promise<FileHandle>

/** First bytes of each file: what it is, and the version of its layout. */
export const segmentMagic = Buffer.from('LKTLOG01')
export const snapshotMagic = Buffer.from('LKTSNP01')

/** Data may hold secrets: nobody but the owner reads it. */
export const fileMode = 0o600
export const directoryMode = 0o700

const digits = 16

/** A file whose name carries a revision. */
export interface NumberedFile {
  readonly path: string
  readonly revision: number
}

/** The log segment whose first record has `revision`. */
export function segmentPath(directory: string, revision: number): string {
  return join(directory, `log-${String(revision).padStart(digits, '0')}`)
}

/** The snapshot of the state right after `revision`. */
export function snapshotPath(directory: string, revision: number): string {
  return join(directory, `snapshot-${String(revision).padStart(digits, '0')}`)
}

/** The files among `names` that are called `kind-<revision>`, oldest first. */
export function numberedFiles(directory: string, names: readonly string[], kind: 'log' | 'snapshot'): NumberedFile[] {
  const pattern = new RegExp(`^${kind}-(\\d{${digits}})$`)
  const files: NumberedFile[] = []
  for (const name of names) {
    const match = pattern.exec(name)
    if (match !== null) files.push({ path: join(directory, name), revision: Number(match[1]) })
  }
  return files.sort((left, right) => left.revision - right.revision)
}

/** Writes all of `bytes` at the end of `file`; one call to the system may take only a part. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset)
    offset += bytesWritten
  }
}

/** Makes the names of new, renamed and removed files in `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
