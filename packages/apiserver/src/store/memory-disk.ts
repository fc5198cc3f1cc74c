import { posix } from 'node:path'
import type { Random } from '@locktender/kube'
import type { Files, OpenMode, StoreFile } from './files.ts'

/** What goes wrong, and at which operation on the disk, counted from 1. */
export interface Fault {
  readonly at: number
  /**
   * `crash`: the process dies in the middle of the operation. `error`: the operation does a part of its work and
   * fails. `short`: a write takes only a part, as disks may.
   */
  readonly how: 'crash' | 'error' | 'short'
}

interface Inode {
  content: Buffer
  /** What a loss of power leaves for certain. */
  durable: Buffer
  /** A sync has failed: the system takes these bytes for written, and later syncs do nothing for them. */
  forgotten: { readonly start: number; readonly end: number } | undefined
}

type Change = (names: Map<string, Inode>) => void

/** The unit that a disk writes wholly or not at all; far smaller than real ones, so that records span several. */
const sectorBytes = 32

/**
 * For tests: a disk that keeps apart what the system remembers and what is really written, breaks on demand, and
 * survives the processes that use it.
 */
export class MemoryDisk {
  readonly #random: Random
  #names = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  #directories = new Set<string>()
  /** Changes of names that only the system remembers. */
  #changes: { readonly directory: string; readonly apply: Change }[] = []
  #locked: Session | undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** The disk as one process sees it. */
  session(fault?: Fault): Session {
    return new Session(this, this.#random, fault)
  }

  /** Every process is gone; the system and what it remembers are not. */
  kill(): void {
    this.#locked = undefined
  }

  /**
   * Loss of power: of what was never synced, any part may be on the disk, in any order, and the rest is zeros or not
   * there at all.
   */
  losePower(): void {
    this.kill()
    for (const { apply } of this.#changes) if (this.#random.next() < 0.5) apply(this.#durable)
    this.#changes = []
    this.#names = new Map(this.#durable)
    for (const inode of new Set(this.#names.values())) {
      inode.content = this.#remains(inode)
      inode.durable = inode.content
      inode.forgotten = undefined
    }
  }

  /** Changes bytes of a file behind everybody's back. */
  damage(path: string, change: (content: Buffer) => Buffer): void {
    const inode = this.#names.get(path)!
    inode.content = change(Buffer.from(inode.content))
    inode.durable = inode.content
  }

  files(directory: string): string[] {
    return [...this.#names.keys()].filter((path) => posix.dirname(path) === directory).sort()
  }

  lock(session: Session): void {
    if (this.#locked !== undefined) throw new Error('locked')
    this.#locked = session
  }

  unlock(session: Session): void {
    if (this.#locked === session) this.#locked = undefined
  }

  makeDirectory(path: string): void {
    for (let made = path; made !== posix.dirname(made); made = posix.dirname(made)) this.#directories.add(made)
  }

  list(directory: string): string[] {
    const all = [...this.#names.keys(), ...this.#directories]
    return all.filter((path) => posix.dirname(path) === directory).map((path) => posix.basename(path))
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return inode
  }

  create(path: string): Inode {
    const old = this.#names.get(path)
    if (old !== undefined) {
      old.content = Buffer.alloc(0)
      return old
    }
    const inode: Inode = { content: Buffer.alloc(0), durable: Buffer.alloc(0), forgotten: undefined }
    this.change(path, (names) => names.set(path, inode))
    return inode
  }

  change(path: string, apply: Change): void {
    apply(this.#names)
    this.#changes.push({ directory: posix.dirname(path), apply })
  }

  syncDirectory(path: string): void {
    for (const { directory, apply } of this.#changes) if (directory === path) apply(this.#durable)
    this.#changes = this.#changes.filter(({ directory }) => directory !== path)
  }

  #remains({ content, durable }: Inode): Buffer {
    if (content.equals(durable)) return durable
    const shared = Math.min(content.length, durable.length)
    // Cut and then perhaps written again: the old content is gone from the first changed byte on, or all of it is back.
    const kept = content.subarray(0, shared).equals(durable.subarray(0, shared))
      ? shared
      : firstDifference(content, durable)
    if (content.length <= kept) return this.#random.next() < 0.5 ? content : durable
    const length = kept + Math.floor(this.#random.next() * (content.length - kept + 1))
    const result = Buffer.alloc(length)
    content.copy(result, 0, 0, kept)
    for (let at = kept; at < length; at = (Math.floor(at / sectorBytes) + 1) * sectorBytes) {
      const end = Math.min(length, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
      if (this.#random.next() < 0.7) content.copy(result, at, at, end)
    }
    return result
  }
}

function firstDifference(left: Buffer, right: Buffer): number {
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  return at
}

/** Thrown by everything a dead process still tries. */
class ProcessDied extends Error {}

/** What one process does to a {@link MemoryDisk}. */
export class Session implements Files {
  /** Operations so far. */
  operations = 0
  /** The operations that changed something, in order. */
  readonly log: string[] = []
  readonly #disk: MemoryDisk
  readonly #random: Random
  readonly #fault: Fault | undefined
  #dead = false

  constructor(disk: MemoryDisk, random: Random, fault: Fault | undefined) {
    this.#disk = disk
    this.#random = random
    this.#fault = fault
  }

  /** Kills the process: nothing it still tries has an effect. */
  die(): void {
    this.#dead = true
    this.#disk.unlock(this)
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#do('makeDirectory', () => this.#disk.makeDirectory(path))
  }

  async list(directory: string): Promise<string[]> {
    await this.#alive()
    return this.#disk.list(directory)
  }

  async open(path: string, mode: OpenMode): Promise<StoreFile> {
    if (mode !== 'create') {
      await this.#alive()
      return this.#opened(path, this.#disk.inode(path))
    }
    return this.#opened(path, await this.#do(`create ${path}`, () => this.#disk.create(path)))
  }

  async readAll(path: string): Promise<Buffer> {
    await this.#alive()
    return Buffer.from(this.#disk.inode(path).content)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#do(`rename ${from} ${to}`, () => {
      const inode = this.#disk.inode(from)
      this.#disk.change(to, (names) => {
        names.delete(from)
        names.set(to, inode)
      })
    })
  }

  async link(from: string, to: string): Promise<void> {
    await this.#do(`link ${from} ${to}`, () => {
      const inode = this.#disk.inode(from)
      this.#disk.change(to, (names) => names.set(to, inode))
    })
  }

  async remove(path: string): Promise<void> {
    await this.#do(`remove ${path}`, () => this.#disk.change(path, (names) => names.delete(path)))
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#do(`sync ${path}`, () => this.#disk.syncDirectory(path))
  }

  async lock(): Promise<() => Promise<void>> {
    await this.#alive()
    this.#disk.lock(this)
    return async () => {
      await Promise.resolve()
      if (!this.#dead) this.#disk.unlock(this)
    }
  }

  breathe(): Promise<void> {
    return Promise.resolve()
  }

  #opened(path: string, inode: Inode): StoreFile {
    let position = 0
    return {
      write: async (bytes) => {
        const append = (count: number): number => {
          inode.content = Buffer.concat([inode.content, bytes.subarray(0, count)])
          return count
        }
        const part = (): number => Math.floor(this.#random.next() * bytes.length)
        return this.#do(`write ${path}`, () => append(bytes.length), {
          part: () => append(part()),
          short: () => append(Math.max(1, part())),
        })
      },
      writeAt: async (bytes, offset) => {
        await this.#do(`write ${path}`, () => overwrite(inode, bytes, offset), {
          part: () => overwrite(inode, bytes.subarray(0, bytes.length >> 1), offset),
        })
      },
      read: async (target) => {
        await this.#alive()
        const count = inode.content.copy(target, 0, position)
        position += count
        return count
      },
      truncate: async (size) => {
        await this.#do(`truncate ${path}`, () => {
          inode.content = Buffer.from(inode.content.subarray(0, size))
        })
      },
      dataSync: async () => {
        await this.#do(`sync ${path}`, () => sync(inode), { failing: () => forget(inode) })
      },
      close: () => Promise.resolve(),
    }
  }

  async #alive(): Promise<void> {
    // Real disks answer later; whatever depends on an earlier answer must wait for it.
    await Promise.resolve()
    if (this.#dead) throw new ProcessDied('the process is dead')
  }

  /** Counts an operation and does it, unless it is the one that goes wrong. */
  async #do<T>(name: string, whole: () => T, wrong: Wrong<T> = {}): Promise<T> {
    await this.#alive()
    this.operations++
    this.log.push(name)
    if (this.operations !== this.#fault?.at) return whole()
    switch (this.#fault.how) {
      case 'short':
        return (wrong.short ?? whole)()
      case 'error':
        wrong.part?.()
        wrong.failing?.()
        throw new Error(`EIO: ${name}`)
      case 'crash': {
        const chance = this.#random.next()
        if (chance < 1 / 3) wrong.part?.()
        else if (chance < 2 / 3) whole()
        this.#dead = true
        throw new ProcessDied('the process is dead')
      }
    }
  }
}

/** Other ways an operation can go. */
interface Wrong<T> {
  /** Does a part of its work. */
  readonly part?: () => unknown
  /** What a failure does besides. */
  readonly failing?: () => void
  /** Succeeds with less. */
  readonly short?: () => T
}

function overwrite(inode: Inode, bytes: Uint8Array, offset: number): void {
  const content = Buffer.alloc(Math.max(inode.content.length, offset + bytes.length))
  inode.content.copy(content)
  content.set(bytes, offset)
  inode.content = content
  const { forgotten } = inode
  if (forgotten !== undefined && offset <= forgotten.start && offset + bytes.length >= forgotten.end) {
    inode.forgotten = undefined
  }
}

function sync(inode: Inode): void {
  const { content, durable, forgotten } = inode
  if (forgotten === undefined) {
    inode.durable = content
    return
  }
  inode.durable = Buffer.from(content)
  inode.durable.fill(0, forgotten.start, Math.min(forgotten.end, content.length))
  durable.copy(inode.durable, forgotten.start, forgotten.start, Math.min(forgotten.end, durable.length))
}

function forget(inode: Inode): void {
  const { content, durable } = inode
  const start = firstDifference(content, durable)
  if (start < content.length) inode.forgotten = { start, end: content.length }
}
