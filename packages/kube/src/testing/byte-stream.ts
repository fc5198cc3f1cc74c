type Item = { readonly chunk: Uint8Array } | { readonly end: Error | undefined }

/** A response body that a test feeds, ends and breaks by hand. */
export class ByteStream implements AsyncIterable<Uint8Array> {
  readonly #items: Item[] = []
  #wake: (() => void) | undefined
  /** Whether the reader has left before the end. */
  abandoned = false

  push(chunk: Uint8Array | string): void {
    this.#add({ chunk: typeof chunk === 'string' ? Buffer.from(chunk) : chunk })
  }

  /** Ends the body in order, or breaks it with `error`. */
  end(error?: Error): void {
    this.#add({ end: error })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let finished = false
    try {
      for (;;) {
        const item = this.#items.shift()
        if (item === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        } else if ('chunk' in item) {
          yield item.chunk
        } else {
          finished = true
          if (item.end !== undefined) throw item.end
          return
        }
      }
    } finally {
      if (!finished) this.abandoned = true
    }
  }

  #add(item: Item): void {
    this.#items.push(item)
    this.#wake?.()
  }
}
