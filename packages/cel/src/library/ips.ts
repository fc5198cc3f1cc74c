import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { sizeOf, traversal } from '../prices.ts'
import { exactly, perCharacter, plus, scale, scaled } from '../ranges.ts'
import { celBool, celInt, celString, opaqueType } from '../types.ts'
import { CelOpaque } from '../values.ts'
import {
  containsAddress,
  formatAddress,
  isGlobalUnicast,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  isMapped,
  isUnspecified,
  masked,
  parseAddress,
  parsePrefix,
} from './addresses.ts'
import type { Address, Prefix } from './addresses.ts'

const ipType = opaqueType('net.IP')
const cidrType = opaqueType('net.CIDR')

class Ip extends CelOpaque {
  readonly type = ipType
  readonly address: Address

  constructor(address: Address) {
    super()
    this.address = address
  }

  override get size(): number {
    return this.address.length
  }

  equals(other: CelOpaque): boolean {
    return other instanceof Ip && formatAddress(other.address) === formatAddress(this.address)
  }
}

class Cidr extends CelOpaque {
  readonly type = cidrType
  readonly prefix: Prefix

  constructor(prefix: Prefix) {
    super()
    this.prefix = prefix
  }

  override get size(): number {
    return Math.ceil(this.prefix.bits / 8)
  }

  equals(other: CelOpaque): boolean {
    return other instanceof Cidr && formatPrefix(other.prefix) === formatPrefix(this.prefix)
  }
}

function formatPrefix({ address, bits }: Prefix): string {
  return `${formatAddress(address)}/${bits}`
}

function toIp(text: string): Ip {
  const quoted = JSON.stringify(text)
  const parsed = parseAddress(text)
  if (parsed === undefined) {
    throw new CelEvaluationError(
      `IP Address ${quoted} parse error during conversion from string: ParseAddr(${quoted}): unable to parse IP`,
    )
  }
  if (parsed.zone !== '') throw new CelEvaluationError(`IP address ${quoted} with zone value is not allowed`)
  if (isMapped(parsed.address)) throw new CelEvaluationError(`IPv4-mapped IPv6 address ${quoted} is not allowed`)
  return new Ip(parsed.address)
}

function isIp(text: string): boolean {
  const parsed = parseAddress(text)
  return parsed !== undefined && parsed.zone === '' && !isMapped(parsed.address)
}

function toCidr(text: string): Cidr {
  const prefix = parsePrefix(text)
  const quoted = JSON.stringify(text)
  const failure = 'network address parse error during conversion from string:'
  if (prefix === undefined) {
    throw new CelEvaluationError(`${failure} ${failure} netip.ParsePrefix(${quoted}): unable to parse CIDR`)
  }
  if (isMapped(prefix.address)) {
    throw new CelEvaluationError(`${failure} IPv4-mapped IPv6 address ${quoted} is not allowed`)
  }
  return new Cidr(prefix)
}

function isCidr(text: string): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && !isMapped(prefix.address)
}

/** Comparing two addresses of 4 to 16 bytes; with `masking` the network is worked out too. Strings are parsed first. */
function containment(masking: boolean, parsing: boolean): Price {
  const address = { min: 4, max: 16 }
  return {
    actual: ([cidr, other]) =>
      scaled(2 * sizeOf(cidr!), perCharacter) +
      (masking ? scaled(sizeOf(cidr!), perCharacter) + 1 : 0) +
      (parsing ? scaled(sizeOf(other!), perCharacter) : 0),
    estimate: ([, other]) => {
      let cost = scale(plus(address, address), perCharacter)
      if (masking) cost = plus(plus(cost, scale(address, perCharacter)), exactly(1))
      if (parsing) cost = plus(cost, scale(other!.size, perCharacter))
      return { cost }
    },
  }
}

const containsIp = (cidr: Cidr, ip: Ip): boolean => containsAddress(cidr.prefix, ip.address)
const containsCidr = ({ prefix }: Cidr, other: Cidr): boolean =>
  prefix.bits <= other.prefix.bits && containsAddress(prefix, other.prefix.address)

const question = (name: string, id: string, holds: (address: Address) => boolean): FunctionDeclaration =>
  define(
    name,
    member(id, [ipType], celBool, ({ address }: Ip) => holds(address)),
  )

export const ipFunctions: readonly FunctionDeclaration[] = [
  define(
    'ip',
    overload('string_to_ip', [celString], ipType, toIp, traversal(0)),
    member('cidr_ip', [cidrType], ipType, ({ prefix }: Cidr) => new Ip(prefix.address)),
  ),
  define('isIP', overload('is_ip', [celString], celBool, isIp, traversal(0))),
  define(
    'ip.isCanonical',
    overload(
      'ip_is_canonical',
      [celString],
      celBool,
      (text: string) => formatAddress(toIp(text).address) === text,
      traversal(0, 2),
    ),
  ),
  define(
    'family',
    member('ip_family', [ipType], celInt, ({ address }: Ip) => (address.length === 4 ? 4n : 6n)),
  ),
  question('isUnspecified', 'ip_is_unspecified', isUnspecified),
  question('isLoopback', 'ip_is_loopback', isLoopback),
  question('isLinkLocalMulticast', 'ip_is_link_local_multicast', isLinkLocalMulticast),
  question('isLinkLocalUnicast', 'ip_is_link_local_unicast', isLinkLocalUnicast),
  question('isGlobalUnicast', 'ip_is_global_unicast', isGlobalUnicast),
  define('cidr', overload('string_to_cidr', [celString], cidrType, toCidr, traversal(0))),
  define('isCIDR', overload('is_cidr', [celString], celBool, isCidr, traversal(0))),
  define(
    'containsIP',
    member(
      'cidr_contains_ip_string',
      [cidrType, celString],
      celBool,
      (cidr: Cidr, ip: string) => containsIp(cidr, toIp(ip)),
      containment(false, true),
    ),
    member('cidr_contains_ip_ip', [cidrType, ipType], celBool, containsIp, containment(false, false)),
  ),
  define(
    'containsCIDR',
    member(
      'cidr_contains_cidr_string',
      [cidrType, celString],
      celBool,
      (cidr: Cidr, other: string) => containsCidr(cidr, toCidr(other)),
      containment(true, true),
    ),
    member('cidr_contains_cidr', [cidrType, cidrType], celBool, containsCidr, containment(true, false)),
  ),
  define(
    'prefixLength',
    member('cidr_prefix_length', [cidrType], celInt, ({ prefix }: Cidr) => BigInt(prefix.bits)),
  ),
  define(
    'masked',
    member('cidr_masked', [cidrType], cidrType, ({ prefix }: Cidr) => new Cidr(masked(prefix))),
  ),
  define(
    'string',
    overload('ip_to_string', [ipType], celString, ({ address }: Ip) => formatAddress(address)),
    overload('cidr_to_string', [cidrType], celString, ({ prefix }: Cidr) => formatPrefix(prefix)),
  ),
]
