/** The bytes are not what protobuf writes; the message is in the words of Kubernetes' decoders. */
export class WireError extends Error {}

/** How deep messages and groups may be nested; no real object comes near. */
const MAX_DEPTH = 100

// A byte order mark inside an object is part of its text.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Reads the elements of protobuf's wire format from a part of a buffer. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at: number
  readonly #end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** An unsigned number of up to 32 bits, such as a tag or a length; higher bits are cut off. */
  small(): number {
    return Number(BigInt.asUintN(32, this.big()))
  }

  /** A varint as a signed 64-bit number. Beyond 2^53 it is as exact as JSON numbers are. */
  signed(): number {
    let value = 0
    let scale = 1
    for (let index = 0; index < 7; index++) {
      const byte = this.#bytes[this.#at + index]
      if (byte === undefined || this.#at + index >= this.#end) throw new WireError('unexpected EOF')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        this.#at += index + 1
        return value
      }
      scale *= 128
    }
    return Number(BigInt.asIntN(64, this.big()))
  }

  big(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new WireError('unexpected EOF')
      const byte = this.#bytes[this.#at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new WireError('proto: integer overflow')
  }

  /** The next field number and wire type. */
  tag(): { readonly number: number; readonly type: number } {
    const tag = this.signed()
    const type = tag % 8
    const number = Math.floor(tag / 8)
    if (!(number > 0 && number < 2 ** 29)) throw new WireError(`proto: illegal tag ${number} (wire type ${type})`)
    return { number, type }
  }

  double(): number {
    const at = this.#take(8)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true)
  }

  bytes(): Uint8Array {
    const length = this.#length()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(): string {
    return utf8.decode(this.bytes())
  }

  /** A reader of the length-delimited part that follows. */
  part(): WireReader {
    const length = this.#length()
    const at = this.#take(length)
    return new WireReader(this.#bytes, at, at + length)
  }

  skip(type: number, depth = 0): void {
    if (depth > MAX_DEPTH) throw new WireError('proto: exceeded max depth')
    switch (type) {
      case 0:
        this.big()
        return
      case 1:
        this.#take(8)
        return
      case 2:
        this.#take(this.#length())
        return
      case 3:
        for (;;) {
          const inner = this.tag()
          if (inner.type === 4) return
          this.skip(inner.type, depth + 1)
        }
      case 5:
        this.#take(4)
        return
      default:
        throw new WireError(type === 4 ? 'proto: unexpected end of group' : `proto: illegal wireType ${type}`)
    }
  }

  #length(): number {
    const length = this.signed()
    if (length < 0) throw new WireError('proto: negative length found during unmarshaling')
    return length
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) throw new WireError('unexpected EOF')
    this.#at = at + length
    return at
  }
}

/** @throws WireError when messages are nested too deep */
export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new WireError('proto: exceeded max depth')
}
