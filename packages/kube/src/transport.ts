export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface TransportRequest {
  readonly method: HttpMethod
  /** Absolute path with query, below the server's base path: `/api/v1/namespaces?limit=500`. */
  readonly path: string
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Aborting ends the request, and the body if it is still streaming. */
  readonly signal?: AbortSignal
}

export interface TransportResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Must be read to the end or returned early; a watch streams here until it ends. */
  readonly body: AsyncIterable<Uint8Array>
  /** The JSON of the body where it is at hand, made anew for each caller; then nobody has to read the body. */
  readonly json?: () => unknown
}

/**
 * Carries requests of one identity to one API server: over HTTPS to any, or in-process to the embedded one.
 * Rejects only when no answer came; an HTTP error status is an answer.
 */
export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>
  close(): Promise<void>
}
