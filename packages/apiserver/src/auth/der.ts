/** Distinguished Encoding Rules (X.690), as far as writing certificates needs them. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

function encode(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const digits: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff)
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), content])
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return encode(TAG.sequence, Buffer.concat(items))
}

export function setOf(...items: readonly Uint8Array[]): Buffer {
  return encode(TAG.set, Buffer.concat(items))
}

/** A non-negative integer, from its big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const trimmed = bytes.subarray(start)
  // A leading one bit would make it negative.
  return encode(TAG.integer, trimmed[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed)
}

export function boolean(value: boolean): Buffer {
  return encode(TAG.boolean, Buffer.from([value ? 0xff : 0]))
}

export function octetString(bytes: Uint8Array): Buffer {
  return encode(TAG.octetString, bytes)
}

/** `unused` is the number of bits of the last byte that do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Buffer {
  return encode(TAG.bitString, Buffer.concat([Buffer.from([unused]), bytes]))
}

export function utf8String(text: string): Buffer {
  return encode(TAG.utf8String, Buffer.from(text))
}

/** An object identifier in dotted form. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const digits = [arc & 0x7f]
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) digits.unshift((high & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return encode(TAG.oid, Buffer.from(bytes))
}

/** A moment in whole seconds; RFC 5280 wants the two-digit form up to 2049. */
export function time(milliseconds: number): Buffer {
  const text = `${new Date(milliseconds).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return Number(text.slice(0, 4)) < 2050
    ? encode(TAG.utcTime, Buffer.from(text.slice(2)))
    : encode(TAG.generalizedTime, Buffer.from(text))
}

/** A constructed, context-specific element `[number]` around `content`. */
export function tagged(number: number, content: Uint8Array): Buffer {
  return encode(0xa0 | number, content)
}

/** A primitive, context-specific element `[number]` with `content`. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return encode(0x80 | number, content)
}
