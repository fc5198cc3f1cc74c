/** Bytes handed over at a time, when many small pieces wait. */
const CHUNK = 64 * 1024

/** Bytes that may wait for a slow reader; then they are dropped, the stream ends, and the reader has to come back. */
const MAX_WAITING = 16 * 1024 * 1024

/** A stream with one reader, written from the outside. Pieces that wait are handed over together. */
export class ByteStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  #first: Iterator<Uint8Array> | undefined
  readonly #waiting: Uint8Array[] = []
  #bytes = 0
  #ended = false
  #closed = false
  #reader: ((result: IteratorResult<Uint8Array>) => void) | undefined
  #onClose: (() => void) | undefined
  #onOverflow: (() => void) | undefined
  /** Calls back when a waiting reader may be given what there is: later than the first piece, so that a batch goes at once. */
  #schedule: (wake: () => void) => void = queueMicrotask

  /** `first` is read before anything that is pushed, as the reader asks for it, and without a limit. */
  constructor(first?: Iterable<Uint8Array>) {
    this.#first = first?.[Symbol.iterator]()
  }

  /** Called once, when the stream has ended or its reader has left. */
  onClose(callback: () => void): void {
    if (this.#closed) callback()
    else this.#onClose = callback
  }

  /** Called when the reader is so slow that what waits for it was dropped. It has seen everything before that. */
  onOverflow(callback: () => void): void {
    this.#onOverflow = callback
  }

  /** From now on `schedule` decides when a reader that waits is given what came meanwhile. */
  wakeBy(schedule: (wake: () => void) => void): void {
    this.#schedule = schedule
  }

  push(piece: Uint8Array): void {
    if (this.#ended) return
    this.#waiting.push(piece)
    this.#bytes += piece.length
    if (this.#bytes > MAX_WAITING) this.#overflow()
    else if (this.#reader !== undefined && this.#waiting.length === 1) this.#schedule(this.#wake)
  }

  /** No more pieces will come; what waits is still read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#wake()
    this.#close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#nextFirst() ?? this.#nextWaiting()
    if (piece !== undefined) return Promise.resolve({ value: piece, done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.#reader = resolve
    })
  }

  /** The reader leaves. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#first = undefined
    this.#waiting.length = 0
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Gives a waiting reader what there is. */
  readonly #wake = (): void => {
    const reader = this.#reader
    if (reader === undefined) return
    const piece = this.#nextWaiting()
    if (piece === undefined && !this.#ended) return
    this.#reader = undefined
    reader(piece === undefined ? { value: undefined, done: true } : { value: piece, done: false })
  }

  #nextFirst(): Uint8Array | undefined {
    if (this.#first === undefined) return undefined
    const pieces: Uint8Array[] = []
    let size = 0
    while (size < CHUNK) {
      const { value, done } = this.#first.next()
      if (done === true) {
        this.#first = undefined
        break
      }
      pieces.push(value)
      size += value.length
    }
    return joined(pieces)
  }

  #nextWaiting(): Uint8Array | undefined {
    let count = 0
    let size = 0
    while (count < this.#waiting.length && size < CHUNK) size += this.#waiting[count++]!.length
    this.#bytes -= size
    return joined(this.#waiting.splice(0, count))
  }

  #overflow(): void {
    this.#first = undefined
    this.#waiting.length = 0
    this.#bytes = 0
    this.end()
    this.#onOverflow?.()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose?.()
  }
}

/** Pieces joined last, by the first of them: many streams carry the same pieces, and share one copy of the whole. */
const joins = new WeakMap<Uint8Array, { readonly pieces: readonly Uint8Array[]; readonly whole: Uint8Array }>()

function joined(pieces: readonly Uint8Array[]): Uint8Array | undefined {
  const [first] = pieces
  if (first === undefined || pieces.length === 1) return first
  const known = joins.get(first)
  if (known?.pieces.length === pieces.length && known.pieces.every((piece, index) => piece === pieces[index])) {
    return known.whole
  }
  const whole = Buffer.concat(pieces)
  joins.set(first, { pieces, whole })
  return whole
}
