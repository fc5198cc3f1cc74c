/**
 * `create` makes an empty file, also in place of another; `append` writes after what an existing file holds, `modify`
 * from its beginning on.
 */
export type OpenMode = 'read' | 'create' | 'append' | 'modify'

/** An open file, read and written from one end to the other. */
export interface StoreFile {
  /** Takes the first of `bytes` and returns how many; a disk may take only a part. */
  write(bytes: Uint8Array): Promise<number>
  /** For files opened with `modify`: writes `bytes` at `offset`, and no more nor less. */
  writeAt(bytes: Uint8Array, offset: number): Promise<void>
  /** Fills the beginning of `target` with the next bytes and returns how many; 0 at the end of the file. */
  read(target: Uint8Array): Promise<number>
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>
  /** Resolves when the content is on disk. After a rejection nothing is known of the content, nor ever will be. */
  dataSync(): Promise<void>
  close(): Promise<void>
}

/**
 * Everything a store does to a disk. Names of files are durable only after {@link syncDirectory}, content only after
 * {@link StoreFile.dataSync}.
 */
export interface Files {
  /** Makes a folder readable by its owner only, and those above it, durably; one that exists is left as it is. */
  makeDirectory(path: string): Promise<void>
  /** Names of the files and folders in a folder, in no particular order. */
  list(directory: string): Promise<string[]>
  /** Rejects with the code ENOENT when the file does not exist and the mode does not make it. */
  open(path: string, mode: OpenMode): Promise<StoreFile>
  readAll(path: string): Promise<Buffer>
  /** Gives a file another name in the same folder, in place of whatever had that name. */
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name. */
  link(from: string, to: string): Promise<void>
  /** Removes a name; one that does not exist is no error. */
  remove(path: string): Promise<void>
  /** Makes new, changed and removed names in a folder durable. */
  syncDirectory(path: string): Promise<void>
  /** Takes the single-writer lock of a folder and returns its release. Throws DirectoryLockedError. */
  lock(directory: string): Promise<() => Promise<void>>
  /** Lets other work run in the middle of a long one. */
  breathe(): Promise<void>
}

/** Writes all of `bytes` at the end of `file`. */
export async function writeAll(file: StoreFile, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    offset += await file.write(offset === 0 ? bytes : bytes.subarray(offset))
  }
}
