import { join } from 'node:path'

/** First bytes of each file: what it is, and the version of its layout. */
export const segmentMagic = Buffer.from('LKTLOG02')
export const snapshotMagic = Buffer.from('LKTSNP02')

const digits = 16

/** A file whose name carries a revision. */
export interface NumberedFile {
  readonly path: string
  readonly revision: number
}

/** The log segment whose first record has `revision`. */
export function segmentPath(directory: string, revision: number): string {
  return join(directory, `log-${numeral(revision)}`)
}

/** The snapshot of the state right after `revision`. */
export function snapshotPath(directory: string, revision: number): string {
  return join(directory, `snapshot-${numeral(revision)}`)
}

/** Where a repair that starts a store anew after `revision` keeps the files from before. */
export function damagedPath(directory: string, revision: number): string {
  return join(directory, `damaged-${numeral(revision)}`)
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

function numeral(revision: number): string {
  return String(revision).padStart(digits, '0')
}
