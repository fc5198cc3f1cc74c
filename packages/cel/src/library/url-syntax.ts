/** A URL taken apart the way Go's net/url does it, whose verdict on what is a URL counts in Kubernetes. */
export interface ParsedUrl {
  /** In lower case. */
  readonly scheme: string
  /** With the port, without user information. */
  readonly host: string
  readonly path: string
  readonly query: string
  /** Scheme and everything behind it; equal URLs have equal texts. */
  readonly text: string
}

export type UrlResult = { readonly ok: true; readonly url: ParsedUrl } | { readonly ok: false; readonly reason: string }

/** Thrown and caught in this file. */
class UrlFailure extends Error {}

/** Parses an absolute URL or an absolute path. `fragments` says whether `#` begins a fragment or is part of the path. */
export function parseUrl(text: string, fragments: boolean): UrlResult {
  try {
    return { ok: true, url: parse(fragments ? text.replace(/#[^]*$/, '') : text) }
  } catch (error) {
    if (error instanceof UrlFailure) return { ok: false, reason: `parse ${JSON.stringify(text)}: ${error.message}` }
    throw error
  }
}

function parse(text: string): ParsedUrl {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new UrlFailure('net/url: invalid control character in URL')
  if (text === '') throw new UrlFailure('empty url')
  if (text === '*') return { scheme: '', host: '', path: '*', query: '', text }
  const { scheme, rest } = splitScheme(text)
  const question = rest.indexOf('?')
  const before = question < 0 ? rest : rest.slice(0, question)
  const query = question < 0 ? '' : rest.slice(question + 1)
  const whole = scheme === '' ? rest : `${scheme}:${rest}`
  if (!before.startsWith('/')) {
    // What follows a scheme without a slash is opaque.
    if (scheme !== '') return { scheme, host: '', path: '', query, text: whole }
    throw new UrlFailure('invalid URI for request')
  }
  if (scheme === '' || !before.startsWith('//')) {
    return { scheme, host: '', path: checkedPath(before), query, text: whole }
  }
  const slash = before.indexOf('/', 2)
  const authority = slash < 0 ? before.slice(2) : before.slice(2, slash)
  const path = slash < 0 ? '' : before.slice(slash)
  return { scheme, host: parseAuthority(authority), path: checkedPath(path), query, text: whole }
}

function splitScheme(text: string): { scheme: string; rest: string } {
  if (text.startsWith(':')) throw new UrlFailure('missing protocol scheme')
  const match = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text)
  return match === null
    ? { scheme: '', rest: text }
    : { scheme: match[1]!.toLowerCase(), rest: text.slice(match[0].length) }
}

function parseAuthority(authority: string): string {
  const at = authority.lastIndexOf('@')
  const host = parseHost(authority.slice(at + 1))
  const user = at < 0 ? '' : authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new UrlFailure('net/url: invalid userinfo')
  unescape(user)
  return host
}

function parseHost(host: string): string {
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']')
    if (end < 0) throw new UrlFailure("missing ']' in host")
    checkPort(host.slice(end + 1))
    return host
  }
  const colon = host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon))
  return unescapeHost(host)
}

function checkPort(port: string): void {
  if (port !== '' && !/^:\d*$/.test(port)) throw new UrlFailure(`invalid port ${JSON.stringify(port)} after host`)
}

function unescapeHost(host: string): string {
  // oxlint-disable-next-line no-control-regex
  const bad = /[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.exec(host)
  if (bad !== null) throw new UrlFailure(`invalid character ${JSON.stringify(bad[0])} in host name`)
  const escape = /%(?![89A-Fa-f][0-9A-Fa-f])(?:..?)?/.exec(host)
  if (escape !== null) throw new UrlFailure(`invalid URL escape ${JSON.stringify(escape[0])}`)
  return unescape(host)
}

/** Replaces `%xx`; throws for a percent sign that is none. */
function unescape(text: string): string {
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(text)
  if (bad !== null) throw new UrlFailure(`invalid URL escape ${JSON.stringify(bad[0])}`)
  if (!text.includes('%')) return text
  const bytes: number[] = []
  const encoder = new TextEncoder()
  for (const part of text.split(/(%[0-9A-Fa-f]{2})/)) {
    if (part.startsWith('%')) bytes.push(Number.parseInt(part.slice(1), 16))
    else bytes.push(...encoder.encode(part))
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
}

function checkedPath(path: string): string {
  unescape(path)
  return path
}

/** The path with everything escaped that has to be; an escape that is there already stays as it is. */
export function escapedPath({ path }: ParsedUrl): string {
  if (path === '*' || /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/]|%[0-9A-Fa-f]{2})*$/.test(path)) return path
  return [...new TextEncoder().encode(unescape(path))]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** The host without brackets and port. */
export function hostname({ host }: ParsedUrl): string {
  if (host.startsWith('[')) return host.slice(1, host.lastIndexOf(']'))
  const colon = host.lastIndexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

export function port({ host }: ParsedUrl): string {
  return /:(\d*)$/.exec(host.slice(host.lastIndexOf(']') + 1))?.[1] ?? ''
}

/** The parameters of the query in order; those that cannot be read are left out. */
export function queryParameters({ query }: ParsedUrl): Map<string, string[]> {
  const parameters = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    try {
      const name = unescape((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '))
      const value = unescape((equals < 0 ? '' : pair.slice(equals + 1)).replaceAll('+', ' '))
      parameters.set(name, [...(parameters.get(name) ?? []), value])
    } catch (error) {
      if (!(error instanceof UrlFailure)) throw error
    }
  }
  return parameters
}
