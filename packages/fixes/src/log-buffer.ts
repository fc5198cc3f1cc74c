import { MAX_LOG_DATA } from '@locktender/fleet'
import { packLines } from './log-pieces.ts'

/** Characters of lines that make a piece: packed they are a tenth of that or less. */
const PIECE_LENGTH = 1_048_576

/** A part of a log as it is stored. */
export interface LogPiece {
  /** Time of its first and last entry, milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly entries: number
  readonly data: string
}

interface Line {
  readonly text: string
  readonly at: number
}

/** Lines of a log that are not stored yet. */
export class LogBuffer {
  #lines: Line[] = []
  #length = 0

  /** Takes a line without its break, written at `at` milliseconds since the epoch. */
  add(text: string, at: number): void {
    this.#lines.push({ text, at })
    this.#length += text.length + 1
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0
  }

  /** There is enough for a piece. */
  get isFull(): boolean {
    return this.#length >= PIECE_LENGTH
  }

  /**
   * Takes everything out, in as many pieces as it needs.
   *
   * @throws RangeError when a single line is too long for an object
   */
  take(): LogPiece[] {
    const lines = this.#lines
    this.#lines = []
    this.#length = 0
    const pieces: LogPiece[] = []
    let first = 0
    let length = 0
    for (const [index, { text }] of lines.entries()) {
      length += text.length + 1
      if (length < PIECE_LENGTH && index + 1 < lines.length) continue
      pieces.push(...packed(lines.slice(first, index + 1)))
      first = index + 1
      length = 0
    }
    return pieces
  }
}

function packed(lines: readonly Line[]): LogPiece[] {
  const data = packLines(lines.map(({ text }) => `${text}\n`).join(''))
  if (data.length <= MAX_LOG_DATA) {
    return [{ from: lines[0]!.at, to: lines.at(-1)!.at, entries: lines.length, data }]
  }
  if (lines.length === 1) {
    throw new RangeError(`an entry has ${data.length} characters when packed; an object may have ${MAX_LOG_DATA}`)
  }
  const middle = lines.length >> 1
  return [...packed(lines.slice(0, middle)), ...packed(lines.slice(middle))]
}
