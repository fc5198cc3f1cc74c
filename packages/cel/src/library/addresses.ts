/** An IP address: 4 or 16 bytes. */
export type Address = readonly number[]

/** An address and how many of its bits name the network. */
export interface Prefix {
  readonly address: Address
  readonly bits: number
}

/** Reads an IPv4 or IPv6 address; undefined when it is none. A zone is kept out of it. */
export function parseAddress(text: string): { readonly address: Address; readonly zone: string } | undefined {
  if (!text.includes(':')) {
    const address = parseV4(text)
    return address === undefined ? undefined : { address, zone: '' }
  }
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && zone === '') return undefined
  const address = parseV6(percent < 0 ? text : text.slice(0, percent))
  return address === undefined ? undefined : { address, zone }
}

function parseV4(text: string): Address | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined
  }
  return parts.map(Number)
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : groups(half)))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  if (tail === undefined) return head.length === 16 ? head : undefined
  // Two colons stand for at least one group of zeros; an embedded IPv4 address can only be last.
  if (head.length + tail.length > 14 || halves[0]!.includes('.')) return undefined
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail]
}

function groups(text: string): number[] | undefined {
  const parts = text.split(':')
  const bytes: number[] = []
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part)
      if (v4 === undefined) return undefined
      bytes.push(...v4)
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      const group = Number.parseInt(part, 16)
      bytes.push(group >> 8, group & 0xff)
    } else {
      return undefined
    }
  }
  return bytes
}

/** Reads `10.0.0.0/8`; undefined when it is no such thing. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.lastIndexOf('/')
  const parsed = slash < 0 ? undefined : parseAddress(text.slice(0, slash))
  const bits = text.slice(slash + 1)
  if (parsed === undefined || parsed.zone !== '' || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined
  return Number(bits) <= parsed.address.length * 8 ? { address: parsed.address, bits: Number(bits) } : undefined
}

/** An IPv4 address written as IPv6, `::ffff:1.2.3.4`. */
export function isMapped(address: Address): boolean {
  return (
    address.length === 16 &&
    address.slice(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff &&
    address[11] === 0xff
  )
}

/** The one canonical form. */
export function formatAddress(address: Address): string {
  if (address.length === 4) return address.join('.')
  const words = Array.from({ length: 8 }, (_, index) => (address[index * 2]! << 8) | address[index * 2 + 1]!)
  const { start, length } = longestZeros(words)
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':')
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`
}

function longestZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let index = 0; index < words.length; index++) {
    if (words[index] !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}

/** The network's own address: all bits behind the prefix are zero. */
export function masked({ address, bits }: Prefix): Prefix {
  return { address: address.map((byte, index) => byte & maskAt(index, bits)), bits }
}

function maskAt(index: number, bits: number): number {
  const kept = Math.min(Math.max(bits - index * 8, 0), 8)
  return (0xff << (8 - kept)) & 0xff
}

export function containsAddress({ address, bits }: Prefix, other: Address): boolean {
  return (
    address.length === other.length &&
    address.every((byte, index) => ((byte ^ other[index]!) & maskAt(index, bits)) === 0)
  )
}

export function isUnspecified(address: Address): boolean {
  return address.every((byte) => byte === 0)
}

export function isLoopback(address: Address): boolean {
  if (address.length === 4) return address[0] === 127
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0))
}

export function isLinkLocalMulticast(address: Address): boolean {
  if (address.length === 4) return address[0] === 224 && address[1] === 0 && address[2] === 0
  return address[0] === 0xff && (address[1]! & 0x0f) === 0x02
}

export function isLinkLocalUnicast(address: Address): boolean {
  if (address.length === 4) return address[0] === 169 && address[1] === 254
  return address[0] === 0xfe && (address[1]! & 0xc0) === 0x80
}

export function isGlobalUnicast(address: Address): boolean {
  const multicast = address.length === 4 ? (address[0]! & 0xf0) === 0xe0 : address[0] === 0xff
  const broadcast = address.length === 4 && address.every((byte) => byte === 255)
  return !multicast && !broadcast && !isUnspecified(address) && !isLoopback(address) && !isLinkLocalUnicast(address)
}
