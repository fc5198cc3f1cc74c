import { isIP, isIPv4 } from 'node:net'
import { fieldInvalid } from '@locktender/kube'
import type { Errors } from './rules.ts'

const IP_RULE = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const CIDR_RULE = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

/** Whether a text is an address; old ones may have zeros in front of their numbers. */
export function isAddress(value: string): boolean {
  return isIP(withoutZeros(value)) !== 0
}

function withoutZeros(value: string): string {
  return /^[\d.]+$/.test(value) ? value.replaceAll(/(^|\.)0+(?=\d)/g, '$1') : value
}

export function address(value: string, path: string, errors: Errors): void {
  if (!isAddress(value)) errors.push(fieldInvalid(path, value, IP_RULE))
}

/** An address at which others can be reached. */
export function reachable(value: string, path: string, errors: Errors): void {
  if (!isAddress(value)) {
    errors.push(fieldInvalid(path, value, 'must be a valid IP address'))
    return
  }
  if (value === '0.0.0.0' || value === '::') errors.push(fieldInvalid(path, value, `may not be unspecified (${value})`))
  if (value.startsWith('127.') || value === '::1') {
    errors.push(fieldInvalid(path, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  }
  if (value.startsWith('169.254.') || /^fe[89ab]/i.test(value)) {
    errors.push(fieldInvalid(path, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  }
  if (value.startsWith('224.0.0.') || /^ff02:/i.test(value)) {
    errors.push(fieldInvalid(path, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
  }
}

/** A range of addresses: its bits, and how many of them are fixed. */
export interface Range {
  readonly bits: bigint
  readonly fixed: number
  readonly width: number
}

/** The range a text like `10.0.0.0/8` stands for. */
export function parseRange(text: string): Range | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const base = withoutZeros(match[1]!)
  const fixed = Number(match[2])
  const width = isIPv4(base) ? 32 : 128
  if (isIP(base) === 0 || fixed > width) return undefined
  return { bits: addressBits(base), fixed, width }
}

function addressBits(text: string): bigint {
  if (isIPv4(text)) return text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
  const [head = '', tail] = text
    .replace(/[^:]+$/, (last) => (isIPv4(last) ? hexOf(last) : last))
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
    .map((groups) => groups.join(':'))
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back]
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}

function hexOf(text: string): string {
  const bits = addressBits(text)
  return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`
}

/** Whether all of one range is in another. */
export function contains(outer: Range, inner: Range): boolean {
  if (outer.width !== inner.width || outer.fixed > inner.fixed) return false
  const rest = BigInt(outer.width - outer.fixed)
  return outer.bits >> rest === inner.bits >> rest
}

/** The range, when it is one. */
export function range(value: string, path: string, errors: Errors): Range | undefined {
  const parsed = parseRange(value)
  if (parsed === undefined) errors.push(fieldInvalid(path, value, CIDR_RULE))
  return parsed
}
