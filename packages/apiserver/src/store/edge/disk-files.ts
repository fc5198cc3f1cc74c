import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { lockDirectory } from '../directory-lock.ts'
import type { Files, OpenMode, StoreFile } from '../files.ts'

/** Data may hold secrets: nobody but the owner reads it. */
const fileMode = 0o600
const directoryMode = 0o700

const flags: Readonly<Record<OpenMode, string>> = { read: 'r', create: 'w', append: 'a', modify: 'r+' }

/** The file system of the machine. */
export const diskFiles: Files = {
  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: directoryMode })
    if (first === undefined) return
    // Each new folder is a name in the one above it.
    for (let made = path; ; made = dirname(made)) {
      await syncDirectory(dirname(made))
      if (made === first || made === dirname(made)) return
    }
  },
  list: (directory) => readdir(directory),
  open: async (path, mode) => opened(await open(path, flags[mode], fileMode)),
  readAll: (path) => readFile(path),
  rename,
  link,
  remove: (path) => rm(path, { force: true }),
  syncDirectory,
  lock: lockDirectory,
  async breathe() {
    await setImmediate()
  },
}

function opened(file: FileHandle): StoreFile {
  return {
    write: async (bytes) => (await file.write(bytes, 0, bytes.length)).bytesWritten,
    async writeAt(bytes, offset) {
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
      }
    },
    read: async (target) => (await file.read(target, 0, target.length)).bytesRead,
    truncate: (size) => file.truncate(size),
    dataSync: () => file.datasync(),
    close: () => file.close(),
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
