import type { ByteStream } from './present/byte-stream.ts'

/** Streams that are being read, so that closing the server can end them. */
export class OpenStreams {
  readonly #streams = new Set<ByteStream>()

  /** Returns the removal. */
  add(stream: ByteStream): () => void {
    this.#streams.add(stream)
    return () => this.#streams.delete(stream)
  }

  close(): void {
    for (const stream of this.#streams) stream.end()
  }
}
