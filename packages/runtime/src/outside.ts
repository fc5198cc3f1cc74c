/** A request to something outside Kubernetes, as plain data, so that it can be recorded and answered by a test. */
export interface OutsideRequest {
  /** Absolute, http or https. */
  readonly url: string
  /** @default 'GET' */
  readonly method?: string
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM; the authorities known to Node when absent. */
  readonly certificateAuthority?: string
  /** Without an answer after this long there is none. @default 30_000 */
  readonly timeoutMs?: number
}

export interface OutsideAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Whether `url` is below one of the URLs in `calls`: same scheme, same host unless the declared one has none, and a
 * path that goes on after whole segments.
 */
export function mayCall(calls: readonly string[], url: string): boolean {
  if (!URL.canParse(url)) return false
  const wanted = new URL(url)
  // A user in front of the host is how a URL is made to look like another.
  if (wanted.username !== '' || wanted.password !== '') return false
  return calls.some((declared) => {
    if (declared === 'https://' || declared === 'http://') return wanted.protocol === declared.slice(0, -2)
    if (!URL.canParse(declared)) return false
    const { protocol, host, pathname } = new URL(declared)
    if (wanted.protocol !== protocol || wanted.host !== host) return false
    const folder = pathname.endsWith('/') ? pathname : `${pathname}/`
    return wanted.pathname === pathname || wanted.pathname.startsWith(folder)
  })
}
